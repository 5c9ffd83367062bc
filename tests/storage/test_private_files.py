"""Nothing of a database can be read by others, at any moment."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from mixpanel_data import StorageEngine, maintenance
from tests.support.factories import EVENTS, event, events
from tests.support.processes import start

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="the system has no modes"),
    pytest.mark.usefixtures("umask"),
    pytest.mark.parametrize("umask", [0o000], indirect=True),
]


@contextmanager
def _watched(folder: Path) -> Iterator[set[str]]:
    """Yield the names of what others could read or enter in *folder*, while the block runs."""
    seen, done = set[str](), threading.Event()

    def watch() -> None:
        while not done.is_set():
            for entry in os.scandir(folder):
                try:
                    if entry.stat().st_mode & 0o077:
                        seen.add(entry.name)
                except OSError:
                    pass

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()


def test_a_new_database_is_private_from_the_start(db_path: Path, tmp_path: Path) -> None:
    with _watched(tmp_path) as seen:
        for number in range(5):
            StorageEngine(db_path.with_name(f"{number}.db")).close()
    assert seen == set()


def test_whatever_writes_writes_a_private_log(db_path: Path, tmp_path: Path) -> None:
    insert = sa.text("INSERT INTO x SELECT 1")
    with _watched(tmp_path) as seen, StorageEngine(db_path) as engine:
        EVENTS.create(engine, events(10))
        engine.connection.execute("CREATE TABLE x AS SELECT 1 AS a")
        for _ in range(3):
            with engine.session() as session:
                session.execute(insert)
                session.commit()
                session.execute(sa.text("CHECKPOINT"))
                session.commit()
                session.execute(insert)
                session.commit()
            with engine.engine.begin() as connection:
                connection.execute(insert)
            engine.connection.execute("CHECKPOINT")
            engine.execute("INSERT INTO x SELECT 2")
            engine.connection.execute("CHECKPOINT")
            engine.execute_df(insert)
            engine.connection.execute("CHECKPOINT")
            engine.connection.execute("INSERT INTO x SELECT 3")
        engine.drop_table("data")
    assert seen == set()
    assert list(tmp_path.iterdir()) == [db_path]


def test_a_copy_is_private_from_the_start(db_path: Path, tmp_path: Path) -> None:
    with StorageEngine(db_path) as engine:
        EVENTS.create(engine, events(10))
    with _watched(tmp_path) as seen:
        for number in range(5):
            maintenance.compact(db_path)
            maintenance.backup(db_path, tmp_path / f"copy{number}.db")
    assert seen == set()


_SPILLING = """
import os, sys
from mixpanel_data import StorageEngine
from tests.support.factories import EVENTS, event
os.umask(0)
engine = StorageEngine(sys.argv[1])
engine.connection.execute("SET memory_limit = '40MB'")
def records():
    number = 0
    while True:
        if any(entry.stat().st_size for entry in os.scandir(sys.argv[2])):
            print("spilled", flush=True)
        yield event(number, properties={"secret": os.urandom(2_000).hex()})
        number += 1
EVENTS.create(engine, records())
"""


def test_spilled_rows_are_private_and_go_with_the_next_opening(
    db_path: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "warehouse.db.tmp"
    _spill_and_be_killed(db_path, folder)
    StorageEngine(db_path).close()
    assert list(tmp_path.iterdir()) == [db_path]


def _spill_and_be_killed(path: Path, folder: Path) -> None:
    process = start(_SPILLING, path, folder)
    assert process.stdout
    assert process.stdout.readline() == "spilled\n"
    mode = stat.S_IMODE(folder.stat().st_mode)
    process.kill()
    process.communicate(timeout=60)
    assert mode == 0o700
    assert list(folder.iterdir())


def test_rows_are_spilled_elsewhere_where_the_directory_is_somebody_elses(
    db_path: Path, tmp_path: Path
) -> None:
    others = tmp_path / "warehouse.db.tmp"
    others.mkdir(0o755)
    for name in ("notes.txt", "duckdb_temp_storage_mine.txt"):
        (others / name).write_text("keep me")
    _spill_and_be_killed(db_path, tmp_path / ".mixpanel_data_warehouse.db.tmp")
    with StorageEngine(db_path) as first, StorageEngine(db_path) as second:
        first.close()
        assert second.execute_scalar("SELECT current_setting('temp_directory')") == str(
            tmp_path / ".mixpanel_data_warehouse.db.tmp"
        )
    assert {path.read_text() for path in others.iterdir()} == {"keep me"}
    assert stat.S_IMODE(others.stat().st_mode) == 0o755
    assert sorted(tmp_path.iterdir()) == [db_path, others]


def test_a_file_in_the_place_of_the_directory_stays(db_path: Path, tmp_path: Path) -> None:
    file = tmp_path / "warehouse.db.tmp"
    file.write_text("keep me")
    with StorageEngine(db_path) as engine:
        EVENTS.create(engine, [event()])
    assert file.read_text() == "keep me"
    assert sorted(tmp_path.iterdir()) == [db_path, file]


def test_a_readers_directory_is_private_and_shared(db_path: Path, tmp_path: Path) -> None:
    StorageEngine(db_path).close()
    folder = tmp_path / "warehouse.db.tmp"
    folder.mkdir(0o777)
    with StorageEngine(db_path, read_only=True):
        StorageEngine(db_path, read_only=True).close()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert list(tmp_path.iterdir()) == [db_path]


def test_a_log_that_nothing_was_written_to_goes(db_path: Path, tmp_path: Path) -> None:
    with StorageEngine(db_path) as engine:
        EVENTS.create(engine, [event()])
        engine.connection.execute("CHECKPOINT")
        assert engine.connection.execute("SELECT 1").fetchall() == [(1,)]
        StorageEngine(db_path).close()
        EVENTS.append(engine, [event(1)])
    assert list(tmp_path.iterdir()) == [db_path]
    with StorageEngine(db_path, read_only=True) as engine:
        assert engine.execute_scalar("SELECT count(*) FROM data") == 2
