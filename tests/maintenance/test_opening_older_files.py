"""What becomes of a file of another revision when it is opened."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from mixpanel_data import StorageEngine
from mixpanel_data.exceptions import DatabaseNotFoundError, SchemaVersionError, TableNotFoundError
from tests.support.factories import EVENTS
from tests.support.files import (
    HEAD,
    REVISIONS,
    asset,
    contents,
    revision_of,
    schema,
    stamp,
    unregistered,
)

pytestmark = pytest.mark.slow


def test_a_new_database_is_at_the_head(db_path: Path) -> None:
    StorageEngine(db_path).close()
    assert revision_of(db_path) == HEAD


@pytest.mark.parametrize("kind", ["memory", "ephemeral"])
def test_a_database_that_is_not_kept_is_too(kind: str) -> None:
    with getattr(StorageEngine, kind)() as engine:
        assert engine.execute_scalar("SELECT version_num FROM _alembic_version") == HEAD


def test_a_file_at_the_head_just_opens(newest: Path) -> None:
    with StorageEngine(newest) as engine:
        assert len(engine.list_tables()) == 3


def test_an_older_file_names_both_revisions_and_both_remedies(older: Path) -> None:
    revision = revision_of(older)
    before = older.read_bytes()
    with pytest.raises(SchemaVersionError) as caught:
        StorageEngine(older)
    error = caught.value
    assert (error.revision, error.head, error.db_path) == (revision, HEAD, str(older))
    for part in (str(older), f"revision {revision}", HEAD, "upgrade=True", "db upgrade"):
        assert part in str(error)
    assert older.read_bytes() == before


def test_a_refused_file_is_not_held(first: Path) -> None:
    with pytest.raises(SchemaVersionError):
        StorageEngine(first)
    first.unlink()
    with StorageEngine(first) as engine:
        assert EVENTS.create(engine, EVENTS.records(1)) == 1


def test_an_older_file_answers_a_reader(older: Path) -> None:
    before = older.read_bytes()
    with StorageEngine.open_existing(older) as engine:
        names = [table.name for table in engine.list_tables()]
        assert names == ["events_jan", "order", "profiles"]
        assert engine.get_metadata("events_jan").to_date == "2024-01-31"
        assert [c.name for c in engine.get_schema("profiles").columns if c.primary_key] == [
            "distinct_id"
        ]
        assert engine.execute_scalar("SELECT count(*) FROM events_jan") == 40
        assert engine.coverage("events_jan").table_name == "events_jan"
        with pytest.raises(TableNotFoundError):
            engine.get_metadata("notes")
    assert older.read_bytes() == before


def test_a_reader_of_a_file_without_a_catalogue_sees_no_tables(tmp_path: Path) -> None:
    path = unregistered(tmp_path / "bare.db", "jan", 3)
    with StorageEngine(path, read_only=True) as engine:
        assert engine.list_tables() == []
        assert engine.loads() == []
        assert engine.execute_scalar("SELECT count(*) FROM jan") == 3
        with pytest.raises(TableNotFoundError):
            engine.get_metadata("jan")


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize("revision", ["0999", "feedc0ffee12", ""])
def test_an_unknown_revision_is_refused_and_left_alone(
    revision: str, read_only: bool, newest: Path
) -> None:
    before = stamp(newest, revision).read_bytes()
    with pytest.raises(SchemaVersionError, match=f"{revision}.*{HEAD}.*update the library"):
        StorageEngine.open_existing(newest, read_only=read_only)
    with pytest.raises(SchemaVersionError):
        StorageEngine.open_existing(newest, upgrade=True)
    assert newest.read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize("read_only", [True, False])
def test_opening_with_upgrade_upgrades_first(older: Path, read_only: bool) -> None:
    with StorageEngine.open_existing(older, read_only=read_only, upgrade=True) as engine:
        assert engine.read_only is read_only
        assert engine.list_tables()
    assert revision_of(older) == HEAD


def test_opening_with_upgrade_needs_a_file(tmp_path: Path) -> None:
    with pytest.raises(DatabaseNotFoundError):
        StorageEngine.open_existing(tmp_path / "none.db", upgrade=True)


def test_a_strangers_database_gets_our_tables_beside_its_own(db_path: Path) -> None:
    with duckdb.connect(str(db_path)) as connection:
        connection.execute("CREATE TABLE mine AS SELECT 42 AS answer")
    with StorageEngine(db_path) as engine:
        EVENTS.create(engine, EVENTS.records(3))
        assert engine.execute_scalar("SELECT answer FROM mine") == 42
    assert revision_of(db_path) == HEAD


def test_a_strangers_catalogue_is_not_taken_for_ours(db_path: Path) -> None:
    with duckdb.connect(str(db_path)) as connection:
        connection.execute("CREATE TABLE _metadata AS SELECT 1 AS key, 2 AS value")
    before = contents_of(db_path)
    with StorageEngine(db_path, read_only=True) as engine:
        assert engine.list_tables() == []
    with pytest.raises(OSError, match=r"_metadata.*already exists"):
        StorageEngine(db_path)
    assert contents_of(db_path) == before


def contents_of(path: Path) -> list[tuple[int, int]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute("FROM _metadata").fetchall()


def test_files_from_before_the_version_table_are_recognised(tmp_path: Path) -> None:
    path = asset("0003", tmp_path)
    with duckdb.connect(str(path)) as connection:
        connection.execute("DROP TABLE _alembic_version")
    before = contents(path)
    assert revision_of(path) == "0003"
    StorageEngine.open_existing(path, upgrade=True).close()
    assert contents(path) == before
    assert revision_of(path) == HEAD


def test_a_file_whose_revisions_were_all_taken_back_starts_again(first: Path) -> None:
    with duckdb.connect(str(first)) as connection:
        connection.execute("CREATE TABLE _alembic_version (version_num VARCHAR PRIMARY KEY)")
    StorageEngine.open_existing(first, upgrade=True).close()
    assert ("_loads", "table_name", "VARCHAR", False) in schema(first)


def test_opening_never_loads_alembic(newest: Path) -> None:
    code = (
        "import sys; from mixpanel_data import StorageEngine;"
        f"StorageEngine({str(newest)!r}).close();"
        "StorageEngine.memory().close(); sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_revisions_are_numbered_in_their_order() -> None:
    assert [f"{n:04}" for n in range(1, len(REVISIONS) + 1)] == REVISIONS
