"""Threads share an engine: each gets its own answers, and only complete loads."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
import sqlalchemy as sa

from mixpanel_data import StorageEngine
from mixpanel_data.exceptions import TableExistsError
from tests.support.effort import tries
from tests.support.factories import EVENTS, Kind

pytestmark = pytest.mark.slow


def test_readers_see_complete_loads_only(engine: StorageEngine, kind: Kind) -> None:
    kind.create(engine, kind.records(100))
    table, finished = engine.table("data"), threading.Event()
    loads = tries(3, 10)

    def read(reader: int) -> set[tuple[int, ...]]:
        seen: set[tuple[int, ...]] = set()
        sql = "SELECT count(*), (SELECT row_count FROM _metadata), $reader::INT FROM data"
        count = sa.select(sa.func.count(), sa.literal(reader)).select_from(table)
        while True:
            last = finished.is_set()
            rows, stored, mine = engine.execute_rows(sql, {"reader": reader})[0]
            again, also_mine = engine.query(count)[0]
            assert (mine, also_mine, stored) == (reader, reader, rows)
            assert again >= rows
            assert len(engine.execute_df("SELECT * FROM data")) >= again
            seen |= {(rows,), (again,)}
            if last:
                return seen

    with ThreadPoolExecutor(8) as threads, ExitStack() as stack:
        stack.callback(finished.set)
        readers = [threads.submit(read, n) for n in range(8)]
        for load in range(1, loads):
            kind.append(engine, kind.records(100, start=load * 100), batch_size=10)
        finished.set()
        seen = set().union(*(reader.result() for reader in readers))
    assert seen <= {(100 * done,) for done in range(1, loads + 1)}
    assert (100 * loads,) in seen


def test_parallel_loads_into_different_tables(engine: StorageEngine, kind: Kind) -> None:
    names = [f"data_{n}" for n in range(10)]
    start = threading.Barrier(len(names))

    def load(name: str) -> int:
        start.wait()
        kind.create(engine, kind.records(50), name)
        return kind.append(engine, kind.records(100), name)

    with ThreadPoolExecutor(len(names)) as threads:
        assert list(threads.map(load, names)) == [50] * len(names)
    assert [(info.name, info.row_count) for info in engine.list_tables()] == [
        (n, 100) for n in names
    ]
    counts = [engine.execute_scalar(f"SELECT count(*) FROM {name}") for name in names]
    assert counts == [100] * len(names)


def test_parallel_loads_into_one_table_lose_nothing(engine: StorageEngine, kind: Kind) -> None:
    kind.create(engine, [])
    start = threading.Barrier(6)

    def load(n: int) -> int:
        start.wait()
        return kind.append(engine, kind.records(100, start=n * 50))

    with ThreadPoolExecutor(6) as threads:
        stored = list(threads.map(load, range(6)))
    assert sum(stored) == engine.execute_scalar("SELECT count(*) FROM data") == 350
    assert engine.list_tables()[0].row_count == 350


def test_of_parallel_creates_of_one_name_one_wins(engine: StorageEngine, kind: Kind) -> None:
    start = threading.Barrier(6)

    def create(n: int) -> int:
        start.wait()
        try:
            return kind.create(engine, kind.records(10 + n))
        except TableExistsError:
            return 0

    with ThreadPoolExecutor(6) as threads:
        stored = [count for count in threads.map(create, range(6)) if count]
    assert stored == [engine.execute_scalar("SELECT count(*) FROM data")]


def test_answers_are_never_mixed_up(memory: StorageEngine) -> None:
    EVENTS.create(memory, EVENTS.records(10))
    table = memory.table("data")

    def ask(n: int) -> None:
        sql = "SELECT ? AS mine, range AS x FROM range(500)"
        assert {row[0] for row in memory.execute_rows(sql, [n])} == {n}
        assert set(memory.execute_df(sql, [n])["mine"]) == {n}
        assert set(memory.execute_arrow(sql, [n])["mine"].to_pylist()) == {n}
        assert memory.execute_scalar("SELECT ?", [n]) == n
        rows = memory.query(sa.select(sa.literal(n), table.c.insert_id))
        assert [row[0] for row in rows] == [n] * 10

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(ask, range(80)))


def test_many_threads_one_after_another(engine: StorageEngine) -> None:
    EVENTS.create(engine, EVENTS.records(10))
    found: list[object] = []
    for _ in range(100):
        thread = threading.Thread(
            target=lambda: found.append(engine.execute_scalar("SELECT count(*) FROM data"))
        )
        thread.start()
        thread.join()
    assert found == [10] * 100
