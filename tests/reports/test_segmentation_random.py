"""Segmentation and frequency of random events equal the plain reference."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from . import plain
from . import reference_segmentation as reference
from .conftest import Make

pytestmark = pytest.mark.slow

CASES: list[dict[str, Any]] = [
    {"measure": "total"},
    {"measure": "unique"},
    {"measure": "average"},
    {"measure": "unique", "unit": "hour"},
    {"measure": "total", "unit": "week"},
    {"measure": "unique", "unit": "month"},
    {"measure": "total", "on": "p"},
    {"measure": "unique", "on": "p"},
    {"measure": "average", "on": "p"},
    {"measure": "unique", "first_time": True},
    {"measure": "sum", "of": "p", "unit": "week"},
    {"measure": "average", "of": "p"},
    {"measure": "min", "of": "p"},
    {"measure": "median", "of": "p", "unit": "month"},
    {"measure": "p90", "of": "p"},
    {"measure": "distinct", "of": "p"},
    {"measure": "max", "of": "p", "on": "q"},
    {"measure": "distinct", "of": "p", "on": "q"},
    {"measure": "average", "of": "p", "per_user": "sum"},
    {"measure": "median", "of": "p", "per_user": "distinct", "on": "q"},
]


@pytest.mark.parametrize("zone", plain.ZONES)
@pytest.mark.parametrize("seed", range(4))
def test_every_measure_equals_the_reference(make: Make, zone: str, seed: int) -> None:
    events = plain.events(seed, zone, step=10)
    reports = make([event.row for event in plain.shuffled(events, seed)], timezone=zone)
    first = plain.ZONES[zone] + timedelta(days=seed % 2)
    last = first + timedelta(days=4 + 3 * (seed % 2))
    names = [("A",), (), ("A", "B"), ("A",)][seed]
    for case in CASES[seed::4]:
        asked = {"unit": "day", **case}
        if len(names) > 1 and "on" not in asked:
            continue
        expected, total = reference.series(events, names, zone, first, last, **asked)

        result = reports.segmentation(list(names) or None, from_date=first, to_date=last, **asked)

        assert _nonzero(result.series, "on" in asked) == _nonzero(expected, "on" in asked), case
        if "on" not in asked:
            assert result.total == pytest.approx(total), case


def _nonzero(series: Any, named: bool) -> Any:
    lines = {
        name if named else "": {label: round(value, 6) for label, value in line.items() if value}
        for name, line in series.items()
    }
    return {name: line for name, line in lines.items() if line}


@pytest.mark.parametrize("zone", plain.ZONES)
@pytest.mark.parametrize("unit", ["day", "week", "month"])
def test_active_users_equal_the_reference(make: Make, zone: str, unit: Any) -> None:
    events = plain.events(11, zone, days=45, count=200, step=600)
    reports = make([event.row for event in events], timezone=zone)
    first, last = plain.ZONES[zone] + timedelta(days=9), plain.ZONES[zone] + timedelta(days=30)
    matching = [event for event in events if event.name == "A"]
    measures: list[tuple[Any, int]] = [("dau", 1), ("wau", 7), ("mau", 30)]
    for measure, days in measures:
        result = reports.segmentation(
            "A",
            from_date=first,
            to_date=last,
            unit=unit,
            measure=measure,
        )
        expected = reference.active(matching, zone, days, first, last, unit)
        assert result.series == {"A": expected}
        assert result.total == list(expected.values())[-1]


@pytest.mark.parametrize("zone", plain.ZONES)
@pytest.mark.parametrize("seed", range(2))
def test_frequency_equals_the_reference(make: Make, zone: str, seed: int) -> None:
    events = plain.events(seed, zone, days=12, step=600)
    reports = make([event.row for event in events], timezone=zone)
    first = plain.ZONES[zone]
    last = first + timedelta(days=10)
    asked: list[tuple[Any, Any]] = [("day", "hour"), ("week", "day")]
    asked += [("month", "day"), ("week", "hour")]
    for unit, part in asked:
        expected = reference.frequency(
            events, plain.named(), zone, first, last, unit, part == "hour"
        )
        result = reports.frequency(
            from_date=first,
            to_date=last,
            unit=unit,
            addiction_unit=part,
            counting="exactly",
        )
        found = {
            label: {k: users for k, users in enumerate(line, 1) if users}
            for label, line in result.data.items()
        }
        assert {label: line for label, line in found.items() if line} == expected
