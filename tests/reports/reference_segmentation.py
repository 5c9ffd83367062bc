"""What segmentation and frequency should answer, in plain Python."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from . import plain
from .plain import Event, Match

Series = dict[str, dict[str, float]]


def quantile(values: list[float], share: float) -> float:
    """Return a quantile with linear interpolation."""
    ordered, place = sorted(values), share * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def aggregate(values: list[Any], how: str) -> float:
    """Return one number for several values."""
    if how == "distinct":
        return len(set(values))
    if not values:
        return 0.0
    if how.startswith("p"):
        return quantile(values, int(how[1:]) / 100)
    functions: dict[str, Any] = {
        "sum": sum, "min": min, "max": max, "average": statistics.fmean,
        "median": statistics.median,
    }  # fmt: skip
    return float(functions[how](values))


def number(event: Event, key: str) -> float | None:
    """Return a JSON number."""
    value = event.properties.get(key)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def key_of(event: Event, name: str) -> tuple[Any, ...] | None:
    """Return what two equal values share; None where there is none."""
    value = event.properties.get(name)
    if value is None:
        return None
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, (int, float)):
        return ("number", float(value))
    return (type(value).__name__, str(value))


def measured(
    events: list[Event], measure: str, of: str | None = None, per_user: str | None = None
) -> float:
    """Return a measure of events."""
    owned = [event for event in events if event.user]
    users = {event.user for event in owned}
    if measure == "total":
        return len(events)
    if measure == "unique":
        return len(users)
    if of is None:
        return len(owned) / len(users) if users else 0.0
    if per_user is not None:
        known = [e for e in owned if _value(e, of, per_user) is not None]
        users = {event.user for event in known}
        values = [measured([e for e in known if e.user == u], per_user, of) for u in users]
        return aggregate(values, measure)
    found = [_value(event, of, measure) for event in events]
    return aggregate([value for value in found if value is not None], measure)


def _value(event: Event, of: str, how: str) -> Any:
    return key_of(event, of) if how == "distinct" else number(event, of)


def active(
    events: Iterable[Event], zone: str, days: int, first: date, last: date, unit: str
) -> dict[str, float]:
    """Return the users of the days up to the last day of each interval."""
    line: dict[str, float] = {}
    for label in plain.labels(first, last, unit):
        inside = [
            d for d in plain.days_between(first, last) if plain.bucket(d, unit).isoformat() == label
        ]
        end = inside[-1]
        begin = end - timedelta(days=days - 1)
        line[label] = len({e.user for e in events if e.user and begin <= plain.day(e, zone) <= end})
    return line


def series(
    events: list[Event],
    names: tuple[str, ...],
    zone: str,
    first: date,
    last: date,
    *,
    unit: str,
    measure: str,
    of: str | None = None,
    per_user: str | None = None,
    on: str | None = None,
    first_time: bool = False,
) -> tuple[Series, float]:
    """Return the measure of each segment and interval that has events, and of all events."""
    match = plain.named(*names)
    hits = [event for event in events if match(event)]
    if first_time:
        ever: dict[str, datetime] = {}
        for event in hits:
            if event.user:
                ever[event.user] = min(ever.get(event.user, event.time), event.time)
        hits = [event for event in hits if event.user and event.time == ever.get(event.user)]
    hits = [event for event in hits if first <= plain.day(event, zone) <= last]
    groups: defaultdict[tuple[str, str], list[Event]] = defaultdict(list)
    for event in hits:
        where = plain.bucket(plain.day(event, zone), unit).isoformat()
        if unit == "hour":
            where = f"{plain.local(event.time, zone):%Y-%m-%d %H:00:00}"
        for segment in plain.segments(event, on) if on else [""]:
            groups[segment, where].append(event)
    result: Series = {} if on else {"": {}}
    for (segment, label), inside in sorted(groups.items()):
        result.setdefault(segment, {})[label] = measured(inside, measure, of, per_user)
    return result, measured(hits, measure, of, per_user)


def frequency(
    events: list[Event], match: Match, zone: str, first: date, last: date, unit: str, hours: bool
) -> dict[str, dict[int, int]]:
    """Return for each unit how many users were active in how many hours or days."""
    seen: defaultdict[tuple[str, str], set[Any]] = defaultdict(set)
    for event in events:
        if event.user and match(event) and first <= plain.day(event, zone) <= last:
            clock = plain.local(event.time, zone)
            part = (clock.date(), clock.hour) if hours else clock.date()
            seen[plain.bucket(clock.date(), unit).isoformat(), event.user].add(part)
    result: dict[str, dict[int, int]] = {}
    for (label, _), parts in seen.items():
        line = result.setdefault(label, {})
        line[len(parts)] = line.get(len(parts), 0) + 1
    return result
