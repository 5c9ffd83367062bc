"""From the points of a segmentation to its series: no interval missing, averages, running sums."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

from mixpanel_data.reports.segmentation import Question
from mixpanel_data.reports.source import ALL_EVENTS, OTHER, names_of
from mixpanel_data.reports.times import bucket_after, label_of

Number = int | float
Series = dict[str, dict[str, Number]]

_COUNTS = ("total", "unique", "sessions", "dau", "wau", "mau", "distinct")


def series(
    rows: Iterable[Sequence[Any]], question: Question, *, cumulative: bool
) -> tuple[Series, Number]:
    """Return ``{segment: {label: value}}`` and the measure over the whole range.

    Segments are in the order of their values, the largest first, equal ones by name, ``$other``
    last. Every interval of the range is there.

    Raises:
        ValueError: *cumulative* and a rolling average at once.
    """
    if cumulative and question.rolling is not None:
        raise ValueError("A series is cumulative or a rolling average, not both.")
    zero: Number = 0 if question.measure in _COUNTS and question.per_user is None else 0.0
    found, total = _collect(rows, question, zero)
    reading = question.labels(question.reading)
    wanted = question.labels(question.period)
    result: Series = {}
    for segment in _segments(found, question):
        points = found.get(segment, {})
        values = _days(points, question) if question.active else points
        line = [values.get(label, zero) for label in reading]
        if question.rolling is not None:
            line = _rolling(line, question.rolling, len(wanted))
        elif cumulative:
            line = _running(line)
        result[segment] = dict(zip(wanted, line[len(line) - len(wanted) :]))
    if question.active and total is None:
        total = sum(points[wanted[-1]] for points in result.values()) if result else zero
    return result, zero if total is None else total


def name_of(question: Question) -> str:
    """Return the name of the question's events."""
    names = names_of(question.event)
    return ALL_EVENTS if names is None else ", ".join(names)


def _collect(
    rows: Iterable[Sequence[Any]], question: Question, zero: Number
) -> tuple[Series, Number | None]:
    found: Series = {}
    total: Number | None = None
    for bucket, *segment, value in rows:
        number = zero if value is None else type(zero)(value)
        if bucket is None:
            total = number
        else:
            name = segment[0] if segment else name_of(question)
            found.setdefault(name, {})[label_of(bucket)] = number
    return found, total


def _segments(found: Series, question: Question) -> list[str]:
    names = names_of(question.event)
    if question.on is None:
        expected = [name_of(question)] if names is None or len(names) == 1 else list(names)
        missing = [name for name in expected if name not in found] if OTHER not in found else []
        found = {**found, **{name: {} for name in missing}}
    weight = {name: sum(points.values()) for name, points in found.items()}
    return sorted(found, key=lambda name: (name == OTHER, -weight[name], name))


def _days(points: dict[str, Number], question: Question) -> dict[str, Number]:
    """Return the active users at the last day of each interval, known by its label."""
    last, value = question.period.last, 0
    by_day: dict[str, Number] = {}
    changes = sorted(points)
    day = date.fromisoformat(changes[0]) if changes else last
    while day <= last:
        value = points.get(day.isoformat(), value)  # type: ignore[assignment]
        by_day[day.isoformat()] = value
        day += timedelta(days=1)
    if question.unit == "total":
        return {question.period.first.isoformat(): by_day.get(last.isoformat(), 0)}
    result = {}
    for label in question.labels(question.reading):
        end = bucket_after(date.fromisoformat(label), question.unit) - timedelta(days=1)
        result[label] = by_day.get(min(end, last).isoformat(), 0)
    return result


def _rolling(line: list[Number], width: int, wanted: int) -> list[Number]:
    ends = range(len(line) - wanted, len(line))
    return [sum(line[max(end - width + 1, 0) : end + 1]) / width for end in ends]


def _running(line: list[Number]) -> list[Number]:
    total: Number = 0
    sums = []
    for value in line:
        total += value
        sums.append(total)
    return sums
