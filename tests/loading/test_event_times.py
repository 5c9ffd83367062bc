"""Times are stored in UTC, whatever they were written as."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixpanel_data import StorageEngine
from tests.support.factories import EVENTS, PROFILES, Kind

pytestmark = pytest.mark.both_engines

INDIA = timezone(timedelta(hours=5, minutes=30))
NEW_YORK = ZoneInfo("America/New_York")

MOMENTS: list[tuple[Any, datetime]] = [
    ("2024-01-15T10:30:00", datetime(2024, 1, 15, 10, 30)),
    ("2024-01-15 10:30:00", datetime(2024, 1, 15, 10, 30)),
    ("2024-01-15T10:30:00Z", datetime(2024, 1, 15, 10, 30)),
    ("2024-01-15T10:30:00+00:00", datetime(2024, 1, 15, 10, 30)),
    ("2024-01-15T10:30:00+05:30", datetime(2024, 1, 15, 5, 0)),
    ("2024-01-15T10:30:00-08:00", datetime(2024, 1, 15, 18, 30)),
    ("2024-01-15T10:30:00.5Z", datetime(2024, 1, 15, 10, 30, 0, 500_000)),
    ("2024-01-15T10:30:00.25Z", datetime(2024, 1, 15, 10, 30, 0, 250_000)),
    ("2024-01-15T10:30:00.125Z", datetime(2024, 1, 15, 10, 30, 0, 125_000)),
    ("2024-01-15T10:30:00.1234Z", datetime(2024, 1, 15, 10, 30, 0, 123_400)),
    ("2024-01-15T10:30:00.12345Z", datetime(2024, 1, 15, 10, 30, 0, 123_450)),
    ("2024-01-15T10:30:00.123456+05:30", datetime(2024, 1, 15, 5, 0, 0, 123_456)),
    ("2024-01-15T10:30:00.1234561Z", datetime(2024, 1, 15, 10, 30, 0, 123_456)),
    ("2024-01-15T10:30:00.12345612", datetime(2024, 1, 15, 10, 30, 0, 123_456)),
    ("2024-01-15T10:30:00.123456123Z", datetime(2024, 1, 15, 10, 30, 0, 123_456)),
    ("2024-02-29", datetime(2024, 2, 29)),
    ("0001-01-01T00:00:00", datetime(1, 1, 1)),
    ("9999-12-31T23:59:59.999999Z", datetime.max),
    ("1969-12-31T23:59:59.999999Z", datetime(1969, 12, 31, 23, 59, 59, 999_999)),
    (datetime(2024, 1, 15, 10, 30, 0, 1), datetime(2024, 1, 15, 10, 30, 0, 1)),
    (datetime(2024, 1, 15, 10, 30, tzinfo=timezone.utc), datetime(2024, 1, 15, 10, 30)),
    (datetime(2024, 1, 15, 10, 30, tzinfo=INDIA), datetime(2024, 1, 15, 5, 0)),
    (datetime(2024, 7, 15, 10, 30, tzinfo=NEW_YORK), datetime(2024, 7, 15, 14, 30)),
    (datetime(2024, 11, 3, 1, 30, tzinfo=NEW_YORK), datetime(2024, 11, 3, 5, 30)),
    (datetime(2024, 11, 3, 1, 30, fold=1, tzinfo=NEW_YORK), datetime(2024, 11, 3, 6, 30)),
    (datetime(2024, 11, 3, 1, 30, fold=1), datetime(2024, 11, 3, 1, 30)),
    (datetime.min, datetime.min),
    (datetime.max, datetime.max),
    (pd.Timestamp("2024-01-15T10:30:00+05:30"), datetime(2024, 1, 15, 5, 0)),
    (pd.Timestamp("2024-01-15T10:30:00.123456"), datetime(2024, 1, 15, 10, 30, 0, 123_456)),
]
FIELDS = {"events": "event_time", "profiles": "last_seen"}


def _load(engine: StorageEngine, kind: Kind, times: list[Any]) -> list[datetime | None]:
    field = FIELDS[kind.name]
    kind.create(engine, [kind.record(n, **{field: time}) for n, time in enumerate(times)])
    try:
        rows = engine.execute_rows(f"SELECT {field} FROM data ORDER BY {kind.key}")
        return [time for (time,) in rows]
    finally:
        engine.drop_table("data")


@pytest.mark.slow
@pytest.mark.parametrize(("given", "expected"), MOMENTS, ids=[str(m[0]) for m in MOMENTS])
def test_a_time_is_stored_in_utc(
    given: Any, expected: datetime, memory: StorageEngine, kind: Kind
) -> None:
    assert _load(memory, kind, [given]) == [expected]


def test_all_sorts_of_times_in_one_load(memory: StorageEngine, kind: Kind) -> None:
    assert _load(memory, kind, [m[0] for m in MOMENTS]) == [m[1] for m in MOMENTS]


@given(
    time=st.datetimes(
        datetime(1, 1, 3), datetime(9999, 12, 29), timezones=st.one_of(st.none(), st.timezones())
    ),
    written=st.sampled_from([None, "T", " "]),
    kind=st.sampled_from([EVENTS, PROFILES]),
)
def test_any_time_is_stored_in_utc(
    time: datetime, written: str | None, kind: Kind, shared: StorageEngine
) -> None:
    expected = time
    if time.tzinfo is not None:
        expected = time.astimezone(timezone.utc).replace(tzinfo=None)
    # Offsets of old times have seconds, which ISO 8601 cannot write but Python does.
    told: Any = time.isoformat(written) if written else time
    assert _load(shared, kind, [told]) == [expected.replace(fold=0)]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York"])
@pytest.mark.duckdb_only
def test_the_time_zone_of_a_session_makes_no_difference(
    zone: str, memory: StorageEngine, kind: Kind
) -> None:
    memory.connection.execute(f"SET TimeZone = '{zone}'")
    memory.connection.execute(f"SET GLOBAL TimeZone = '{zone}'")
    assert _load(memory, kind, [m[0] for m in MOMENTS]) == [m[1] for m in MOMENTS]
    kind.create(memory, [])
    assert memory.get_metadata("data") == kind.metadata()


def test_times_come_back_as_naive_utc_in_every_form(memory: StorageEngine) -> None:
    EVENTS.create(memory, [EVENTS.record(0, event_time=MOMENTS[4][0])])
    expected = MOMENTS[4][1]
    sql = "SELECT event_time FROM data"
    assert memory.execute_scalar(sql) == expected
    assert memory.execute_df(sql)["event_time"].iloc[0] == pd.Timestamp(expected)
    assert memory.execute_arrow(sql).to_pylist() == [{"event_time": expected}]
    assert memory.query(memory.table("data").select())[0].event_time == expected
