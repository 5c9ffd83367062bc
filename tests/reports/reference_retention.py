"""What retention should answer, in plain Python."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta

from . import plain
from .plain import Event, Match

DAYS = {"day": 1, "week": 7, "month": 30}


@dataclass(frozen=True)
class Retention:
    """A retention as the reference takes it."""

    born: Match
    back: Match
    zone: str
    first: date
    last: date
    unit: str = "day"
    edges: tuple[int, ...] = tuple(range(1, 12))
    kind: str = "birth"
    counting: str = "on"
    calendar: bool = False
    on: str | None = None


def retention(
    events: list[Event], asked: Retention
) -> dict[tuple[str, str], tuple[int, list[int]]]:
    """Return by (cohort, segment) its size and the users of each bucket."""
    born = asked.back if asked.kind == "compounded" else asked.born
    mine: defaultdict[str, list[Event]] = defaultdict(list)
    for event in sorted(events, key=lambda e: (e.time, e.number)):
        if event.user:
            mine[event.user].append(event)
    found: dict[tuple[str, str], tuple[int, list[int]]] = {}
    for theirs in mine.values():
        births: dict[str, Event] = {}
        for event in theirs:
            if born(event) and asked.first <= plain.day(event, asked.zone) <= asked.last:
                label = plain.bucket(plain.day(event, asked.zone), asked.unit).isoformat()
                if asked.kind != "birth" or not births:
                    births.setdefault(label, event)
        for label, birth in births.items():
            buckets = {
                bucket(birth, event, asked)
                for event in theirs
                if event is not birth and asked.back(event) and event.time >= birth.time
            }
            if asked.counting == "streak" and asked.back(birth):
                buckets.add(0)
            for segment in plain.segments(birth, asked.on) if asked.on else [""]:
                size, counts = found.get((label, segment), (0, [0] * len(asked.edges)))
                counts = [
                    count + counted(buckets, number, asked.counting)
                    for number, count in enumerate(counts)
                ]
                found[label, segment] = (size + 1, counts)
    return found


def bucket(birth: Event, event: Event, asked: Retention) -> int:
    """Return the bucket of a return; one past the last for what is later."""
    if asked.calendar:
        start, end = plain.day(birth, asked.zone), plain.day(event, asked.zone)
        if asked.unit == "month":
            units = (end.year - start.year) * 12 + end.month - start.month
        else:
            between = plain.bucket(end, asked.unit) - plain.bucket(start, asked.unit)
            units = between.days // DAYS[asked.unit]
    else:
        units = (event.time - birth.time) // timedelta(days=DAYS[asked.unit])
    return next((n for n, edge in enumerate(asked.edges) if units < edge), len(asked.edges))


def counted(buckets: set[int], number: int, counting: str) -> bool:
    """Return whether a user with returns in some buckets counts in one."""
    if counting == "on":
        return number in buckets
    if counting == "on_or_after":
        return any(bucket >= number for bucket in buckets)
    if counting == "on_or_before":
        return any(bucket <= number for bucket in buckets)
    return set(range(number + 1)) <= buckets
