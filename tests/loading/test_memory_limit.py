"""A load holds DuckDB to little memory, and leaves the limit as it was."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from mixpanel_data import StorageEngine
from tests.support.exports import lines
from tests.support.factories import EVENTS, Kind, event, metadata

pytestmark = pytest.mark.slow


def _limit(engine: StorageEngine) -> str:
    return str(engine.execute_scalar("SELECT current_setting('memory_limit')"))


def _noting(engine: StorageEngine, seen: list[str]) -> Iterator[Any]:
    seen.append(_limit(engine))
    yield event()


@pytest.mark.parametrize(("mine", "during"), [("2GiB", "208.0 MiB"), ("80MiB", "80.0 MiB")])
def test_the_limit_during_a_load_and_after(engine: StorageEngine, mine: str, during: str) -> None:
    engine.connection.execute(f"SET memory_limit = '{mine}'")
    before, seen = _limit(engine), list[str]()
    EVENTS.create(engine, _noting(engine, seen))
    with pytest.raises(ZeroDivisionError):
        EVENTS.append(engine, (1 / 0 for _ in range(1)))
    assert (seen, _limit(engine)) == ([during], before)


def test_files_get_more_for_each_thread(engine: StorageEngine, tmp_path: Path) -> None:
    path, seen = tmp_path / "events.jsonl", list[str]()
    path.write_bytes(lines(10))
    engine.connection.execute("SET memory_limit = '4GiB'; SET threads = 3")
    engine.load_export("data", path, metadata(), progress=lambda _: seen.append(_limit(engine)))
    assert set(seen) == {"408.0 MiB"}
    assert _limit(engine) == "4.0 GiB"


def test_of_two_loads_the_greater_need_counts(engine: StorageEngine, tmp_path: Path) -> None:
    path, seen = tmp_path / "events.jsonl", list[str]()
    path.write_bytes(lines(10))
    engine.connection.execute("SET memory_limit = '4GiB'; SET threads = 3")

    def within(_: int) -> None:
        EVENTS.create(engine, _noting(engine, seen), f"data_{len(seen)}")

    engine.load_export("data", path, metadata(), progress=within)
    assert set(seen) == {"408.0 MiB"}


def test_a_query_beside_keeps_what_it_uses(engine: StorageEngine, kind: Kind) -> None:
    full, loaded = threading.Event(), threading.Event()

    def wait(number: int) -> str:
        if number == 300:
            full.set()
            assert loaded.wait(20)
        return "x" * 1_000_000

    raw = engine.connection
    raw.create_function("wait", wait, ["BIGINT"], "VARCHAR")
    held = "SELECT len(list(wait(i))) FROM range(301) AS numbers (i)"
    with ThreadPoolExecutor(1) as thread:
        counted = thread.submit(engine.execute_scalar, held)
        assert full.wait(20)
        assert kind.create(engine, kind.records(3)) == 3
        loaded.set()
        assert counted.result() == 301
