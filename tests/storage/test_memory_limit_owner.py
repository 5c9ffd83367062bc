"""The memory limit has one owner for a database, and comes back as the user set it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from mixpanel_data import StorageEngine
from tests.support.effort import tries
from tests.support.exports import lines
from tests.support.factories import EVENTS, event, events, metadata

pytestmark = pytest.mark.slow

# DuckDB before 2.0 calls the first max_memory, and does not have the second.
_SHOWN = (
    "SELECT value FROM duckdb_settings() WHERE name IN"
    " ('memory_limit', 'max_memory', 'write_buffer_row_group_memory_limit') ORDER BY name"
)


def _limit(engine: StorageEngine) -> list[Any]:
    return list(engine.execute_rows(_SHOWN))


@pytest.mark.parametrize(
    "limit", ["1500MiB", "1.5GB", "1.4GiB", "2GB", "777MB", "1234567891B", "-1", "90MB", "3TiB"]
)
def test_the_limit_stays_exactly_through_many_loads(memory: StorageEngine, limit: str) -> None:
    memory.connection.execute(f"SET memory_limit = '{limit}'")
    before = _limit(memory)
    EVENTS.create(memory, events(1))
    for number in range(1, 6):
        EVENTS.append(memory, events(1, start=number))
    assert _limit(memory) == before


def test_loads_of_two_engines_that_overlap_leave_the_limit(db_path: Path) -> None:
    begun, end = [threading.Event(), threading.Event()], [threading.Event(), threading.Event()]

    def waiting(number: int) -> Iterator[Any]:
        begun[number].set()
        assert end[number].wait(20)
        yield event()

    with (
        StorageEngine(db_path) as first,
        StorageEngine(db_path) as second,
        ThreadPoolExecutor(2) as threads,
    ):
        before, loads = _limit(first), []
        for number, engine in enumerate((first, second)):
            loads.append(threads.submit(EVENTS.create, engine, waiting(number), f"t{number}"))
            assert begun[number].wait(20)
        during = _limit(first)
        for number in range(2):
            end[number].set()
            loads[number].result()
        assert during != before
        assert _limit(first) == before


def test_the_limit_comes_back_though_the_loading_engine_is_closed(db_path: Path) -> None:
    with StorageEngine(db_path) as kept:
        before, engine = _limit(kept), StorageEngine(db_path)

        def closing() -> Iterator[Any]:
            yield event()
            engine.close()

        with pytest.raises(Exception, match=r"closed|Connection"):
            EVENTS.create(engine, closing())
        assert _limit(kept) == before


def test_a_limit_set_during_a_load_stays(memory: StorageEngine) -> None:
    def setting() -> Iterator[Any]:
        memory.connection.execute("SET memory_limit = '3GiB'")
        yield event()

    EVENTS.create(memory, setting())
    assert _limit(memory)[0] == ("3.0 GiB",)


@pytest.mark.parametrize("limit", ["", "SET memory_limit = '2GiB'"])
def test_queries_have_all_the_memory_again_after_a_load(memory: StorageEngine, limit: str) -> None:
    memory.connection.execute(limit or "SELECT 1")
    EVENTS.create(memory, events(1))
    # More than a load may use, and DuckDB cannot spill a list.
    held = "SELECT len(list(repeat('x', 1000) || i)) FROM range(300000) AS numbers (i)"
    assert memory.execute_scalar(held) == 300_000


def test_loads_of_many_threads_all_succeed(memory: StorageEngine, tmp_path: Path) -> None:
    path, before = tmp_path / "events.jsonl", _limit(memory)
    path.write_bytes(lines(3))

    def load(thread: int) -> None:
        for number in range(tries(4, 25)):
            memory.load_export(f"t{thread}", path, metadata(), append=number > 0)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(load, range(4)))
    assert len(memory.load_history()) == 4 * tries(4, 25)
    assert _limit(memory) == before
