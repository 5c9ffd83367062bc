"""What is in a table as a whole: samples, columns, events, and the database itself."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mixpanel_data import (
    ColumnSummary,
    EventStats,
    QueryError,
    StorageEngine,
    TableNotFoundError,
    WorkspaceInfo,
    maintenance,
)
from mixpanel_data.reports import NotEventsTableError
from mixpanel_data.types import utc_now
from tests.support.factories import EVENTS, events, metadata

from .conftest import Make

ROWS: list[Any] = [
    ("view", "2024-01-01T10:00:00", "ann", {}),
    ("view", "2024-01-02T10:00:00", "bob", {}),
    ("buy", "2024-01-03T10:00:00.5", "ann", {}),
    ("ask", "2024-01-01T09:00:00", "", {}),
    ("view", "2024-01-05T10:00:00", "ann", {}),
    ("buy", "2024-01-03T11:00:00", "ann", {}),
]


def test_a_sample_has_n_rows_or_all(memory: StorageEngine) -> None:
    EVENTS.create(memory, events(50))
    sizes = [len(memory.sample("data", n)) for n in (0, 1, 10, 50, 500)]

    assert sizes == [0, 1, 10, 50, 50]
    assert len(memory.sample("data")) == 10
    assert list(memory.sample("data").columns) == [
        *("event_name", "event_time", "distinct_id", "insert_id", "properties"),
    ]
    with pytest.raises(ValueError, match="0 or more"):
        memory.sample("data", -1)


def test_a_seed_gives_the_same_rows_in_the_same_order(memory: StorageEngine) -> None:
    EVENTS.create(memory, events(500))
    first, again, another = (memory.sample("data", 20, seed) for seed in (7, 7, -8))

    assert first.equals(again)
    assert set(first.insert_id) != set(another.insert_id)
    assert memory.sample("data", 20, seed=7).insert_id.is_unique


def test_a_seed_works_without_a_key(other: StorageEngine) -> None:
    assert other.sample("numbers", 3, seed=1).equals(other.sample("numbers", 3, seed=1))
    assert sorted(other.sample("numbers", 9, seed=1).n) == [0, 1, 2, 3]


def test_a_summary_describes_every_column(other: StorageEngine) -> None:
    result = other.summarize("numbers")
    n, ratio, label, day, price = result.columns

    assert (result.table, result.row_count) == ("numbers", 4)
    assert (n.column_name, n.column_type, n.min, n.max, n.avg) == ("n", "INTEGER", "0", "3", 1.5)
    assert ratio.std == pytest.approx(0.3227, abs=1e-4)
    assert ratio.q50 == "0.375"
    assert (label.null_percentage, label.avg, label.count) == (50.0, None, 4)
    assert (day.avg, price.avg) == (None, 1.875)
    assert list(result.df.columns) == [field.name for field in fields(ColumnSummary)]
    assert result.to_dict().keys() == {"table", "row_count", "columns"}
    assert result.df is result.df
    json.dumps(result.to_dict())


def test_the_summary_of_nothing(make: Make) -> None:
    result = make().summarize("events")

    assert result.row_count == 0
    assert [(c.min, c.count, c.null_percentage) for c in result.columns] == [(None, 0, 0.0)] * 5


def test_a_breakdown_counts_events_and_users(make: Make) -> None:
    result = make(ROWS).event_breakdown("events")

    assert (result.table, result.total_events, result.total_users) == ("events", 6, 3)
    assert result.date_range == (datetime(2024, 1, 1, 9), datetime(2024, 1, 5, 10))
    assert result.events[0] == EventStats(
        "view", 3, 2, datetime(2024, 1, 1, 10), datetime(2024, 1, 5, 10), 50.0
    )
    assert [(e.event_name, e.count, e.pct_of_total) for e in result.events[1:]] == [
        ("buy", 2, 33.33),
        ("ask", 1, 16.67),
    ]
    assert list(result.df.columns) == [field.name for field in fields(EventStats)]
    assert list(result.df["count"]) == [3, 2, 1]
    shown = json.loads(json.dumps(result.to_dict()))
    assert shown["date_range"] == ["2024-01-01T09:00:00", "2024-01-05T10:00:00"]
    assert shown["events"][1]["first_seen"] == "2024-01-03T10:00:00.500000"


def test_equally_frequent_events_are_in_order(make: Make) -> None:
    rows: list[Any] = [(name, "2024-01-01T00:00:00", "u", {}) for name in "cabacb"]

    assert [e.event_name for e in make(rows).event_breakdown("events").events] == ["a", "b", "c"]


def test_the_breakdown_of_nothing(make: Make) -> None:
    result = make().event_breakdown("events")

    assert (result.total_events, result.total_users, result.events) == (0, 0, [])
    assert result.date_range == (datetime.min, datetime.min)
    assert list(result.df.columns) == [field.name for field in fields(EventStats)]


def test_a_table_of_other_columns_is_refused_by_name(profiles: StorageEngine) -> None:
    with pytest.raises(QueryError, match=r"'people'.*'event_name', 'event_time'") as caught:
        profiles.event_breakdown("people")

    assert isinstance(caught.value, NotEventsTableError)
    assert caught.value.details["missing"] == ["event_name", "event_time"]


@pytest.mark.parametrize(
    "call",
    ["sample", "summarize", "event_breakdown", "property_keys", "properties"],
)
def test_a_table_that_is_not_there(memory: StorageEngine, call: str) -> None:
    with pytest.raises(TableNotFoundError, match="'nope'"):
        getattr(memory, call)("nope")


def test_results_are_frozen_readable_and_have_their_statement(make: Make) -> None:
    storage = make(ROWS)
    for result in (
        storage.summarize("events"),
        storage.event_breakdown("events"),
        storage.column_stats("events", "event_name"),
    ):
        assert type(result).__name__ in repr(result)
        assert "<table" in result._repr_html_()
        assert len(storage.execute_rows(result.sql)) == len(result.df)
        with pytest.raises(AttributeError):
            result.table = "other"  # type: ignore[misc]


def test_info_of_a_file(db_path: Path) -> None:
    before = utc_now() - timedelta(seconds=2)
    with StorageEngine(db_path) as storage:
        storage.create_events_table("b", events(3), metadata())
        storage.create_events_table("a", events(3), metadata())
        info = storage.info()

    assert (info.path, info.tables) == (db_path, ["a", "b"])
    assert info.created_at is not None
    assert before < info.created_at <= utc_now()
    assert 0 < info.size_mb < 10
    assert json.loads(json.dumps(info.to_dict()))["path"] == str(db_path)


def test_info_in_memory(memory: StorageEngine) -> None:
    assert memory.info() == WorkspaceInfo(None, [], 0.0, None)
    json.dumps(memory.info().to_dict())


def test_info_tells_the_zones_of_tables_that_are_not_in_utc(db_path: Path) -> None:
    with StorageEngine(db_path) as storage:
        storage.create_events_table("old", events(3), metadata(time_zone="US/Pacific"))
        storage.create_events_table("new", events(3), metadata())
        storage.create_events_table("gone", events(3), metadata(time_zone="Asia/Tokyo"))
        storage.connection.execute("DROP TABLE gone")
        info = storage.info()
    assert info.time_zones == {"old": "US/Pacific"}
    assert info.to_dict()["time_zones"] == {"old": "US/Pacific"}
    assert maintenance.status(db_path).time_zones == {"old": "US/Pacific"}
