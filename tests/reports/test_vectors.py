"""Worked examples: events, a question, and the answer that the documentation gives."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from mixpanel_data import StorageEngine
from mixpanel_data.reports import Exclusion, Reports, Step

from .conftest import Make

pytestmark = [pytest.mark.slow, pytest.mark.every_variant]

VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text(encoding="utf-8"))

Answer = Callable[[StorageEngine, Reports, dict[str, Any], dict[str, Any]], Any]


def _segmentation(
    storage: StorageEngine, reports: Reports, asked: dict[str, Any], expected: dict[str, Any]
) -> Any:
    total = asked.pop("mode", None) == "total"
    if total:
        asked["unit"] = "total"
    result = reports.segmentation(**asked)
    return {
        "values": {
            segment: next(iter(points.values())) if total else points
            for segment, points in result.series.items()
        }
    }


def _funnel(
    storage: StorageEngine, reports: Reports, asked: dict[str, Any], expected: dict[str, Any]
) -> Any:
    steps = [Step(**step) if isinstance(step, dict) else step for step in asked.pop("steps")]
    ends = [
        Exclusion(**end) if isinstance(end, dict) else end for end in asked.pop("exclusions", [])
    ]
    if "window" in asked:
        asked["window"] = timedelta(seconds=asked["window"])
    result = reports.funnel(steps, exclusions=ends, **asked)
    found = {
        "counts": [step.count for step in result.steps],
        "avg_time": [step.avg_time for step in result.steps],
        "avg_time_from_start": [step.avg_time_from_start for step in result.steps],
        "segments": {
            name: [step.count for step in steps] for name, steps in result.segments.items()
        },
    }
    return {key: found[key] for key in expected}


def _retention(
    storage: StorageEngine, reports: Reports, asked: dict[str, Any], expected: dict[str, Any]
) -> Any:
    cohorts = reports.retention(**asked).cohorts
    return {
        "cohorts": {
            cohort.date: {"first": cohort.size, "counts": list(cohort.counts)} for cohort in cohorts
        }
    }


def _average(
    storage: StorageEngine, reports: Reports, asked: dict[str, Any], expected: dict[str, Any]
) -> Any:
    result = reports.retention(
        born_event="A",
        return_event="B",
        from_date="2025-03-01",
        to_date="2025-03-02",
        interval_count=0,
    )
    assert [cohort.size for cohort in result.cohorts] == asked["sizes"]
    return {"average": result.average[0]}


def _frequency(
    storage: StorageEngine, reports: Reports, asked: dict[str, Any], expected: dict[str, Any]
) -> Any:
    return {"data": reports.frequency(**asked).data}


def _sessions(
    storage: StorageEngine, reports: Reports, asked: dict[str, Any], expected: dict[str, Any]
) -> Any:
    kind = asked.pop("session", "timeout")
    options: dict[str, Any] = {}
    if kind == "event":
        options = {"start_event": asked["session_start"], "end_event": asked["session_end"]}
    elif kind == "property":
        options = {"session_property": asked["session_property"]}
    rows = storage.execute_rows(reports.session_rows(**options))
    return {
        "sessions": [
            [user, first.isoformat(), last.isoformat(), seconds, events]
            for user, first, last, seconds, events in rows
        ]
    }


def _identity(
    storage: StorageEngine, reports: Reports, asked: dict[str, Any], expected: dict[str, Any]
) -> Any:
    people: dict[str, list[str]] = {}
    for distinct_id, person in storage.execute_rows(reports.identity_mappings()):
        people.setdefault(person, []).append(distinct_id)
    assert reports.identity is not None
    assert reports.identity.people == len(people)
    return {"people": sorted(sorted(ids) for ids in people.values())}


def _expression(
    storage: StorageEngine, reports: Reports, asked: dict[str, Any], expected: dict[str, Any]
) -> Any:
    day: dict[str, Any] = {"from_date": "2025-03-10", "to_date": "2025-03-10"}
    passed = reports.segmentation("e", **day, where=asked["expression"], unit="total").total
    (segment,) = reports.segmentation("e", **day, on=asked["expression"]).series
    assert passed == (1 if segment == "true" else 0)
    value = {"true": True, "false": False}.get(segment, segment)
    return {"value": value}


ANSWERS: dict[str, Answer] = {
    "segmentation": _segmentation,
    "funnel": _funnel,
    "retention": _retention,
    "retention_average": _average,
    "frequency": _frequency,
    "sessions": _sessions,
    "identity": _identity,
    "expression": _expression,
}


def _born_and_returned(sizes: list[int], counts: list[int]) -> list[list[Any]]:
    """Return events of two days' cohorts, of which so many users return within a day."""
    rows = []
    for day, (size, returned) in enumerate(zip(sizes, counts), 1):
        born = datetime(2025, 3, day, 12, tzinfo=timezone.utc)
        for n in range(size):
            rows.append([f"{day}-{n}", "A", born])
            if n < returned:
                rows.append([f"{day}-{n}", "B", born + timedelta(hours=1)])
    return rows


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["id"] for vector in VECTORS])
def test_the_answer_is_the_documented_one(
    make: Make, shared: StorageEngine, vector: dict[str, Any]
) -> None:
    asked, events, report = dict(vector["parameters"]), vector["events"], vector["report"]
    options: dict[str, Any] = {
        key: asked.pop(key) for key in ("timezone", "excluded_events") if key in asked
    }
    if report == "identity":
        options["identity"] = asked.pop("rules")
    if report == "retention_average":
        events, options["as_of"] = _born_and_returned(**asked), datetime(2025, 3, 9)
    reports = make(events, **options)

    answer = ANSWERS[report](shared, reports, asked, vector["expected"])

    assert answer == vector["expected"]
