"""Funnels of random events equal the plain reference."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from mixpanel_data.reports import Exclusion, Step, linked
from mixpanel_data.reports.results import FunnelStep
from tests.support.effort import some

from . import plain
from .conftest import Make
from .reference_funnel import Funnel, funnel

pytestmark = [pytest.mark.slow, pytest.mark.every_value]

HOURS = timedelta(hours=1)
STEPS: dict[str, list[Any]] = {
    "distinct": ["A", "B", "C"],
    "repeated": ["A", "A", "B"],
    "any": ["A", Step(None), ["C", "D"]],
    "filtered": ["A", Step("B", where='properties["q"] != "x"'), "C"],
}
CASES: list[dict[str, Any]] = [
    {},
    {"count": "totals"},
    {"count": "sessions"},
    {"reentry": "optimized"},
    {"exclusions": [("D", 1, 3)]},
    {"exclusions": [("D", 2, 3), ("A", 1, 2)], "count": "totals"},
    {"holding_constant": ["p"]},
    {"holding_constant": ["p", "q"], "count": "totals"},
    {"on": "p"},
    {"on": "p", "attribution": "last", "count": "totals"},
    {"on": "p", "attribution": 2, "count": "sessions"},
    {"on": "p", "reentry": "optimized", "attribution": 1},
    {"on": "p", "holding_constant": ["p"]},
    {"on": "p", "exclusions": [("D", 1, 3)], "holding_constant": ["q"], "attribution": 3},
    {"where": ("p", "x")},
    {"where": ("p", "y"), "attribution": 2, "count": "totals"},
    {"where": ("p", "x"), "on": "q", "attribution": "last"},
    {"unit": "day"},
    {"unit": "week", "count": "totals", "on": "p"},
    {"order": "any"},
    {"order": "any", "anchored": (1,), "count": "totals"},
    {"order": "any", "anchored": (3,), "on": "p"},
]


def _test(step: Any) -> plain.Match:
    if isinstance(step, Step):
        name = plain.named(*([step.event] if isinstance(step.event, str) else ()))
        return lambda event: (
            name(event) and (step.where is None or event.properties.get("q", 0) != "x")
        )
    return plain.named(*([step] if isinstance(step, str) else step))


def _line(steps: list[FunnelStep]) -> list[tuple[int, Any, Any]]:
    return [(step.count, _round(step.avg_time), _round(step.avg_time_from_start)) for step in steps]


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _groups(case: dict[str, Any], kind: str) -> list[list[int]]:
    if case.get("order") != "any":
        return [[0], [1], [2]]
    groups = {(): [[0, 1, 2]], (1,): [[0], [1, 2]], (3,): [[0, 1], [2]]}
    # Of the steps that an event fits, it is the most special one's.
    special = {"any": [0, 2, 1], "filtered": [1, 0, 2]}.get(kind, [0, 1, 2])
    return [sorted(group, key=special.index) for group in groups[case.get("anchored", ())]]


def _steps(kind: str, case: dict[str, Any]) -> list[Any]:
    anchored = case.get("anchored", ())
    return [
        Step(step, anchored=True) if number in anchored and not isinstance(step, Step) else step
        for number, step in enumerate(STEPS[kind], 1)
    ]


def _asked(case: dict[str, Any]) -> dict[str, Any]:
    """Return the case as the arguments of a call."""
    asked = {key: value for key, value in case.items() if key not in ("anchored", "where")}
    asked["exclusions"] = [
        Exclusion(name, after_step=after, before_step=before)
        for name, after, before in case.get("exclusions", ())
    ]
    asked["steps"] = [Step(s) if isinstance(s, list) else s for s in asked["steps"]]
    if "where" in case:
        key, value = case["where"]
        asked["where"] = f'properties["{key}"] == "{value}"'
    return asked


@pytest.mark.parametrize("zone", some([*plain.ZONES], 4))
@pytest.mark.parametrize("kind", STEPS)
@pytest.mark.parametrize("seed", range(2))
def test_every_kind_of_funnel_equals_the_reference(
    make: Make, zone: str, kind: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Every second table has users who count as frequent, whose attempts are found in another way.
    monkeypatch.setattr(linked, "MANY", [1024, 2][seed % 2])
    events = plain.events(hash_of(zone, kind, seed), zone, count=80, users=6)
    reports = make([event.row for event in plain.shuffled(events, seed)], timezone=zone)
    first = plain.ZONES[zone]
    last = first + timedelta(days=3)
    window = [30 * HOURS, timedelta(seconds=1800)][seed]
    for case in CASES[hash_of(zone, kind, seed) % 11 :: 11]:
        steps = _steps(kind, case)
        ends = case.get("exclusions", ())
        expected = funnel(
            events,
            Funnel(
                steps=[_test(step) for step in STEPS[kind]],
                zone=zone,
                first=first,
                last=last,
                window=window,
                count=case.get("count", "uniques"),
                groups=_groups(case, kind),
                exclusions=[(plain.named(n), after, before) for n, after, before in ends],
                holding=case.get("holding_constant", ()),
                reentry=case.get("reentry", "default"),
                on=case.get("on"),
                attribution=case.get("attribution", "first"),
                unit=case.get("unit"),
                where=case.get("where"),
            ),
        )
        result = reports.funnel(
            from_date=first, to_date=last, window=window, **_asked({**case, "steps": steps})
        )
        assert _found(result, case) == _known(expected), (case, result.sql)


def hash_of(*parts: Any) -> int:
    """Return a number that is the same in every run."""
    return sum(ord(char) * (place + 1) for place, char in enumerate(repr(parts)))


def _known(expected: dict[Any, Any]) -> dict[Any, Any]:
    return {
        key: [(count, _round(a), _round(b)) for count, a, b in line]
        for key, line in expected.items()
        if line[0][0]
    }


def _found(result: Any, case: dict[str, Any]) -> dict[Any, Any]:
    if "unit" in case and "on" in case:
        lines = {
            (date, name): steps
            for date, segments in result.trend_segments.items()
            for name, steps in segments.items()
        }
    elif "unit" in case:
        lines = {(date, None): steps for date, steps in result.trend.items()}
    elif "on" in case:
        lines = {(None, name): steps for name, steps in result.segments.items()}
    else:
        lines = {(None, None): result.steps}
    return {key: _line(steps) for key, steps in lines.items() if steps[0].count}
