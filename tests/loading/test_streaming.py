"""Records are pulled once, lazily, in the caller's thread, and only as fast as they are stored."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mixpanel_data import StorageEngine
from tests.support.factories import EVENTS, Kind, Record, events

pytestmark = pytest.mark.both_engines

Load = Callable[..., int]


class StopError(Exception):
    """Raised by a callback that has seen enough."""


class Source:
    """An iterable that knows how it was used."""

    def __init__(self, records: Iterator[Record]) -> None:
        self._records = records
        self.starts = 0
        self.pulled = 0
        self.threads: set[int] = set()

    def __iter__(self) -> Iterator[Record]:
        self.starts += 1
        for record in self._records:
            self.pulled += 1
            self.threads.add(threading.get_ident())
            yield record

    def __len__(self) -> int:
        raise AssertionError("asked for its length")

    def __length_hint__(self) -> int:
        raise AssertionError("asked for a hint of its length")


@pytest.fixture(params=["create", "append"])
def load(request: pytest.FixtureRequest, memory: StorageEngine, kind: Kind) -> Load:
    """Return both ways to load into ``data``."""
    if request.param == "append":
        kind.create(memory, [])
    call: Load = getattr(kind, request.param)
    return call


def test_it_is_started_once_and_never_measured(
    load: Load, memory: StorageEngine, kind: Kind
) -> None:
    source = Source(kind.records(2_500))
    assert load(memory, source) == 2_500
    assert (source.starts, source.pulled) == (1, 2_500)


def test_the_callers_thread_pulls_and_is_called_back(
    load: Load, memory: StorageEngine, kind: Kind
) -> None:
    source = Source(kind.records(2_500))
    called: set[int] = set()
    load(memory, source, progress_callback=lambda _: called.add(threading.get_ident()))
    assert source.threads == called == {threading.get_ident()}


def test_a_spent_iterator_is_all_it_takes(load: Load, memory: StorageEngine, kind: Kind) -> None:
    records = kind.records(10)
    next(records)
    assert load(memory, records) == 9
    assert next(records, None) is None


def test_little_is_pulled_before_the_first_callback(
    load: Load, memory: StorageEngine, kind: Kind
) -> None:
    source = Source(kind.records(200_000))

    def stop(rows: int) -> None:
        raise StopError

    with pytest.raises(StopError):
        load(memory, source, progress_callback=stop)
    assert 1_000 <= source.pulled <= 3_000


@pytest.mark.duckdb_only
def test_a_record_the_source_reuses_is_not_confused(memory: StorageEngine, kind: Kind) -> None:
    def reused() -> Iterator[Record]:
        record = kind.record(0)
        for fresh in kind.records(2_500):
            record.clear()
            record.update(fresh)
            yield record

    kind.create(memory, reused())
    found = "SELECT count(DISTINCT (properties->>'n')::INT) FROM data"
    assert memory.execute_scalar(found) == 2_500


@pytest.mark.duckdb_only
def test_properties_the_source_reuses_are_not_confused(memory: StorageEngine, kind: Kind) -> None:
    properties: dict[str, Any] = {}

    def reused() -> Iterator[Record]:
        for n in range(2_500):
            properties["n"] = n
            yield kind.record(n, properties=properties)

    kind.create(memory, reused())
    found = "SELECT count(DISTINCT (properties->>'n')::INT) FROM data"
    assert memory.execute_scalar(found) == 2_500


def test_the_source_may_read_from_the_same_engine(memory: StorageEngine) -> None:
    EVENTS.create(memory, events(3_000), "old")

    def copied() -> Iterator[Record]:
        old = memory.table("old")
        for row in memory.query(old.select()):
            assert memory.execute_scalar("SELECT count(*) FROM old") == 3_000
            yield dict(row._mapping)
            break
        yield from (event for event in events(2_000, start=10))

    assert EVENTS.create(memory, copied(), "new") == 2_001


def test_the_source_and_the_callback_see_no_half_load(memory: StorageEngine, kind: Kind) -> None:
    kind.create(memory, kind.records(10))
    seen: set[int] = set()

    def look(_: int = 0) -> None:
        seen.add(memory.execute_scalar("SELECT count(*) FROM data"))
        seen.add(memory.list_tables()[0].row_count)

    def looking() -> Iterator[Record]:
        for n in range(10, 30):
            look()
            yield kind.record(n)

    kind.append(memory, looking(), progress_callback=look, batch_size=4)
    assert seen == {10}
    look()
    assert seen == {10, 30}


def test_a_callback_may_load_another_table(memory: StorageEngine, kind: Kind) -> None:
    def note(rows: int) -> None:
        kind.create(memory, kind.records(1), f"seen_{rows}")

    kind.create(memory, kind.records(10), progress_callback=note, batch_size=4)
    assert [info.name for info in memory.list_tables()] == ["data", "seen_10", "seen_4", "seen_8"]
