"""Times that are the wall clock of a project's zone are stored in UTC, whichever way they load."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from mixpanel_data import InvalidRecordError, StorageEngine, TableMetadata, TimeZoneError
from mixpanel_data._internal.zones import WallClock
from mixpanel_data.formats import read_export
from tests.support.factories import event, metadata

pytestmark = pytest.mark.both_engines

PACIFIC = "US/Pacific"
# With a skipped midnight, no whole hours, half an hour of summer, a lost day, seconds of offset.
ZONES = [
    *(PACIFIC, "Europe/Berlin", "America/Sao_Paulo", "Asia/Kathmandu", "Australia/Lord_Howe"),
    *("Pacific/Apia", "Africa/Monrovia", "Africa/Casablanca", "Etc/GMT+12"),
]
EPOCH = datetime(1970, 1, 1)
# What the wall clock of US/Pacific shows, and when that is.
MOMENTS = {
    "summer": ("2024-07-01T12:00:00", "2024-07-01T19:00:00"),
    "winter": ("2024-12-01T12:00:00", "2024-12-01T20:00:00"),
    "of another day": ("2024-12-01T20:30:00", "2024-12-02T04:30:00"),
    "before the hour that comes twice": ("2024-11-03T00:59:59", "2024-11-03T07:59:59"),
    "in the hour that comes twice": ("2024-11-03T01:00:00", "2024-11-03T08:00:00"),
    "at its end": ("2024-11-03T01:59:59", "2024-11-03T08:59:59"),
    "after it": ("2024-11-03T02:00:00", "2024-11-03T10:00:00"),
    "before the hour that is skipped": ("2024-03-10T01:59:59", "2024-03-10T09:59:59"),
    "in the hour that is skipped": ("2024-03-10T02:00:00", "2024-03-10T10:00:00"),
    "at its end, too": ("2024-03-10T02:59:59", "2024-03-10T10:59:59"),
    "after it, too": ("2024-03-10T03:00:00", "2024-03-10T10:00:00"),
    "long ago": ("1965-07-01T00:00:00", "1965-07-01T07:00:00"),
    "far away": ("2150-07-01T00:00:00", "2150-07-01T07:00:00"),
}
Load = Callable[..., int]


def stamp(wall: str | datetime) -> int:
    """Return the time of an export: the wall clock as if it were UTC."""
    moment = datetime.fromisoformat(wall) if isinstance(wall, str) else wall
    return (moment - EPOCH) // timedelta(seconds=1)


def line(number: int, time: Any, **properties: Any) -> str:
    common = {"time": time, "distinct_id": "u", "$insert_id": f"i{number:04}"}
    return json.dumps({"event": "A", "properties": {**common, **properties}})


def write(path: Path, lines: Iterable[str]) -> Path:
    path.write_text("".join(f"{text}\n" for text in lines))
    return path


@pytest.fixture(params=["files", "records"])
def load(request: pytest.FixtureRequest, memory: StorageEngine, tmp_path: Path) -> Load:
    """A load of lines into the table ``data``: DuckDB reads them, or they come as records."""

    def run(lines: Iterable[str], *, replace: bool = False, **said: Any) -> int:
        path = write(tmp_path / "events.jsonl", lines)
        there, meta = memory.table_exists("data"), metadata(**said)
        if request.param == "files":
            return memory.load_export("data", path, meta, append=there, replace=replace)
        if there:
            return memory.append_events_table("data", read_export(path), meta, replace=replace)
        return memory.create_events_table("data", read_export(path), meta)

    return run


def times(engine: StorageEngine) -> list[str]:
    rows = engine.execute_rows("SELECT event_time FROM data ORDER BY insert_id")
    return [time.isoformat() for (time,) in rows]


def test_the_wall_clock_becomes_utc(load: Load, memory: StorageEngine) -> None:
    stamps = [stamp(wall) for wall, _ in MOMENTS.values()]
    load([line(n, time) for n, time in enumerate(stamps)], time_zone=PACIFIC)
    assert times(memory) == [utc for _, utc in MOMENTS.values()]
    raw = memory.query(sa.select(memory.table("data").c.properties).order_by("insert_id"))
    assert [row.properties["time"] for row in raw] == stamps
    told = memory.load_history()[-1]
    assert (told.time_zone, told.ambiguous_times, told.missing_times) == (PACIFIC, 2, 2)
    assert memory.get_metadata("data").time_zone == PACIFIC


@pytest.mark.parametrize("zone", [None, "UTC"])
def test_without_a_zone_times_are_utc(zone: str | None, load: Load, memory: StorageEngine) -> None:
    load([line(1, stamp("2024-11-03T01:30:00"))], time_zone=zone)
    assert times(memory) == ["2024-11-03T01:30:00"]
    told = memory.load_history()[-1]
    assert (told.ambiguous_times, told.missing_times, told.time_offset) == (0, 0, None)


STAMPS = st.sampled_from([0, 1.5, "1700000000", -5, 1_700_000_000_123, 4_102_444_800_000])


@given(
    zone=st.sampled_from(ZONES),
    year=st.integers(1970, 2040),
    offsets=st.lists(st.integers(-90, 90), max_size=6),
    others=st.lists(STAMPS, max_size=2),
)
@pytest.mark.duckdb_only
def test_files_and_records_give_the_same(
    zone: str,
    year: int,
    offsets: list[int],
    others: list[Any],
    shared: StorageEngine,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    pieces = list(WallClock(zone).pieces())
    near = next((since for since, _ in pieces if since.year >= year), pieces[-1][0])
    stamps = [*(stamp(near) + minutes * 60 for minutes in offsets), *others]
    path = write(tmp_path_factory.mktemp("files") / "e.jsonl", map(line, range(9), stamps))
    meta, seen = metadata(time_zone=zone), []
    for from_file in (True, False):
        if from_file:
            shared.load_export("data", path, meta, allow_empty=True)
        else:
            shared.create_events_table("data", read_export(path), meta)
        told = shared.load_history("data")[-1]
        counts = told.ambiguous_times, told.missing_times, told.collisions
        seen.append((shared.query(shared.table("data").select()), counts))
        shared.drop_table("data")
    assert seen[0] == seen[1]


@given(
    zone=st.sampled_from(ZONES) | st.timezone_keys(),
    wall=st.datetimes(datetime(1970, 1, 3), datetime(2099, 12, 30)),
    near=st.integers(0, 400) | st.none(),
)
def test_the_rule_is_that_of_python(zone: str, wall: datetime, near: int | None) -> None:
    clock = WallClock(zone)
    pieces = list(clock.pieces())
    if near is not None:
        wall = pieces[near % (len(pieces) - 1)][0] + timedelta(seconds=wall.second - 30)
    aware = wall.replace(tzinfo=ZoneInfo(zone))
    expected = aware.astimezone(timezone.utc).replace(tzinfo=None)
    assert clock.to_utc(wall) == expected
    offset = [offset for since, offset in pieces if since <= wall][-1] if near is None else None
    back = expected.replace(tzinfo=timezone.utc).astimezone(aware.tzinfo).replace(tzinfo=None)
    assert clock.missing == (back != wall)
    if near is None:
        assert (offset is None) == bool(clock.missing)
        assert offset is None or wall - offset == expected
    second = aware.replace(fold=1).astimezone(timezone.utc).replace(tzinfo=None)
    assert clock.ambiguous == (second > expected)
    if clock.ambiguous:
        assert any(since <= expected < end for since, end in clock.repeated(expected, expected))


def test_a_time_with_an_offset_is_what_it_says(memory: StorageEngine) -> None:
    said = ["2024-07-01T12:00:00+02:00", datetime(2024, 7, 1, 12, tzinfo=timezone.utc)]
    records: list[Any] = [event(n, event_time=time) for n, time in enumerate(said)]
    naive: Any = event(2, event_time="2024-07-01T12:00:00")
    memory.create_events_table("data", [*records, naive], metadata(time_zone=PACIFIC))
    assert times(memory) == ["2024-07-01T10:00:00", "2024-07-01T12:00:00", "2024-07-01T19:00:00"]


def test_a_time_beyond_the_calendar_is_refused(load: Load, memory: StorageEngine) -> None:
    last = [line(1, stamp("9999-12-31T23:00:00") * 1000)]
    with pytest.raises(InvalidRecordError, match="out of range in UTC"):
        load(last, time_zone=PACIFIC)
    assert not memory.table_exists("data")
    assert load(last, time_zone="Europe/Berlin") == 1


def test_later_loads_are_in_the_zone_of_the_table(load: Load, memory: StorageEngine) -> None:
    load([line(1, stamp("2024-07-01T12:00:00"))], time_zone=PACIFIC)
    load([line(2, stamp("2024-07-01T12:00:00"))])
    load([line(3, stamp("2024-07-01T12:00:00"))], time_zone=PACIFIC)
    assert load([line(3, stamp("2024-07-01T12:00:00"))]) == 0
    assert times(memory) == ["2024-07-01T19:00:00"] * 3
    assert [load.time_zone for load in memory.load_history()] == [PACIFIC] * 4
    assert memory.get_metadata("data").time_zone == PACIFIC


@pytest.mark.parametrize(("first", "second"), [(PACIFIC, "UTC"), (None, PACIFIC), ("UTC", PACIFIC)])
def test_another_zone_is_refused(
    first: str | None, second: str, load: Load, memory: StorageEngine
) -> None:
    load([line(1, 0)], time_zone=first)
    with pytest.raises(TimeZoneError, match=f"'data' were loaded as {first or 'UTC'}, .* {second}"):
        load([line(2, 0)], time_zone=second)
    assert len(memory.load_history()) == 1
    load([line(2, 0)], time_zone=first)


def test_the_days_to_replace_are_days_of_the_zone(load: Load, memory: StorageEngine) -> None:
    walls = ["2024-07-01T23:59:59", "2024-07-02T00:00:00", "2024-07-02T23:59:59", "2024-07-03"]
    load([line(n, stamp(wall)) for n, wall in enumerate(walls)], time_zone=PACIFIC)
    day = {"from_date": "2024-07-02", "to_date": "2024-07-02"}
    new = [line(8, stamp("2024-07-02T00:00:00")), line(9, stamp("2024-07-02T23:59:59"))]
    assert load(new, replace=True, **day) == 2
    assert memory.load_history()[-1].replaced == 2
    assert times(memory) == [
        *("2024-07-02T06:59:59", "2024-07-03T07:00:00"),
        *("2024-07-02T07:00:00", "2024-07-03T06:59:59"),
    ]
    with pytest.raises(
        InvalidRecordError, match=r"2024-07-02 in US/Pacific\).*2024-07-03 00:00:00"
    ):
        load([line(1, stamp("2024-07-03T00:00:00"))], replace=True, **day)
    assert memory.coverage("data").loaded == [date(2024, 7, 2)]


@pytest.mark.parametrize("day", ["2024-11-03", "2024-03-10"])
def test_a_day_of_another_length_is_replaced_as_a_whole(
    day: str, load: Load, memory: StorageEngine
) -> None:
    hours = [line(n, stamp(day) + n * 3600 - 1) for n in range(26)]
    load(hours, time_zone=PACIFIC)
    assert load(hours[1:25], replace=True, from_date=day, to_date=day) == 24
    assert memory.load_history()[-1].replaced == 24


def test_records_of_other_days_are_those_of_other_local_days(
    load: Load, memory: StorageEngine
) -> None:
    day = {"from_date": "2024-07-02", "to_date": "2024-07-02"}
    walls = ["2024-07-01T23:59:59", "2024-07-02T00:00:00", "2024-07-02T23:59:59", "2024-07-03"]
    load([line(n, stamp(wall)) for n, wall in enumerate(walls)], time_zone=PACIFIC, **day)
    assert memory.load_history()[-1].outside == 2


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("US/Pacfic", "Did you mean 'US/Pacific'"),
        ("europe/berlin", "'Europe/Berlin'"),
        ("", "IANA"),
    ],
)
def test_a_zone_that_does_not_exist_is_refused(name: str, hint: str) -> None:
    with pytest.raises(ValueError, match=f"Unknown time zone '{name}'.*{hint}"):
        metadata(time_zone=name)


def test_profiles_have_no_zone() -> None:
    with pytest.raises(ValueError, match="time_zone is for events"):
        TableMetadata(type="profiles", fetched_at=datetime(2024, 1, 1), time_zone=PACIFIC)


def received(walls: Iterable[str], hours: float, **properties: Any) -> list[str]:
    """Lines of events that Mixpanel received so many hours and a second later than their times."""
    later = round(hours * 3_600_000) + 1_000
    return [
        line(n, stamp(w), **{"mp_processing_time_ms": stamp(w) * 1000 + later, **properties})
        for n, w in enumerate(walls)
    ]


SUMMER = [f"2024-07-01T12:{minute:02}:00" for minute in range(20)]
WINTER = [f"2024-12-01T12:{minute:02}:00" for minute in range(10)]


@pytest.mark.parametrize(
    ("lines", "zone", "offset"),
    [
        (received(SUMMER, 7), None, -7.0),
        (received(SUMMER, -5.75), None, 5.75),
        (received(SUMMER, 7), PACIFIC, None),
        (received(SUMMER, 7), "Europe/Berlin", -9.0),
        (received(SUMMER, 0), None, None),
        (received(SUMMER, 0), PACIFIC, 7.0),
        (received(SUMMER, 7.1), None, None),
        (received(SUMMER, 24 * 30), None, None),
        (received(SUMMER[:1], 7), None, None),
        (received(SUMMER, 7, **{"$import": True}), None, None),
        (received(SUMMER, 7, **{"$mp_api_timestamp_ms": stamp(SUMMER[9]) * 1000}), None, None),
        ([*received(SUMMER, 7), *received(WINTER, 8)], None, -7.0),
        ([*received(SUMMER[:9], 7), *received(SUMMER[9:], 0)], None, None),
        ([line(n, 1_700_000_000) for n in range(20)], None, None),
        (received(SUMMER, 7, mp_processing_time_ms="soon"), None, None),
    ],
)
def test_an_offset_of_all_times_is_noticed(
    lines: list[str],
    zone: str | None,
    offset: float | None,
    load: Load,
    memory: StorageEngine,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        load(lines, time_zone=zone)
    found = memory.load_history()[-1].time_offset
    assert found == (None if offset is None else offset * 3600)
    said = [record.message for record in caplog.records if "hours off UTC" in record.message]
    assert len(said) == (offset is not None)
    assert offset is None or f"{offset:+g} hours" in said[0]
