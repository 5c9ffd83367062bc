"""The history of loads: one row for every finished load, and the days that they covered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timezone
from pathlib import Path

import pytest

from mixpanel_data import StorageEngine, TableMetadata, TableNotFoundError, __version__
from tests.support.factories import EVENTS, Kind, metadata

pytestmark = pytest.mark.both_engines(quick=True)


def test_every_finished_load_has_its_row(engine: StorageEngine, kind: Kind, db_path: Path) -> None:
    meta = kind.metadata(from_date="2024-01-01", to_date="2024-01-31", filter_where="x > 1")
    kind.create(engine, [*kind.records(5), *kind.records(2)], meta=meta)
    kind.append(engine, kind.records(8))
    with pytest.raises(RuntimeError, match="mine"):
        kind.append(engine, _broken())
    engine.close()
    with StorageEngine(db_path, read_only=True) as again:
        first, second = again.loads("DATA")
        assert again.loads() == [first, second]
    assert (first.action, first.records, first.stored, first.duplicates) == ("create", 7, 5, 2)
    assert (second.action, second.records, second.stored, second.duplicates) == ("append", 8, 3, 5)
    assert (first.from_date, first.to_date) == ("2024-01-01", "2024-01-31")
    assert first.filters == {"filter_where": "x > 1"}
    assert first.library_version == __version__
    assert first.started_at <= first.finished_at
    assert first.started_at.tzinfo is timezone.utc
    json.dumps(first.to_dict())


def _broken() -> Iterator[object]:
    yield from ()
    raise RuntimeError("mine")


def test_the_days_that_are_there_and_missing(memory: StorageEngine) -> None:
    def days(first: int, last: int, **changes: object) -> TableMetadata:
        dates = {"from_date": f"2024-01-{first:02}", "to_date": f"2024-01-{last:02}"}
        return metadata(**dates, **changes)

    EVENTS.create(memory, [], meta=days(9, 9))
    memory.drop_table("data")
    EVENTS.create(memory, [], meta=days(1, 2))
    EVENTS.append(memory, [], meta=days(5, 6))
    EVENTS.append(memory, [], meta=days(3, 3, filter_events=["A"]))
    EVENTS.append(memory, [])
    told = memory.coverage("data")
    assert told.loaded == [date(2024, 1, day) for day in (1, 2, 5, 6)]
    assert told.missing == [date(2024, 1, day) for day in (3, 4)]
    assert told.undated == 1
    json.dumps(told.to_dict())


def test_a_table_without_days(memory: StorageEngine) -> None:
    EVENTS.create(memory, [])
    assert (memory.coverage("data").loaded, memory.coverage("data").missing) == ([], [])
    with pytest.raises(TableNotFoundError):
        memory.coverage("nowhere")
