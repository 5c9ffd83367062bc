"""A path opens or creates a database file."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

import mixpanel_data
from mixpanel_data import StorageEngine
from mixpanel_data._internal import storage
from mixpanel_data.exceptions import DatabaseNotFoundError
from tests.support.factories import EVENTS, events, metadata
from tests.support.processes import run

Opened = Callable[[StorageEngine], StorageEngine]


def test_both_import_paths_give_the_same_class() -> None:
    assert mixpanel_data.StorageEngine is storage.StorageEngine


@pytest.mark.parametrize("form", [str, Path])
def test_a_path_may_be_text_or_a_path(
    form: Callable[[Path], str | Path], db_path: Path, opened: Opened
) -> None:
    engine = opened(StorageEngine(form(db_path)))
    assert engine.path == db_path
    assert isinstance(engine.path, Path)
    assert db_path.is_file()


def test_a_relative_path_is_taken_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened: Opened
) -> None:
    monkeypatch.chdir(tmp_path)
    opened(StorageEngine("here.db"))
    assert (tmp_path / "here.db").is_file()


@pytest.mark.parametrize("name", ["a b.db", "quo'te.db", "per%cent.db", "ques?tion.db", "ü#&=.db"])
def test_any_file_name_works(name: str, tmp_path: Path) -> None:
    with StorageEngine(tmp_path / name) as engine:
        EVENTS.create(engine, events(3))
    assert [p.name for p in tmp_path.iterdir()] == [name]
    with StorageEngine(tmp_path / name, read_only=True) as engine:
        assert engine.execute_scalar("SELECT count(*) FROM data") == 3


def test_parent_directories_are_made(tmp_path: Path, opened: Opened) -> None:
    path = tmp_path / "a" / "b" / "c.db"
    opened(StorageEngine(path))
    assert path.is_file()


@pytest.mark.parametrize("read_only", [False, True])
def test_no_path_is_refused_with_the_way_out(read_only: bool) -> None:
    with pytest.raises(
        ValueError, match=r"Use StorageEngine\.ephemeral\(\) or StorageEngine\.memory\(\)"
    ):
        StorageEngine(None, read_only=read_only)


def test_what_was_written_is_there_after_reopening(db_path: Path) -> None:
    with StorageEngine(db_path) as engine:
        engine.create_events_table("jan", events(5), metadata())
        before = engine.execute_rows("SELECT * FROM jan ORDER BY ALL")
    with StorageEngine(db_path) as engine:
        assert engine.execute_rows("SELECT * FROM jan ORDER BY ALL") == before
        assert engine.get_metadata("jan") == metadata()


def test_opening_is_for_writing_by_default(engine: StorageEngine) -> None:
    assert engine.read_only is False


def test_a_reader_sees_the_data(db_path: Path, opened: Opened) -> None:
    StorageEngine(db_path).close()
    engine = opened(StorageEngine(db_path, read_only=True))
    assert engine.read_only is True
    assert engine.list_tables() == []


def test_a_reader_leaves_the_file_as_it_is(db_path: Path) -> None:
    with StorageEngine(db_path) as engine:
        EVENTS.create(engine, events(3))
    before = db_path.read_bytes()
    with StorageEngine(db_path, read_only=True) as engine:
        engine.execute_df("SELECT * FROM data")
    assert db_path.read_bytes() == before


def test_open_existing_reads_by_default(db_path: Path, opened: Opened) -> None:
    StorageEngine(db_path).close()
    assert opened(StorageEngine.open_existing(db_path)).read_only is True


def test_open_existing_can_write(db_path: Path, opened: Opened) -> None:
    StorageEngine(db_path).close()
    engine = opened(StorageEngine.open_existing(str(db_path), read_only=False))
    assert EVENTS.create(engine, events(3)) == 3


@pytest.mark.parametrize("read_only", [False, True])
def test_open_existing_never_creates(read_only: bool, tmp_path: Path) -> None:
    path = tmp_path / "folder" / "missing.db"
    with pytest.raises(FileNotFoundError, match=r"missing\.db"):
        StorageEngine.open_existing(path, read_only=read_only)
    assert list(tmp_path.iterdir()) == []


def test_the_error_for_a_missing_file_names_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "missing.db"
    with pytest.raises(DatabaseNotFoundError) as caught:
        StorageEngine(path, read_only=True)
    assert isinstance(caught.value, FileNotFoundError)
    assert str(caught.value.db_path) == str(path)
    assert "load" in caught.value.details["suggestion"]
    assert list(tmp_path.iterdir()) == []


def test_the_library_prints_nothing_and_leaves_logging_alone(
    db_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    root = logging.getLogger()
    before = (root.level, list(root.handlers), logging.getLogger("sqlalchemy.engine").level)
    with StorageEngine(db_path) as engine:
        EVENTS.create(engine, events(3))
        engine.drop_table("data")
    assert (root.level, root.handlers, logging.getLogger("sqlalchemy.engine").level) == before
    assert capfd.readouterr() == ("", "")


def test_the_database_draws_no_progress_bar_either() -> None:
    # DuckDB would, where no script is running: in a shell, or here, under -c.
    code = """
        import duckdb
        from mixpanel_data import StorageEngine

        draws = "SELECT current_setting('enable_progress_bar')"
        print(duckdb.connect().execute(draws).fetchall())
        with StorageEngine.memory() as engine:
            print(engine.execute_rows(draws), engine.query(draws), engine.execute(draws).fetchall())
    """
    assert run(code) == "[(True,)]\n[(False,)] [(False,)] [(False,)]\n"
