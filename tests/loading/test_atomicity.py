"""A load that fails leaves the database as it was, and its error reaches the caller untouched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy.exc

from mixpanel_data import StorageEngine
from mixpanel_data.exceptions import InvalidRecordError, QueryError
from tests.support.effort import some
from tests.support.factories import Kind, Record, dump

pytestmark = pytest.mark.slow

Load = Callable[..., int]

BATCH = 4
COUNT = 10
POSITIONS = [0, 1, BATCH - 1, BATCH, BATCH + 1, COUNT - 1]


@pytest.fixture
def memory(shared: StorageEngine) -> Iterator[StorageEngine]:
    """Yield the module's engine, and leave it empty."""
    yield shared
    for info in shared.list_tables():
        shared.drop_table(info.name)


@pytest.fixture(params=["create", "append"])
def load(request: pytest.FixtureRequest, memory: StorageEngine, kind: Kind) -> Load:
    """Return both ways to load into ``data``, next to a table that has nothing to do with it."""
    kind.other.create(memory, kind.other.records(5), "beside")
    if request.param == "append":
        kind.create(memory, kind.records(5))
    call: Load = getattr(kind, request.param)
    return call


def _fails_at(position: int, records: Iterable[Record], error: BaseException) -> Iterator[Record]:
    for index, record in enumerate(records):
        if index == position:
            raise error
        yield record


def _expect_unharmed(
    memory: StorageEngine, kind: Kind, load: Load, before: dict[str, Any], **options: Any
) -> None:
    assert dump(memory) == before
    retried = load(memory, kind.records(COUNT, start=100), **options)
    assert retried == COUNT


@pytest.mark.parametrize("position", some(POSITIONS, 3))
def test_a_failing_source(position: int, load: Load, memory: StorageEngine, kind: Kind) -> None:
    before, error = dump(memory), OSError("the network is gone")
    with pytest.raises(OSError, match="the network is gone") as caught:
        load(memory, _fails_at(position, kind.records(COUNT, 100), error), batch_size=BATCH)
    assert caught.value is error
    _expect_unharmed(memory, kind, load, before)


ERRORS = [
    KeyboardInterrupt(),
    SystemExit(3),
    ValueError("theirs"),
    KeyError("event_name"),
    TypeError("theirs"),
    duckdb.IOException("theirs"),
    sqlalchemy.exc.OperationalError("SELECT 1", {}, Exception("theirs")),
    QueryError("theirs"),
    InvalidRecordError("theirs"),
]


@pytest.mark.slow
@pytest.mark.parametrize("error", some(ERRORS, 5), ids=lambda error: type(error).__name__)
def test_whatever_the_source_raises_is_the_callers(
    error: BaseException, load: Load, memory: StorageEngine, kind: Kind
) -> None:
    before = dump(memory)
    with pytest.raises(type(error)) as caught:
        load(memory, _fails_at(COUNT - 1, kind.records(COUNT, 100), error), batch_size=BATCH)
    assert caught.value is error
    _expect_unharmed(memory, kind, load, before)


@pytest.mark.slow
@pytest.mark.parametrize("at", [4, 10])
@pytest.mark.parametrize(
    "error",
    [RuntimeError("enough"), KeyboardInterrupt(), StopIteration(), duckdb.IOException("theirs")],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.both_engines
def test_a_failing_callback(
    at: int, error: BaseException, load: Load, memory: StorageEngine, kind: Kind
) -> None:
    before = dump(memory)

    def fail(rows: int) -> None:
        if rows == at:
            raise error

    with pytest.raises(type(error)) as caught:
        load(memory, kind.records(COUNT, 100), progress_callback=fail, batch_size=BATCH)
    assert caught.value is error
    _expect_unharmed(memory, kind, load, before)


@pytest.mark.parametrize("position", some(POSITIONS, 3))
def test_an_invalid_record(position: int, load: Load, memory: StorageEngine, kind: Kind) -> None:
    before, records = dump(memory), list(kind.records(COUNT, 100))
    records[position] = kind.record(200, properties=None)
    with pytest.raises(InvalidRecordError, match=rf"Record {position + 1}\b"):
        load(memory, records, batch_size=BATCH)
    _expect_unharmed(memory, kind, load, before)


@pytest.mark.slow
@pytest.mark.parametrize("position", [4_999, 11_999])
@pytest.mark.both_engines
def test_a_late_failure_of_a_large_load(
    position: int, load: Load, memory: StorageEngine, kind: Kind
) -> None:
    before, error = dump(memory), OSError("the network is gone")
    with pytest.raises(OSError, match="the network is gone") as caught:
        load(memory, _fails_at(position, kind.records(12_000, 100), error))
    assert caught.value is error
    _expect_unharmed(memory, kind, load, before)


@pytest.mark.both_engines
def test_a_source_that_cannot_be_iterated(load: Load, memory: StorageEngine, kind: Kind) -> None:
    before = dump(memory)
    with pytest.raises((TypeError, ValueError)):
        load(memory, 5)
    _expect_unharmed(memory, kind, load, before)


def test_a_failure_is_gone_after_reopening_too(db_path: Path, kind: Kind) -> None:
    with StorageEngine(db_path) as engine:
        kind.create(engine, kind.records(5), "old")
        before = dump(engine)
        for call, name in ((kind.create, "new"), (kind.append, "old")):
            with pytest.raises(ZeroDivisionError):
                call(engine, _fails_at(9, kind.records(COUNT, 100), ZeroDivisionError()), name)
    with StorageEngine(db_path) as reopened:
        assert dump(reopened) == before
