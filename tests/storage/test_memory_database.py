"""A database in memory is its instance's alone, and all of its threads'."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mixpanel_data import StorageEngine
from tests.support.factories import EVENTS, Kind, events


def test_it_has_no_path(memory: StorageEngine) -> None:
    assert memory.path is None
    assert memory.read_only is False


def test_instances_are_isolated(memory: StorageEngine) -> None:
    EVENTS.create(memory, events(3))
    with StorageEngine.memory() as second:
        assert second.list_tables() == []
        assert EVENTS.create(second, events(5)) == 5
    assert memory.execute_scalar("SELECT count(*) FROM data") == 3


def test_closing_one_instance_leaves_the_others(memory: StorageEngine) -> None:
    EVENTS.create(memory, events(3))
    StorageEngine.memory().close()
    assert memory.execute_scalar("SELECT count(*) FROM data") == 3


def test_threads_share_it(memory: StorageEngine, kind: Kind) -> None:
    kind.create(memory, kind.records(3))
    with ThreadPoolExecutor(1) as thread:
        seen = thread.submit(memory.execute_scalar, "SELECT count(*) FROM data").result()
        thread.submit(kind.append, memory, kind.records(3, start=3)).result()
    assert seen == 3
    assert memory.execute_scalar("SELECT count(*) FROM data") == 6


def test_it_outlives_the_thread_that_made_it() -> None:
    with ThreadPoolExecutor(1) as thread:
        engine = thread.submit(StorageEngine.memory).result()
        thread.submit(EVENTS.create, engine, events(3)).result()
    with engine:
        assert engine.execute_scalar("SELECT count(*) FROM data") == 3


def test_it_leaves_no_files(
    tmp_path: Path, temp_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    with StorageEngine.memory() as engine:
        EVENTS.create(engine, events(100))
    assert list(folder.iterdir()) == list(temp_folder.rglob("*")) == []


def test_threads_may_come_after_it_has_spilled(memory: StorageEngine) -> None:
    memory.connection.execute("SET memory_limit = '50MB'")
    memory.connection.execute(
        "CREATE TABLE big AS SELECT md5(i::VARCHAR) || md5((i + 1)::VARCHAR) AS text"
        " FROM range(2_000_000) AS numbers (i)"
    )
    with ThreadPoolExecutor(1) as thread:
        counted = thread.submit(memory.execute_scalar, "SELECT count(*) FROM big").result()
    assert counted == 2_000_000
