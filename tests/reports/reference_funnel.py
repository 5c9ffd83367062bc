"""What funnels should answer, in plain Python: one key at a time, event by event."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from . import plain
from .plain import Event, Match
from .reference_sessions import by_timeout

GRACE = timedelta(seconds=2)


@dataclass(frozen=True)
class Funnel:
    """A funnel as the reference takes it; exclusions are (match, after_step, before_step)."""

    steps: Sequence[Match]
    zone: str
    first: date
    last: date
    window: timedelta
    count: str = "uniques"
    groups: Sequence[Sequence[int]] = ()
    exclusions: Sequence[tuple[Match, int, int]] = ()
    holding: Sequence[str] = ()
    reentry: str = "default"
    on: str | None = None
    attribution: Any = "first"
    unit: str | None = None
    where: tuple[str, str] | None = None


@dataclass
class Attempt:
    """One attempt: the events of its steps, and when it was left."""

    entry: Event
    reached: list[Event | None]
    left: datetime
    key: Any = None
    done: list[datetime] = field(default_factory=list)


def held(event: Event, names: Sequence[str]) -> tuple[Any, ...] | None:
    """Return the held values as what equal ones share; None where one is not set."""
    values = []
    for name in names:
        value = event.properties.get(name)
        if value is None:
            return None
        kind = "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else ""
        values.append((kind or type(value).__name__, str(float(value)) if kind else str(value)))
    return tuple(values)


def attempt(events: list[Event], entry: Event, asked: Funnel) -> Attempt:
    """Return the attempt that *entry* begins; *events* are all of the key, in order."""
    sessions = asked.count == "sessions"
    end = datetime.max if sessions else entry.time + asked.window
    values = held(entry, asked.holding)
    inside = [e for e in events if e.time <= end]
    mine = [e for e in inside if held(e, asked.holding) == values]
    reached: list[Event | None] = [None] * len(asked.steps)
    used: list[Event] = []
    before, group_start = entry.time, True
    for group in asked.groups or [[n] for n in range(len(asked.steps))]:
        for step in group:
            if group_start and len(group) == 1:
                found: Event | None = entry
            else:
                grace = timedelta(0) if group_start else GRACE
                fits = [
                    e for e in mine
                    if asked.steps[step](e) and e.time >= before - grace and e not in used
                ]  # fmt: skip
                found = min(fits, key=lambda e: (e.time, e.number), default=None)
            ends = [
                e.time
                for match, after, until in asked.exclusions
                if after <= step < until
                for e in inside
                if match(e) and e.time > before + GRACE
            ]
            if ends and (found is None or min(ends) < found.time - GRACE):
                return Attempt(entry, reached, min(ends))
            if found is not None:
                reached[step] = found
                used.append(found)
        times = [event.time for n in group if (event := reached[n]) is not None]
        if len(times) < len(group):
            return Attempt(entry, reached, end)
        before, group_start = max(times), False
    return Attempt(entry, reached, max(e.time for e in reached if e is not None))


def attempts(events: list[Event], asked: Funnel) -> list[Attempt]:
    """Return the attempts of one key's events."""
    first = (asked.groups or [[0]])[0]
    entries = [
        e
        for e in events
        if any(asked.steps[step](e) for step in first)
        and held(e, asked.holding) is not None
        and asked.first <= plain.day(e, asked.zone) <= asked.last
    ]
    # Of one instant, the event of the least number stands for all.
    entries = [e for n, e in enumerate(entries) if n == 0 or entries[n - 1].time != e.time]
    if asked.reentry == "optimized":
        return [attempt(events, entry, asked) for entry in entries]
    found: list[Attempt] = []
    once = asked.count == "sessions" or (asked.count == "uniques" and asked.on is None)
    for entry in entries:
        if not found or (not once and entry.time > found[-1].left):
            found.append(attempt(events, entry, asked))
    return found


def attributed(one: Attempt, how: Any, key: str) -> str:
    """Return the segment of an attempt."""
    if isinstance(how, int):
        event = one.reached[how - 1]
        return plain.UNDEFINED if event is None else plain.first_item(event, key)
    events = [event for event in one.reached if event is not None]
    for event in events if how == "first" else reversed(events):
        if (value := plain.first_item(event, key)) != plain.UNDEFINED:
            return value
    return plain.UNDEFINED


def passes(one: Attempt, how: Any, key: str, value: Any) -> bool:
    """Return whether a property has a value, at the step or at the first or last that has it."""
    if isinstance(how, int):
        event = one.reached[how - 1]
        return event is not None and event.properties.get(key) == value
    known = [e for e in one.reached if e is not None and e.properties.get(key) is not None]
    return bool(known) and known[0 if how == "first" else -1].properties[key] == value


def funnel(events: list[Event], asked: Funnel) -> dict[Any, list[tuple[int, Any, Any]]]:
    """Return by (interval, segment) each step's count, and its mean seconds."""
    lines: defaultdict[Any, list[Attempt]] = defaultdict(list)
    for user, mine in _keys(events, asked).items():
        by_entry: defaultdict[Any, list[Attempt]] = defaultdict(list)
        if asked.unit is None:
            by_entry[None] = attempts(mine, asked)
        else:
            days = {
                plain.bucket(d, asked.unit) for d in plain.days_between(asked.first, asked.last)
            }
            for start in days:
                by_entry[start.isoformat()] = [*_of_interval(mine, asked, start)]
        for label, made in by_entry.items():
            for one in made:
                segment = attributed(one, asked.attribution, asked.on) if asked.on else None
                one.key = (user[0], label, segment)
                lines[label, segment].append(one)
    return {key: _line(_counted(found, asked), asked) for key, found in lines.items()}


def _of_interval(mine: list[Event], asked: Funnel, start: date) -> list[Attempt]:
    days = [d for d in plain.days_between(asked.first, asked.last)
            if plain.bucket(d, str(asked.unit)) == start]  # fmt: skip
    options = {**asked.__dict__, "first": days[0], "last": days[-1], "unit": None}
    return attempts(mine, Funnel(**options))


def _keys(events: list[Event], asked: Funnel) -> dict[Any, list[Event]]:
    found: defaultdict[Any, list[Event]] = defaultdict(list)
    ordered = sorted((e for e in events if e.user), key=lambda e: (e.time, e.number))
    if asked.count == "sessions":
        return {(s.user, s.first): s.events for s in by_timeout(ordered, asked.zone)}
    for event in ordered:
        by_value = asked.on is not None and asked.on in asked.holding
        value = held(event, [str(asked.on)]) if by_value else None
        if not by_value or value is not None:
            found[event.user, value].append(event)
    return found


def _counted(found: list[Attempt], asked: Funnel) -> list[Attempt]:
    """Keep the attempts that count: with uniques one of each user and segment."""
    if asked.count == "uniques":
        best: dict[Any, Attempt] = {}
        for one in found:
            if one.key not in best or _rank(one, asked) < _rank(best[one.key], asked):
                best[one.key] = one
        found = list(best.values())
    if asked.where is None:
        return found
    return [one for one in found if passes(one, asked.attribution, *asked.where)]


def _rank(one: Attempt, asked: Funnel) -> tuple[Any, ...]:
    if asked.reentry == "default":
        return (one.entry.time,)
    times = [e.time for e in one.reached if e is not None]
    start = datetime(1970, 1, 1)
    return (-len(times), max(times), start - one.entry.time)


def _line(found: list[Attempt], asked: Funnel) -> list[tuple[int, Any, Any]]:
    groups = asked.groups or [[n] for n in range(len(asked.steps))]
    for one in found:
        one.done = []
        for group in groups:
            one.done += sorted(e.time for n in group if (e := one.reached[n]) is not None)
    line = []
    for place in range(len(asked.steps)):
        there = [one for one in found if len(one.done) > place]
        before = [max((o.done[place] - o.done[place - 1]).total_seconds(), 0) for o in there]
        start = [max((o.done[place] - o.entry.time).total_seconds(), 0) for o in there]
        means: tuple[float | None, float | None] = (None, None)
        if there and place:
            means = (sum(before) / len(there), sum(start) / len(there))
        line.append((len(there), *means))
    return line
