"""Sessions and flows of random events equal the plain reference."""

from __future__ import annotations

import statistics
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mixpanel_data import StorageEngine

from . import plain
from . import reference_sessions as reference
from .conftest import Make

pytestmark = [pytest.mark.slow, pytest.mark.every_value]


def _row(session: reference.Session) -> tuple[Any, ...]:
    return session.row


@pytest.mark.parametrize("zone", plain.ZONES)
@pytest.mark.parametrize("seed", range(3))
def test_sessions_equal_the_reference(
    make: Make, shared: StorageEngine, zone: str, seed: int
) -> None:
    events = plain.events(seed, zone, days=3, count=120, users=5, step=[1, 3, 1][seed])
    reports = make([event.row for event in plain.shuffled(events, seed)], timezone=zone)
    minutes = timedelta(minutes=[30, 10, 45][seed])
    kinds: list[tuple[dict[str, Any], list[reference.Session]]] = [
        ({"timeout": minutes}, reference.by_timeout(events, zone, minutes)),
        (
            {"start_event": ["A"], "end_event": ["B", "C"]},
            reference.by_events(events, zone, plain.named("A"), plain.named("B", "C")),
        ),
    ]
    for options, sessions in kinds:
        rows = shared.execute_rows(reports.session_rows(**options))
        assert sorted(map(str, rows)) == sorted(str(session.row) for session in sessions), options

    first = plain.ZONES[zone]
    sessions = kinds[0][1]
    result = reports.sessions(from_date=first, to_date=first + timedelta(days=1), timeout=minutes)
    for point in result.points:
        mine = [s for s in sessions if plain.day(s.events[0], zone).isoformat() == point.date]
        seconds = [s.row[3] for s in mine] or [0.0]
        assert (point.sessions, point.users) == (len(mine), len({s.user for s in mine}))
        assert point.events == sum(len(s.events) for s in mine)
        assert point.average_duration == pytest.approx(statistics.fmean(seconds))
        assert point.median_duration == pytest.approx(statistics.median(seconds))


@pytest.mark.parametrize("zone", plain.ZONES)
def test_sessions_of_a_property_and_those_with_an_event(
    make: Make, shared: StorageEngine, zone: str
) -> None:
    events = [
        replace(event, properties={"sid": f"s{event.number % 3}"} if event.number % 5 else {})
        for event in plain.events(8, zone, days=3)
    ]
    reports = make([event.row for event in events], timezone=zone)

    by_property = shared.execute_rows(reports.session_rows(session_property="sid"))
    with_a = shared.execute_rows(reports.session_rows(where='event["$event_name"] == "A"'))
    first = plain.ZONES[zone]
    counted = reports.segmentation(
        "A", measure="sessions", from_date=first, to_date=first + timedelta(days=1)
    )

    expected = reference.by_property(events, zone, "sid")
    assert sorted(map(str, by_property)) == sorted(str(session.row) for session in expected)
    hit = [s for s in reference.by_timeout(events, zone) if any(e.name == "A" for e in s.events)]
    assert sorted(map(str, with_a)) == sorted(str(session.row) for session in hit)
    days = [plain.day(s.events[0], zone).isoformat() for s in hit]
    assert counted.series["A"] == {label: days.count(label) for label in counted.series["A"]}


@pytest.mark.parametrize("zone", list(plain.ZONES)[::2])
@pytest.mark.parametrize(
    "case",
    [
        {"forward": 3},
        {"forward": 2, "count": "totals"},
        {"forward": 1, "reverse": 2, "count": "sessions"},
        {"forward": 0, "reverse": 2, "count": "totals", "hidden_events": ("C",)},
        {"forward": 3, "reverse": 1, "collapse_repeated": True},
    ],
)
def test_flows_equal_the_reference(
    make: Make, shared: StorageEngine, zone: str, case: dict[str, Any]
) -> None:
    events = plain.events(len(str(case)), zone, days=4, step=5)
    reports = make([event.row for event in plain.shuffled(events, 3)], timezone=zone)
    first, window = plain.ZONES[zone], timedelta(hours=30)
    last = first + timedelta(days=1)

    result = reports.flows("A", from_date=first, to_date=last, window=window, **case)

    expected = reference.flows(
        events, plain.named("A"), zone, first, last, case.get("forward", 3),
        case.get("reverse", 0), case.get("count", "uniques"), window,
        case.get("hidden_events", ()), case.get("collapse_repeated", False),
    )  # fmt: skip
    rows = {row[:3]: row[3] for row in shared.execute_rows(result.statement)}
    assert rows == dict(expected)
    if case.get("forward"):
        out = [edge.count for edge in result.edges if edge.source_step == 0]
        assert sum(out) == result.paths
