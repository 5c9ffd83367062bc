"""What sessions and flows should answer, in plain Python."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from . import plain
from .plain import Event, Match


@dataclass
class Session:
    """One session: its events in order, and whether it ended by itself."""

    user: str
    events: list[Event]
    ended: bool = True

    @property
    def first(self) -> datetime:
        """The time of its first event."""
        return self.events[0].time

    @property
    def last(self) -> datetime:
        """The time of its last event."""
        return self.events[-1].time

    @property
    def row(self) -> tuple[Any, ...]:
        """The session as a row of ``session_rows``."""
        seconds = (self.last - self.first).total_seconds() if self.ended else None
        return (self.user, self.first, self.last, seconds, len(self.events))


def _owned(events: list[Event], zone: str) -> dict[tuple[str, date], list[Event]]:
    found: defaultdict[tuple[str, date], list[Event]] = defaultdict(list)
    for event in sorted(events, key=lambda e: (e.time, e.number)):
        if event.user and plain.named()(event):
            found[event.user, plain.day(event, zone)].append(event)
    return found


def by_timeout(
    events: list[Event], zone: str, timeout: timedelta = timedelta(minutes=30)
) -> list[Session]:
    """Return the sessions that a pause or midnight ends."""
    sessions: list[Session] = []
    for (user, _), mine in _owned(events, zone).items():
        current: list[Event] = []
        for event in mine:
            if current and event.time - current[-1].time > timeout:
                sessions.append(Session(user, current))
                current = []
            current.append(event)
        sessions.append(Session(user, current))
    return sessions


def by_property(events: list[Event], zone: str, key: str) -> list[Session]:
    """Return the sessions that another value of a property or midnight ends."""
    sessions: list[Session] = []
    for (user, _), mine in _owned(events, zone).items():
        with_value = [(e.time, e.properties[key], e) for e in mine if e.properties.get(key)]
        before = None
        for _, value, event in sorted(with_value, key=lambda item: item[:2]):
            if value != before:
                sessions.append(Session(user, []))
            sessions[-1].events.append(event)
            before = value
    return sessions


def by_events(events: list[Event], zone: str, start: Match, end: Match) -> list[Session]:
    """Return the sessions from one event to another; at one instant others, ends, then starts."""
    sessions: list[Session] = []
    for (user, _), mine in _owned(events, zone).items():
        current: Session | None = None
        for moment in sorted({event.time for event in mine}):
            together = [event for event in mine if event.time == moment]
            starts = [event for event in together if start(event)]
            others = [event for event in together if not start(event)]
            ends = any(end(event) for event in others)
            if current is not None and (ends or not starts):
                current.events += others
            if current is not None and ends:
                current.ended, current = True, None
            if starts and current is None:
                current = Session(user, [], ended=False)
                sessions.append(current)
                if not ends:
                    starts += others
                current.events += starts
            elif starts and current is not None:
                current.events += together
    return sessions


def flows(
    events: list[Event],
    anchor: Match,
    zone: str,
    first: date,
    last: date,
    forward: int,
    reverse: int,
    count: str,
    window: timedelta,
    hidden: tuple[str, ...] = (),
    collapse: bool = False,
) -> Counter[tuple[int, str | None, str | None]]:
    """Return how many paths have which event after which, by step."""
    edges: Counter[tuple[int, str | None, str | None]] = Counter()
    visible = [e for e in events if e.user and plain.named()(e)]
    groups: dict[Any, list[Event]] = defaultdict(list)
    if count == "sessions":
        groups = {n: s.events for n, s in enumerate(by_timeout(visible, zone))}
    else:
        for event in visible:
            groups[event.user].append(event)
    for mine in groups.values():
        # Of one instant, the names decide.
        line = sorted((e for e in mine if e.name not in hidden), key=lambda e: (e.time, e.name))
        if collapse:
            line = [e for n, e in enumerate(line) if n == 0 or line[n - 1].name != e.name]
        places = [n for n, e in enumerate(line)
                  if anchor(e) and first <= plain.day(e, zone) <= last]  # fmt: skip
        for place in places if count == "totals" else places[:1]:
            names: dict[int, str | None] = {}
            for step in range(-reverse, forward + 1):
                there = place + step
                near = 0 <= there < len(line) and (
                    count == "sessions" or abs(line[there].time - line[place].time) <= window
                )
                names[step] = line[there].name if near else None
            edges.update(
                (step, names[step], names[step + 1])
                for step in range(-reverse, forward)
                if names[step + 1 if step < 0 else step] is not None
            )
    return edges
