"""A damaged log is cut at its last whole transaction, and the loads that are lost are named."""

from __future__ import annotations

import logging
import random
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from mixpanel_data import (
    DamagedDatabaseError,
    DatabaseLockedError,
    QueryError,
    StorageEngine,
    maintenance,
)
from mixpanel_data._internal.duckdb.wal import read_log
from mixpanel_data.types import Recovery
from tests.maintenance.files import LOADS, ROWS, run
from tests.support.effort import tries

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database with ten loads in its log, whose process was killed."""
    path = tmp_path_factory.mktemp("killed") / "a.db"
    assert run(LOADS, path) == -9
    return path


@pytest.fixture
def path(killed: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "a.db"
    for suffix in ("", ".wal"):
        shutil.copy(f"{killed}{suffix}", f"{copy}{suffix}")
    return copy


def _log(path: Path) -> Path:
    return Path(f"{path}.wal")


def _flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 255
    path.write_bytes(data)


def _check(path: Path, done: Recovery) -> None:
    """Check that what is there and what is lost are all ten loads."""
    with StorageEngine(path) as storage:
        kept = storage.load_history()
        rows = storage.execute_scalar("SELECT count(*) FROM events") if kept else 0
    assert rows == 100 * len(kept)
    days = [load.from_date for load in [*kept, *done.lost_loads]]
    assert days == [None, *(f"2025-03-{day:02}" for day in range(1, 10))]
    assert maintenance.check(path) == []


def test_the_loads_before_the_damage_stay_and_the_others_are_named(path: Path) -> None:
    before = path.read_bytes(), _log(path).read_bytes()
    log = read_log(_log(path))
    assert log is not None
    # The events of the fifth load or so: a damaged entry of the history would name no load.
    middle = len(log.entries) // 2
    rows = max(log.entries[middle - 6 : middle + 6], key=lambda entry: entry.end - entry.start)
    _flip(_log(path), (rows.start + rows.end) // 2)
    with pytest.raises(OSError, match="mixpanel-data db recover"):
        StorageEngine(path)
    done = maintenance.recover(path)
    assert len(done.lost_loads) in range(3, 8)
    assert done.lost_transactions >= len(done.lost_loads)
    _check(path, done)
    assert done.copy is not None
    assert done.copy.read_bytes() == before[0]
    assert len(_log(done.copy).read_bytes()) == len(before[1])


def test_a_link_to_the_file_is_the_file_and_its_log_is_kept(path: Path) -> None:
    _flip(_log(path), _log(path).stat().st_size // 2)
    log = _log(path).read_bytes()
    link = path.with_name("link.db")
    link.symlink_to(path)
    done = maintenance.recover(link)
    assert done.copy is not None
    assert _log(done.copy).read_bytes() == log
    _check(link, done)


def test_what_no_recovery_helps_is_not_copied(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("something else")
    with pytest.raises(OSError, match="not a DuckDB database file"):
        maintenance.recover(tmp_path / "a.db")
    assert [path.name for path in tmp_path.iterdir()] == ["a.db"]


@pytest.mark.parametrize("log", ["none", "whole", "damaged"])
def test_a_damaged_file_is_no_matter_of_its_log(log: str, path: Path) -> None:
    with StorageEngine(path) as storage:
        storage.connection.execute("CHECKPOINT")
        if log != "none":
            storage.connection.execute("CREATE TABLE mine AS SELECT 1 AS a")
            left = _log(path).read_bytes()
    if log != "none":
        _log(path).write_bytes(left)
    if log == "damaged":
        _flip(_log(path), len(left) // 2)
    for block in range(path.stat().st_size // 262144):
        _flip(path, 12288 + block * 262144 + 100)
    before = path.read_bytes(), _log(path).exists() and _log(path).read_bytes()
    with pytest.raises((QueryError, OSError)):
        maintenance.recover(path)
    assert (path.read_bytes(), _log(path).exists() and _log(path).read_bytes()) == before


def test_a_strange_row_is_no_matter_of_the_log(path: Path) -> None:
    with duckdb.connect(str(path), config={"checkpoint_threshold": "1GB"}) as connection:
        connection.execute("UPDATE _loads SET from_date = '0044-03-15 (BC)'")
        connection.execute("PRAGMA disable_checkpoint_on_shutdown")
    log = _log(path).read_bytes()
    with pytest.raises(DamagedDatabaseError, match="_loads"):
        maintenance.recover(path)
    assert _log(path).read_bytes() == log


def test_the_log_of_an_earlier_state_is_kept_beside_and_cut(path: Path) -> None:
    log = _log(path).read_bytes()
    with StorageEngine(path) as storage:
        storage.connection.execute("CHECKPOINT")
    _log(path).write_bytes(log)
    with pytest.raises(OSError, match="mixpanel-data db recover"):
        StorageEngine(path)
    done = maintenance.recover(path)
    assert done.copy is not None
    assert (_log(done.copy).read_bytes(), done.lost_transactions > 0) == (log, True)
    with StorageEngine(path) as storage:
        assert len(storage.load_history()) == 10


def test_a_flipped_byte_anywhere_is_never_passed_over(path: Path) -> None:
    whole, log = path.read_bytes(), _log(path).read_bytes()
    for number in range(tries(4, 40)):
        path.write_bytes(whole)
        _log(path).write_bytes(log)
        _flip(_log(path), random.Random(number).randrange(50, len(log)))
        with pytest.raises(OSError, match="mixpanel-data db recover"):
            StorageEngine(path)
        done = maintenance.recover(path)
        with StorageEngine(path) as storage:
            assert len(storage.load_history()) < 10
        assert done.lost_transactions >= 1


def test_a_damaged_size_of_an_entry_is_no_end_of_the_log(path: Path) -> None:
    log = _log(path).read_bytes()
    at = log.index(b"\x64\x00\x01") - 9  # the last byte of the first table's size
    _flip(_log(path), at)
    with pytest.raises(OSError, match="mixpanel-data db recover"):
        StorageEngine(path)
    done = maintenance.recover(path)
    assert done.lost_transactions == 11


def test_a_torn_end_is_said_once_and_all_before_it_is_there(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with _log(path).open("r+b") as log:
        log.truncate(_log(path).stat().st_size - 100)
    with caplog.at_level(logging.WARNING), StorageEngine(path) as storage:
        storage.list_tables()
        assert len(storage.load_history()) == 9
        with StorageEngine(path):
            pass
    assert [record.message for record in caplog.records if "no whole transaction" in record.message]
    assert len(caplog.records) == 1
    caplog.clear()
    StorageEngine(path).close()
    assert caplog.records == []


def test_a_torn_end_can_be_recovered_to_learn_what_it_was(path: Path) -> None:
    with _log(path).open("r+b") as log:
        log.truncate(_log(path).stat().st_size - 40)
    done = maintenance.recover(path)
    assert [load.from_date for load in done.lost_loads] == ["2025-03-09"]
    _check(path, done)


def test_a_whole_file_is_left_as_it_is(path: Path) -> None:
    before = path.read_bytes(), _log(path).read_bytes()
    assert maintenance.recover(path) == Recovery(None, 0, 0, [])
    assert (path.read_bytes(), _log(path).read_bytes()) == before
    assert len(list(path.parent.iterdir())) == 2


def test_a_file_that_is_open_elsewhere_is_not_touched(path: Path) -> None:
    code = """
with StorageEngine(sys.argv[1]) as storage:
    print("open", flush=True)
    sys.stdin.read()
"""
    command = [sys.executable, "-c", ROWS + code, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(DatabaseLockedError):
            maintenance.recover(path)
        other.communicate()
    assert not list(path.parent.glob("*damaged*"))
