"""From the rows of a funnel to its steps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from mixpanel_data.reports.funnel_question import Question
from mixpanel_data.reports.results.base import mean
from mixpanel_data.reports.results.funnels import FunnelStep, Steps
from mixpanel_data.reports.source import OTHER
from mixpanel_data.reports.times import label_of

Key = tuple[str | None, str | None]


def lines(rows: Iterable[Sequence[Any]], question: Question) -> dict[Key, Steps]:
    """Return the steps of each (interval, segment), None for what was not asked.

    Every interval of the range is there. Segments are in the order of their entries, the largest
    first, equal ones by name, ``$other`` last.
    """
    found: dict[Key, dict[int, Sequence[Any]]] = {}
    for row in rows:
        key = list(row[:-4])
        date = label_of(key.pop(0)) if question.unit is not None else None
        segment = key.pop(0) if question.on is not None else None
        found.setdefault((date, segment), {})[row[-4]] = row[-3:]
    if question.unit is not None:
        segments = dict.fromkeys(segment for _, segment in found) or {None: None}
        for label in question.period.labels(question.unit):
            for segment in segments if question.on is None or found else ():
                found.setdefault((label, segment), {})
    if not found and question.on is None:
        found[None, None] = {}
    made = {key: _steps(counts, question) for key, counts in found.items()}
    return dict(sorted(made.items(), key=_place))


def _place(item: tuple[Key, Steps]) -> tuple[Any, ...]:
    (date, segment), steps = item
    return (date or "", segment == OTHER, -steps[0].count, segment or "")


def _steps(counts: dict[int, Sequence[Any]], question: Question) -> Steps:
    steps: Steps = []
    for number, asked in enumerate(question.steps, 1):
        count, time, from_start = counts.get(number, (0, None, None))
        before = steps[-1].count if steps else count
        rate = 1.0 if not steps else mean(count, before)
        entered = steps[0].count if steps else count
        steps.append(
            FunnelStep(
                event=asked.name,
                count=count,
                conversion_rate=rate,
                step_conv_ratio=rate,
                overall_conv_ratio=1.0 if not steps else mean(count, entered),
                avg_time=time,
                avg_time_from_start=from_start,
            )
        )
    return steps
