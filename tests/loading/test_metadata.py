"""What was passed in with a load comes back; appends widen it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixpanel_data import StorageEngine
from mixpanel_data.types import TableMetadata
from tests.support.factories import EVENTS, FETCHED_AT, Kind

pytestmark = pytest.mark.both_engines

FILTERS: list[dict[str, Any]] = [
    {},
    {"filter_events": []},
    {"filter_events": ["Sign up", "it's", 'quo"te', "é😀", ""]},
    {"filter_where": 'properties["$os"] == "iOS" and number(properties["n"]) > 5'},
    {"filter_where": ""},
    {"filter_cohort_id": 12345},
    {"filter_cohort_id": "12345"},
    {"filter_cohort_id": 2**70},
    {"filter_output_properties": ["$browser", "a.b"]},
    {"filter_group_id": -1405123841946871899},
    {"filter_group_id": "-1405123841946871899"},
    {"filter_behaviors": [{"window": "30d", "name": "b", "event_selectors": [{"event": "x"}]}]},
    {"filter_behaviors": "text"},
    {"filter_behaviors": {"": [None, True, 1, 1.0, 2**70]}},
    {"from_date": "2024-01-01", "to_date": "2024-01-31"},
    {"from_date": "2024-01-31", "to_date": "2024-01-31"},
    {"from_date": "2024-01-01"},
    {"to_date": "0001-01-01"},
    {"to_date": "9999-12-31"},
]


@pytest.mark.slow
@pytest.mark.parametrize("fields", FILTERS, ids=str)
def test_every_field_comes_back(fields: dict[str, Any], memory: StorageEngine, kind: Kind) -> None:
    given = kind.metadata(**fields)
    kind.create(memory, [], meta=given)
    found = memory.get_metadata("data")
    assert isinstance(found, TableMetadata)
    assert found == given
    # repr tells 1 from True and from "1".
    assert repr(found) == repr(given)


def test_all_fields_at_once_survive_reopening(engine: StorageEngine) -> None:
    fields = {name: value for one in FILTERS[:15] for name, value in one.items()}
    EVENTS.create(engine, [], meta=EVENTS.metadata(**fields))
    assert engine.path
    engine.close()
    with StorageEngine(engine.path, read_only=True) as again:
        assert again.get_metadata("data") == EVENTS.metadata(**fields)


@given(
    behaviors=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    ),
    where=st.none() | st.text(),
    events=st.none() | st.lists(st.text()),
)
def test_any_filter_comes_back(
    behaviors: Any, where: str | None, events: list[str] | None, shared: StorageEngine
) -> None:
    given = EVENTS.metadata(filter_behaviors=behaviors, filter_where=where, filter_events=events)
    EVENTS.create(shared, [], meta=given)
    try:
        assert repr(shared.get_metadata("data")) == repr(given)
    finally:
        shared.drop_table("data")


@pytest.mark.parametrize(
    "moment",
    [
        FETCHED_AT,
        datetime(2024, 3, 1, 12, 30, 0, 123_456, tzinfo=timezone.utc),
        datetime(2024, 3, 1, 18, 0, tzinfo=timezone(timedelta(hours=5, minutes=30))),
        datetime(2024, 3, 1, 12, 30),
    ],
    ids=str,
)
def test_the_time_of_the_fetch_is_aware_and_utc(
    moment: datetime, memory: StorageEngine, kind: Kind
) -> None:
    kind.create(memory, [], meta=kind.metadata(fetched_at=moment))
    expected = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    for found in (memory.get_metadata("data").fetched_at, memory.list_tables()[0].fetched_at):
        assert found == expected
        assert found.utcoffset() == timedelta(0)


WIDENED = [
    (("2024-01-05", "2024-01-10"), ("2024-01-08", "2024-01-20"), ("2024-01-05", "2024-01-20")),
    (("2024-01-05", "2024-01-10"), ("2024-01-01", "2024-01-07"), ("2024-01-01", "2024-01-10")),
    (("2024-01-05", "2024-01-10"), ("2024-01-01", "2024-01-20"), ("2024-01-01", "2024-01-20")),
    (("2024-01-05", "2024-01-10"), ("2024-01-06", "2024-01-07"), ("2024-01-05", "2024-01-10")),
    (("2024-01-05", "2024-01-10"), (None, None), ("2024-01-05", "2024-01-10")),
    ((None, None), ("2024-01-05", "2024-01-10"), ("2024-01-05", "2024-01-10")),
    ((None, None), (None, None), (None, None)),
]


@pytest.mark.slow
@pytest.mark.parametrize(("first", "second", "expected"), WIDENED)
def test_an_append_widens_the_days(
    first: tuple[Any, Any],
    second: tuple[Any, Any],
    expected: tuple[Any, Any],
    memory: StorageEngine,
    kind: Kind,
) -> None:
    for call, days in ((kind.create, first), (kind.append, second)):
        call(memory, [], meta=kind.metadata(from_date=days[0], to_date=days[1]))
    found = memory.get_metadata("data")
    assert (found.from_date, found.to_date) == expected


def test_an_append_refreshes_count_and_time(loaded: StorageEngine, kind: Kind) -> None:
    later = FETCHED_AT + timedelta(days=1)
    kind.append(loaded, kind.records(10, start=5), meta=kind.metadata(fetched_at=later))
    info = loaded.list_tables()[0]
    assert (info.row_count, info.fetched_at) == (15, later)
    assert loaded.get_metadata("data").fetched_at == later


def test_an_append_without_filters_forgets_none(memory: StorageEngine) -> None:
    first = EVENTS.metadata(filter_where="true", filter_events=["A"])
    EVENTS.create(memory, [], meta=first)
    EVENTS.append(memory, [])
    assert memory.get_metadata("data") == first


def test_each_table_has_its_own(memory: StorageEngine, kind: Kind) -> None:
    kind.create(memory, [], "one", kind.metadata(filter_where="1"))
    kind.create(memory, [], "two", kind.metadata(filter_where="2"))
    kind.append(memory, kind.records(3), "two", kind.metadata(from_date="2024-01-01"))
    assert memory.get_metadata("one") == kind.metadata(filter_where="1")


def test_the_catalogue_is_a_table_that_can_be_asked(loaded: StorageEngine, kind: Kind) -> None:
    sql = "SELECT table_name, type, row_count, fetched_at FROM _metadata"
    assert loaded.execute_rows(sql) == [("data", kind.name, 10, FETCHED_AT.replace(tzinfo=None))]
