"""How ``time`` becomes ``event_time``."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.exports import event, line, refusal

EPOCH = datetime(1970, 1, 1)


def event_time(stamp: object) -> object:
    return event(line({"time": stamp, "$insert_id": "i"}))["event_time"]


@pytest.mark.parametrize(
    ("stamp", "moment"),
    [
        (0, EPOCH),
        (1_512_369_684, datetime(2017, 12, 4, 6, 41, 24)),
        (1_512_369_684_123, datetime(2017, 12, 4, 6, 41, 24, 123_000)),
        (-1, datetime(1969, 12, 31, 23, 59, 59)),
        (-86_400_000_001, datetime(1967, 4, 6, 23, 59, 59, 999_000)),
        (9_999_999_999, datetime(2286, 11, 20, 17, 46, 39)),
        (10_000_000_000, datetime(1970, 4, 26, 17, 46, 40)),
        (31_536_000_000, datetime(1971, 1, 1)),
        (253_402_300_799_999, datetime(9999, 12, 31, 23, 59, 59, 999_000)),
        (1_512_369_684.25, datetime(2017, 12, 4, 6, 41, 24, 250_000)),
        (1_512_369_684_123.5, datetime(2017, 12, 4, 6, 41, 24, 123_500)),
        ("1512369684", datetime(2017, 12, 4, 6, 41, 24)),
        ("-1.5", datetime(1969, 12, 31, 23, 59, 58, 500_000)),
    ],
)
def test_seconds_and_milliseconds(stamp: object, moment: datetime) -> None:
    assert event_time(stamp) == moment


@given(st.integers(10_000_000_000, 253_402_300_799_999))
def test_milliseconds_are_exact(stamp: int) -> None:
    moment = event_time(stamp)
    assert isinstance(moment, datetime)
    assert moment.tzinfo is None
    assert (moment - EPOCH) // timedelta(milliseconds=1) == stamp


def test_the_stamp_stays_in_the_properties() -> None:
    assert event(line({"time": "12", "$insert_id": "i"}))["properties"] == {"time": "12"}


@pytest.mark.parametrize("stamp", [None, "", "soon", "2024-01-01", "1e9", "٣", True, [1], {}])
def test_other_values_are_refused(stamp: object) -> None:
    error = refusal(line({"time": stamp}))
    assert "'time' must be seconds or milliseconds" in error.message


@pytest.mark.parametrize("stamp", [10**15, -(10**15), 10**30, 1e300, "9" * 400 + ".0"])
def test_times_out_of_range_are_refused(stamp: object) -> None:
    assert "'time' is out of range" in refusal(line({"time": stamp})).message


@pytest.mark.parametrize("row", [{"event": "e"}, {"event": "e", "properties": {}}])
def test_a_missing_time_is_refused(row: dict[str, object]) -> None:
    assert "'time' must be" in refusal(json.dumps(row).encode()).message
