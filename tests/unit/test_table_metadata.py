"""TableMetadata is checked when made, and never changes."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError

from mixpanel_data.types import TableMetadata
from tests.support.factories import FETCHED_AT, metadata


def test_only_the_kind_and_the_time_are_needed() -> None:
    made = TableMetadata(type="events", fetched_at=FETCHED_AT)
    assert (made.from_date, made.to_date, made.filter_events, made.filter_where) == (None,) * 4
    assert (made.duplicates, made.collisions) == (0, 0)


@pytest.mark.parametrize("missing", ["type", "fetched_at"])
def test_the_kind_and_the_time_cannot_be_left_out(missing: str) -> None:
    fields: dict[str, Any] = {"type": "events", "fetched_at": FETCHED_AT}
    del fields[missing]
    with pytest.raises(ValidationError, match=missing):
        TableMetadata(**fields)


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "groups"},
        {"type": None},
        {"fetched_at": "soon"},
        {"from_date": "2024-1-1"},
        {"from_date": "20240101"},
        {"from_date": "2024-02-30"},
        {"from_date": "2024-01-01T00:00:00"},
        {"from_date": "2024-W01-1"},
        {"to_date": "01/02/2024"},
        {"to_date": ""},
        {"from_date": "2024-01-02", "to_date": "2024-01-01"},
        {"filter_events": "Sign up"},
        {"filter_events": [1]},
        {"filter_where": 5},
        {"filter_output_properties": "$os"},
        {"duplicates": -1},
        {"filter_evnts": ["typo"]},
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        metadata(**wrong)


@pytest.mark.parametrize(
    "days", [("2024-01-01", "2024-01-01"), ("2024-01-01", None), (None, "2024-01-01"), (None, None)]
)
def test_days_may_be_open_or_equal(days: tuple[str | None, str | None]) -> None:
    made = metadata(from_date=days[0], to_date=days[1])
    assert (made.from_date, made.to_date) == days


@pytest.mark.parametrize(
    "given",
    [
        datetime(2024, 3, 1, 12, 30),
        datetime(2024, 3, 1, 12, 30, tzinfo=timezone.utc),
        datetime(2024, 3, 1, 18, 0, tzinfo=timezone(timedelta(hours=5, minutes=30))),
    ],
    ids=str,
)
def test_the_time_is_kept_in_utc(given: datetime) -> None:
    made = metadata(fetched_at=given)
    assert made.fetched_at == FETCHED_AT
    assert made.fetched_at.utcoffset() == timedelta(0)


@pytest.mark.parametrize("cohort", [5, "5", 2**70])
def test_ids_keep_their_type(cohort: int | str) -> None:
    made = metadata(filter_cohort_id=cohort, filter_group_id=cohort)
    assert repr([made.filter_cohort_id, made.filter_group_id]) == repr([cohort, cohort])


def test_it_is_frozen() -> None:
    with pytest.raises(ValidationError):
        metadata().type = "profiles"


def test_it_converts_to_json() -> None:
    fields: dict[str, Any] = {
        "filter_events": ["A"],
        "filter_behaviors": [{"a": 1}],
        "from_date": "2024-01-01",
    }
    told = json.loads(json.dumps(metadata(**fields).to_dict()))
    assert told["fetched_at"] == "2024-03-01T12:30:00+00:00"
    assert {name: told[name] for name in fields} == fields
    assert TableMetadata(**told) == metadata(**fields)
