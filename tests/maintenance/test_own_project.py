"""A project with Alembic and tables of its own shares a database with this library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from mixpanel_data import StorageEngine, maintenance
from mixpanel_data.alembic import include_name, include_object
from tests.support.effort import only_thorough
from tests.support.factories import EVENTS, PROFILES
from tests.support.processes import environment

MODELS = """
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from mixpanel_data.orm import EventMixin


class Base(DeclarativeBase):
    pass


class Play(EventMixin, Base):
    __tablename__ = "plays"


class Report(Base):
    __tablename__ = "reports"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(sa.String, comment="what it is about")
    pages: Mapped[int | None] = mapped_column(sa.Integer, index=True)
"""
ENV = """
import models

import mixpanel_data.alembic

target_metadata = models.Base.metadata
"""
BATCH = "connection=connection, render_as_batch=True,"
CHANGED = MODELS.replace(
    "mapped_column(sa.Integer, index=True)", "mapped_column(sa.String, server_default='none')"
).replace("what it is about", "its headline")
CHANGED += """
    author: Mapped[str | None] = mapped_column(sa.String, index=True)
"""
REBUILD = """
    with op.rebuild_table("reports") as batch:
        batch.create_check_constraint("short", "length(title) < 100")
"""


class Project:
    """A directory with Alembic's own files in it, and models."""

    def __init__(self, folder: Path, database: Path) -> None:
        self.folder = folder
        self.alembic("init", "migrations")
        self._replace("alembic.ini", "driver://user:pass@localhost/dbname", _url(database))
        self._replace("migrations/env.py", "target_metadata = None", ENV)
        self._replace("migrations/env.py", "connection=connection,", BATCH)

    def alembic(self, *arguments: str) -> str:
        """Run Alembic as its users do."""
        done = subprocess.run(
            [sys.executable, "-m", "alembic", *arguments],
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def revision(self, models: str, name: str) -> Path:
        """Have Alembic write what the models lack in the database, and return the file."""
        (self.folder / "models.py").write_text(models)
        self.alembic("revision", "--autogenerate", "-m", name, "--rev-id", name)
        return self.folder / "migrations" / "versions" / f"{name}_{name}.py"

    def _replace(self, file: str, old: str, new: str) -> None:
        text = (self.folder / file).read_text()
        assert old in text
        (self.folder / file).write_text(text.replace(old, new))


def _url(path: Path) -> str:
    return f"duckdb+mixpanel_data:///{path}"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Return a database with tables of both kinds."""
    path = tmp_path / "music.db"
    with StorageEngine(path) as storage:
        EVENTS.create(storage, EVENTS.records(3), "plays")
        PROFILES.create(storage, PROFILES.records(2), "people")
    return path


@pytest.mark.slow
@only_thorough
def test_revisions_of_a_project_leave_our_tables_alone(database: Path, tmp_path: Path) -> None:
    project = Project(tmp_path, database)
    first = project.revision(MODELS, "first").read_text()
    for ours in ("plays", "people", "_metadata", "_loads", "_alembic_version"):
        assert f"'{ours}'" not in first
    project.alembic("upgrade", "head")
    with StorageEngine(database) as storage:
        storage.connection.execute("INSERT INTO reports(title, pages) VALUES ('a', 12), ('b', 1)")

    second = project.revision(CHANGED, "second")
    text = second.read_text()
    for change in ("add_column", "alter_column", "create_index", "drop_index"):
        assert f"batch_op.{change}(" in text, text
    second.write_text(text.replace("\n\ndef downgrade", f"{REBUILD}\n\ndef downgrade", 1))
    project.alembic("upgrade", "head")
    assert "No new upgrade operations" in project.alembic("check")
    with StorageEngine(database) as storage:
        storage.connection.execute("INSERT INTO reports(title, pages) VALUES ('c', 'many')")
        assert storage.execute_rows("SELECT title, pages, author FROM reports ORDER BY id") == [
            ("a", "12", None),
            ("b", "1", None),
            ("c", "many", None),
        ]
        assert [table.row_count for table in storage.list_tables()] == [2, 3]
        storage.connection.execute("DELETE FROM reports WHERE pages = 'many'")
    _check_ours(database)
    project.alembic("downgrade", "first")
    project.alembic("downgrade", "base")
    with StorageEngine(database) as storage:
        assert not storage.table_exists("reports")
        assert [table.row_count for table in storage.list_tables()] == [2, 3]
    _check_ours(database)


def _check_ours(database: Path) -> None:
    """Check that the library sees its own revision, and the project's tables as others."""
    assert maintenance.check(database) == []
    status = maintenance.status(database)
    assert status.revision == status.head
    assert "alembic_version" in status.others


def _differences(path: Path, metadata: sa.MetaData, **options: object) -> list[str]:
    engine = sa.create_engine(_url(path))
    with engine.connect() as connection:
        opts = {"target_metadata": metadata, **options}
        found = compare_metadata(MigrationContext.configure(connection, opts=opts), metadata)
    engine.dispose()
    return sorted(f"{kind} {item.name}" for kind, item in found)


def _own(*names: str) -> sa.MetaData:
    metadata = sa.MetaData()
    for name in names:
        sa.Table(name, metadata, sa.Column("a", sa.String))
    return metadata


FILTERS = {
    "none of its own": {},
    "ours": {"include_name": include_name},
    "both": {"include_name": include_name, "include_object": include_object},
    "its own around ours": {
        "include_name": lambda name, *more: include_name(name, *more) and name != "scratch"
    },
}


@pytest.mark.parametrize("options", FILTERS.values(), ids=FILTERS)
def test_our_tables_are_neither_dropped_nor_changed(
    database: Path, options: dict[str, object]
) -> None:
    with StorageEngine(database) as storage:
        storage.connection.execute("CREATE TABLE old(a VARCHAR); CREATE TABLE scratch(a VARCHAR)")
    dropped = ["remove_table old", "remove_table scratch"][: 1 if "its own" in str(options) else 2]
    found = _differences(database, _own("new", "Plays", "people"), **options)
    assert found == ["add_table new", *(dropped if "lambda" not in str(options) else dropped[:1])]


def test_a_table_with_an_underscore_may_be_the_projects_own(database: Path) -> None:
    with StorageEngine(database) as storage:
        storage.connection.execute("CREATE TABLE _old(a VARCHAR); CREATE TABLE _mine(a VARCHAR)")
    assert _differences(database, _own("_mine", "_new")) == ["add_table _new"]


def test_a_database_that_is_not_ours_is_all_the_projects(tmp_path: Path) -> None:
    engine = sa.create_engine(_url(tmp_path / "own.db"))
    with engine.begin() as connection:
        for name in ("_metadata", "_loads", "events"):
            connection.exec_driver_sql(f"CREATE TABLE {name}(a VARCHAR)")
    engine.dispose()
    found = _differences(tmp_path / "own.db", _own("events"))
    assert found == ["remove_table _loads", "remove_table _metadata"]


def test_a_class_over_events_is_no_table_to_create(tmp_path: Path) -> None:
    names: dict[str, object] = {"__name__": "models"}
    exec(compile(MODELS, "models.py", "exec", dont_inherit=True), names)
    metadata = names["Base"].metadata  # type: ignore[attr-defined]
    found = _differences(tmp_path / "empty.db", metadata)
    assert [difference for difference in found if "table" in difference] == ["add_table reports"]
