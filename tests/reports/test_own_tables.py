"""Tables of events that the library did not make: other types of times and of properties."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from mixpanel_data import QueryError, StorageEngine

pytestmark = [pytest.mark.slow, pytest.mark.every_variant]

DAYS: dict[str, Any] = {"from_date": "2025-03-01", "to_date": "2025-03-01"}
JSON = """ '{"n":1}' """


def _own(storage: StorageEngine, time: str, properties: str, *rows: str) -> None:
    storage.execute_rows(
        f"CREATE TABLE own (event_name VARCHAR, event_time {time}, distinct_id VARCHAR,"
        f" insert_id VARCHAR, properties {properties})"
    )
    for number, row in enumerate(rows):
        value, document = row.split("|")
        storage.execute_rows(f"INSERT INTO own VALUES ('a', {value}, 'u', 'i{number}', {document})")


@pytest.mark.parametrize(
    ("time", "properties", "document"),
    [
        ("TIMESTAMP", "VARCHAR", JSON),
        ("TIMESTAMP", "STRUCT(n INTEGER)", "{'n': 1}"),
        ("TIMESTAMP", "MAP(VARCHAR, INTEGER)", "MAP {'n': 1}"),
        ("DATE", "JSON", JSON),
        ("TIMESTAMPTZ", "JSON", JSON),
        ("TIMESTAMP_NS", "JSON", JSON),
        ("TIMESTAMP_S", "VARCHAR", JSON),
    ],
)
def test_other_types_give_the_same_answers(
    memory: StorageEngine, time: str, properties: str, document: str
) -> None:
    _own(memory, time, properties, f"'2025-03-01'|{document}")
    day = datetime(2025, 3, 1)

    assert memory.event_breakdown("own").date_range == (day, day)
    assert memory.property_keys("own") == ["n"]
    assert memory.property_values("own", "n", event="a") == ["1"]
    assert memory.property_distribution("own", "a", "n", **DAYS).total_count == 1
    (found,) = memory.properties("own").properties
    assert (found.key, found.first_day, found.last_day) == ("n", day.date(), day.date())
    reports = memory.reports("own", timezone="America/New_York")
    days: dict[str, Any] = {"from_date": "2025-02-28", "to_date": "2025-02-28"}
    where = reports.c.properties["n"].as_integer() == 1
    assert reports.segmentation("a", on="n", where=where, **days).total == 1
    assert reports.funnel(["a"], where='properties["n"] == 1', **days).steps[0].count == 1
    assert reports.retention(**days).cohorts[0].size == 1
    assert reports.sessions(on="n", **days).points[0].sessions == 1
    (event,) = memory.reports("own").activity("u").events
    assert (event.time, event.properties) == (day, {"n": 1})


@pytest.mark.parametrize(
    ("time", "value"), [("VARCHAR", "'soon'"), ("BIGINT", "1"), ("TIME", "'12:00'")]
)
def test_what_is_no_time_is_refused_by_name(memory: StorageEngine, time: str, value: str) -> None:
    _own(memory, time, "JSON", f"{value}|{JSON}")
    told = f"'event_time' of table 'own' must be a TIMESTAMP in UTC, or a DATE, not a {time}"
    for ask in (memory.reports, memory.event_breakdown, memory.properties):
        with pytest.raises(QueryError, match=told):
            ask("own")
    assert memory.property_keys("own") == ["n"]


def test_text_that_is_no_json_is_refused(memory: StorageEngine) -> None:
    _own(memory, "TIMESTAMP", "VARCHAR", "'2025-03-01'|'none'")
    for ask in (
        memory.property_keys,
        memory.properties,
        lambda name: memory.property_values(name, "n"),
    ):
        with pytest.raises(QueryError, match="Malformed JSON"):
            ask("own")
    with pytest.raises(QueryError, match="Malformed JSON"):
        memory.reports("own").activity("u")


@pytest.mark.parametrize(
    ("values", "first", "last"),
    [
        (["infinity", "2025-03-01"], datetime(2025, 3, 1), datetime.max),
        (["-infinity", "2025-03-01"], datetime.min, datetime(2025, 3, 1)),
        (["0044-03-15 (BC)", "2025-03-01"], datetime.min, datetime(2025, 3, 1)),
        (["0044-03-15 (BC)", "20000-01-01"], datetime.min, datetime.max),
    ],
)
def test_times_that_python_has_not(
    memory: StorageEngine, values: list[str], first: datetime, last: datetime
) -> None:
    _own(memory, "TIMESTAMP", "JSON", *(f"'{value}'|{JSON}" for value in values))
    found = memory.event_breakdown("own")
    assert found.date_range == (found.events[0].first_seen, found.events[0].last_seen)
    assert found.date_range == (first, last)
    (property_,) = memory.properties("own").properties
    assert (property_.first_day, property_.last_day) == (first.date(), last.date())
    inside = date(2025, 3, 1).isoformat() in values
    assert memory.reports("own").retention(**DAYS).cohorts[0].size == inside
