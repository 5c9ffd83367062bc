"""Copies that hold everything, and files without the space that nothing uses."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pytest

from mixpanel_data import StorageEngine, maintenance
from mixpanel_data.exceptions import DatabaseLockedError
from tests.support.factories import EVENTS
from tests.support.files import HEAD, contents, original, revision_of
from tests.support.processes import OtherProcess, run

pytestmark = pytest.mark.slow

# Ends without closing, so that the last commit is in the log alone.
_CRASH = """
import duckdb, os, sys
connection = duckdb.connect(sys.argv[1])
connection.execute("SET checkpoint_threshold = '1TB'; PRAGMA disable_checkpoint_on_shutdown")
connection.execute("INSERT INTO notes VALUES (2, 'in the log')")
os._exit(0)
"""


def test_an_upgrade_sets_the_old_file_aside(older: Path) -> None:
    before, revision = contents(older), revision_of(older)
    backup = maintenance.upgrade(older).backup
    assert backup == older.with_name(f"old.db.{revision}.bak")
    assert backup.stat().st_mode & 0o777 == 0o600
    assert contents(backup) == before
    assert revision_of(backup) == revision


def test_a_second_backup_leaves_the_first(first: Path) -> None:
    made = maintenance.upgrade(first).backup
    assert made is not None
    kept = made.read_bytes()
    maintenance.downgrade(first, "0001")
    again = maintenance.upgrade(first).backup
    assert again == made.with_name(f"{made.name}2")
    assert made.read_bytes() == kept


def test_there_is_none_where_none_is_wanted_or_needed(first: Path) -> None:
    assert maintenance.upgrade(first, backup=False).backup is None
    assert maintenance.upgrade(first).backup is None
    assert [file.name for file in first.parent.iterdir()] == [first.name]


def test_a_backup_holds_what_is_in_the_log_alone(newest: Path, tmp_path: Path) -> None:
    run(_CRASH, newest)
    log = newest.with_name("old.db.wal")
    before = newest.read_bytes(), log.read_bytes()
    copy = maintenance.backup(newest, tmp_path / "copy.db")
    assert (2, "in the log") in contents(copy)["rows"]["notes"]
    assert (newest.read_bytes(), log.read_bytes()) == before
    assert not copy.with_name("copy.db.wal").exists()


@pytest.mark.parametrize("name", ["taken.db", "taken.db.wal"])
def test_a_backup_overwrites_nothing(name: str, newest: Path, tmp_path: Path) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(FileExistsError, match=name):
        maintenance.backup(newest, tmp_path / "taken.db")
    assert (tmp_path / name).read_text() == "mine"


@pytest.mark.slow
def test_others_may_read_while_a_backup_is_made(newest: Path, tmp_path: Path) -> None:
    other = OtherProcess()
    other.run("engine = StorageEngine(path, read_only=True)", path=str(newest))
    assert contents(maintenance.backup(newest, tmp_path / "copy.db")) == contents(newest)
    other.end()


@pytest.mark.slow
def test_nobody_may_write_meanwhile(newest: Path, tmp_path: Path) -> None:
    other = OtherProcess()
    other.run("engine = StorageEngine(path)", path=str(newest))
    with pytest.raises(DatabaseLockedError):
        maintenance.backup(newest, tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()
    other.end()


def test_a_compacted_file_is_smaller_and_the_same(newest: Path) -> None:
    with duckdb.connect(str(newest)) as connection:
        connection.execute("CREATE TABLE big AS SELECT hash(i) AS x FROM range(300000) t(i)")
        connection.execute("CHECKPOINT")
        connection.execute("DROP TABLE big")
    newest.chmod(0o640)
    seen = contents(newest)
    before, after = maintenance.compact(newest)
    assert after == newest.stat().st_size < before
    assert contents(newest) == seen
    assert revision_of(newest) == HEAD
    assert newest.stat().st_mode & 0o777 == 0o640
    assert [file.name for file in newest.parent.iterdir()] == [newest.name]


def test_an_older_duckdb_can_still_read_a_compacted_file(first: Path) -> None:
    version = maintenance.status(first).storage_version
    maintenance.compact(first)
    assert maintenance.status(first).storage_version == version == "v1.0.0+"


def test_a_compacted_file_can_be_written_at_once(newest: Path) -> None:
    maintenance.compact(newest)
    with StorageEngine(newest) as engine:
        assert EVENTS.create(engine, EVENTS.records(5)) == 5
    assert maintenance.check(newest)[0].table == "events_mar"


@pytest.mark.parametrize("plain", [True, False])
def test_a_file_that_is_open_here_is_not_compacted(plain: bool, newest: Path) -> None:
    before = newest.read_bytes()
    holder = duckdb.connect(str(newest)) if plain else StorageEngine(newest)
    with holder, pytest.raises(DatabaseLockedError) as caught:
        maintenance.compact(newest)
    assert caught.value.holding_pid == os.getpid()
    assert newest.read_bytes() == before


def test_what_a_killed_compaction_left_is_in_nobodys_way(newest: Path) -> None:
    for name in ("old.db.compacting", "old.db.compacting.wal"):
        newest.with_name(name).write_text("half of a file")
    seen = contents(newest)
    maintenance.compact(newest)
    assert [file.name for file in newest.parent.iterdir()] == [newest.name]
    assert contents(newest) == seen


@pytest.mark.slow
def test_a_full_disk_leaves_the_file(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="the system has no limits to set")
    path = original(tmp_path / "made.db", {"jan": 5000}, text=200)
    code = """
        import resource, sys
        from mixpanel_data import maintenance
        from mixpanel_data.exceptions import QueryError
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
        try:
            maintenance.compact(sys.argv[1])
        except QueryError:
            print("refused")
    """
    assert resource
    before = path.read_bytes()
    assert run(code, path) == "refused\n"
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["made.db"]
