"""Retention of random events equals the plain reference."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any

import pytest

from mixpanel_data.reports.results import RetentionResult
from tests.support.effort import some

from . import plain
from .conftest import Make
from .reference_retention import Retention, retention

pytestmark = [pytest.mark.slow, pytest.mark.every_value]

# What bears and what returns: the same, a part of it, another, and one with a filter.
EVENTS: dict[str, tuple[list[str], list[str], str | None]] = {
    "same": (["A"], ["A"], None),
    "any": (["A"], [], None),
    "other": (["A"], ["B", "C"], None),
    "some": (["A", "B"], ["B", "C"], None),
    "filtered": (["A"], [], 'properties["q"] != "x"'),
}
CASES: list[dict[str, Any]] = [
    {},
    {"retention_type": "recurring"},
    {"retention_type": "compounded"},
    {"counting": "on_or_after", "retention_type": "recurring"},
    {"counting": "on_or_before"},
    {"counting": "streak", "retention_type": "recurring"},
    {"calendar": True, "retention_type": "recurring"},
    {"calendar": True, "counting": "on_or_after", "unit": "week"},
    {"calendar": True, "counting": "streak", "unit": "month"},
    {"unit": "week", "retention_type": "recurring"},
    {"unit": "month", "counting": "on_or_after"},
    {"interval": 2, "interval_count": 3},
    {"brackets": (1, 3, 4), "counting": "on_or_after"},
    {"brackets": (2, 1), "calendar": True, "retention_type": "recurring"},
    {"on": "p"},
    {"on": "p", "retention_type": "recurring", "counting": "streak"},
]


def _edges(case: dict[str, Any]) -> tuple[int, ...]:
    sizes = case.get("brackets")
    if sizes is None:
        sizes = [case.get("interval", 1)] * (case.get("interval_count", 10) + 1)
    return tuple(accumulate(sizes))


def _found(result: RetentionResult, segmented: bool) -> dict[tuple[str, str], Any]:
    return {
        (cohort.date, segment): (cohort.size, list(cohort.counts))
        for segment, cohorts in (result.segments if segmented else {"": result.cohorts}).items()
        for cohort in cohorts
        if cohort.size
    }


@pytest.mark.parametrize("zone", some([*plain.ZONES], 4))
@pytest.mark.parametrize("kind", EVENTS)
@pytest.mark.parametrize("seed", range(2))
def test_every_kind_of_retention_equals_the_reference(
    make: Make, zone: str, kind: str, seed: int
) -> None:
    born, back, where = EVENTS[kind]
    events = plain.events(len(kind) * 31 + seed, zone, days=40, count=100, users=6, step=900)
    reports = make([event.row for event in plain.shuffled(events, 5)], timezone=zone)
    first = plain.ZONES[zone]
    last = first + timedelta(days=12)
    name = plain.named(*back)

    def returns(event: plain.Event) -> bool:
        return name(event) and (where is None or event.properties.get("q", 0) != "x")

    for case in CASES[(len(zone + kind) * 3 + seed) % 8 :: 8]:
        expected = retention(
            events,
            Retention(
                born=plain.named(*born),
                back=returns,
                zone=zone,
                first=first,
                last=last,
                unit=case.get("unit", "day"),
                edges=_edges(case),
                kind=case.get("retention_type", "birth"),
                counting=case.get("counting", "on"),
                calendar=case.get("calendar", False),
                on=case.get("on"),
            ),
        )
        result = reports.retention(
            born_event=born,
            return_event=back or None,
            return_where=where,
            from_date=first,
            to_date=last,
            **case,
        )
        found = _found(result, "on" in case)
        assert found == expected, (case, result.sql)
        assert len(result.cohorts) == len(plain.labels(first, last, case.get("unit", "day")))


def test_a_bucket_is_complete_when_it_has_ended_for_all_of_the_cohort(make: Make) -> None:
    rows = [("u", "A", "2025-03-01T12:00:00"), ("u", "A", "2025-03-04T23:00:00")]
    asked: dict[str, Any] = {"from_date": "2025-03-01", "to_date": "2025-03-02"}
    asked |= {"born_event": "A", "interval_count": 2}

    reports = make(rows, as_of=datetime(2025, 3, 4, 12))
    rolling = reports.retention(**asked)
    calendar = reports.retention(**asked, calendar=True)

    # The last of 1 March ends its bucket 0 on 2 March, at midnight.
    assert [cohort.complete for cohort in rolling.cohorts] == [
        (True, True, False),
        (True, False, False),
    ]
    assert [cohort.complete for cohort in calendar.cohorts] == [
        (True, True, True),
        (True, True, False),
    ]
    assert rolling.cohorts[0].counts == (0, 0, 0)


def test_events_after_the_end_of_the_data_are_no_returns(make: Make) -> None:
    rows = [("u", "A", "2025-03-01T12:00:00"), ("u", "A", "2025-03-04T12:00:00")]
    asked: dict[str, Any] = {"from_date": "2025-03-01", "to_date": "2025-03-01"}
    asked |= {"born_event": "A", "interval_count": 3}

    without = make(rows, as_of=datetime(2025, 3, 4, 11)).retention(**asked)
    with_it = make(rows).retention(**asked)

    assert without.cohorts[0].counts == (0, 0, 0, 0)
    assert with_it.cohorts[0].counts == (0, 0, 0, 1)
