"""One process writes; any number of processes read."""

from __future__ import annotations

from pathlib import Path

import pytest

from mixpanel_data import StorageEngine
from mixpanel_data.exceptions import DatabaseLockedError
from tests.support.factories import EVENTS, events
from tests.support.processes import OtherProcess


@pytest.fixture
def file(db_path: Path) -> Path:
    """Return a database file with a table in it."""
    with StorageEngine(db_path) as engine:
        EVENTS.create(engine, events(3))
    return db_path


@pytest.mark.parametrize(("theirs", "ours"), [(False, False), (False, True), (True, False)])
def test_a_writer_excludes_every_other_process(
    theirs: bool, ours: bool, file: Path, other_process: OtherProcess
) -> None:
    other_process.run("engine = StorageEngine(path, read_only=mode)", path=file, mode=theirs)
    with pytest.raises(DatabaseLockedError) as caught:
        StorageEngine(file, read_only=ours)
    assert str(caught.value.db_path) == str(file)
    assert caught.value.holding_pid == other_process.pid
    assert str(other_process.pid) in str(caught.value)


def test_a_locked_file_opens_once_it_is_released(file: Path, other_process: OtherProcess) -> None:
    other_process.run("engine = StorageEngine(path)", path=file)
    with pytest.raises(DatabaseLockedError):
        StorageEngine(file)
    other_process.run("engine.close()")
    with StorageEngine(file) as engine:
        assert EVENTS.append(engine, events(3, start=3)) == 3


def test_an_engine_that_only_waits_still_holds_the_file(
    file: Path, other_process: OtherProcess
) -> None:
    with StorageEngine(file) as engine:
        engine.execute_rows("SELECT 1")
        answer = other_process.attempt("engine = StorageEngine(path)", path=file)
    assert answer["error"] == "DatabaseLockedError"


def test_a_lock_taken_by_plain_duckdb_counts_too(file: Path, other_process: OtherProcess) -> None:
    other_process.run("import duckdb; plain = duckdb.connect(path)", path=file)
    with pytest.raises(DatabaseLockedError) as caught:
        StorageEngine(file)
    other_process.run("plain.close()")
    assert caught.value.holding_pid == other_process.pid


def test_readers_in_two_processes_coexist(file: Path, other_process: OtherProcess) -> None:
    other_process.run("engine = StorageEngine(path, read_only=True)", path=file)
    count = "SELECT count(*) FROM data"
    with (
        StorageEngine(file, read_only=True) as first,
        StorageEngine(file, read_only=True) as second,
    ):
        seen = [reader.execute_scalar(count) for reader in (first, second)]
    assert seen == [3, 3]
    assert other_process.run("result = engine.execute_scalar(sql)", sql=count) == 3


def test_two_engines_in_one_process_share_the_file(file: Path) -> None:
    with StorageEngine(file) as first:
        with StorageEngine(file) as second:
            EVENTS.create(second, events(5), "more")
        assert first.execute_scalar("SELECT count(*) FROM more") == 5
