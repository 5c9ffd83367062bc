"""Events, clocks and values in plain Python: what the references are written with."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

SERVICE = {"$identify", "$create_alias", "$merge", "$unsubscribe"}
UNDEFINED = "undefined"
MISSING = object()

# Zones, each with a day near which its clock changes: by hours, by half an hour, at midnight.
ZONES = {
    "UTC": date(2025, 3, 28),
    "Europe/Berlin": date(2025, 3, 28),
    "America/New_York": date(2024, 11, 1),
    "Australia/Lord_Howe": date(2025, 4, 3),
    "America/Sao_Paulo": date(2018, 11, 2),
    "Asia/Kolkata": date(2025, 1, 30),
}


@dataclass(frozen=True)
class Event:
    """One event; the number is its place in the order of insert_id."""

    user: str
    name: str
    time: datetime
    properties: dict[str, Any]
    number: int

    @property
    def row(self) -> tuple[Any, ...]:
        """The event as a table is made of it."""
        return (self.user, self.name, self.time, self.properties, self.number)


Match = Callable[[Event], bool]
VALUES: list[Any] = ["x", "y", "", 1, 1.0, 2.5, True, None, ["x", "y", "x"], [], [2, None], MISSING]


def events(
    seed: int,
    zone: str,
    *,
    count: int = 120,
    days: int = 6,
    users: int = 9,
    step: int = 1,
    names: str = "ABCD",
) -> list[Event]:
    """Return random events around a change of the zone's clock: in bursts, with ties and gaps.

    Half of them are at most a few *step* seconds from another one.
    """
    rng = random.Random(seed)
    start = datetime.combine(ZONES[zone], datetime.min.time()) - timedelta(hours=12)
    found: list[Event] = []
    for number in range(count):
        if found and rng.random() < 0.55:
            other = rng.choice(found[-8:])
            moment = other.time + timedelta(seconds=rng.choice([0, 0, 1, 2, 3, 600, 1800]) * step)
            user = other.user if rng.random() < 0.9 else f"u{rng.randrange(users)}"
        else:
            moment = start + timedelta(seconds=rng.randrange((days + 1) * 86400))
            user = f"u{rng.randrange(users)}" if rng.random() < 0.95 else ""
        name = rng.choice(names) if rng.random() < 0.96 else "$identify"
        properties = {
            key: value for key in ("p", "q") if (value := rng.choice(VALUES)) is not MISSING
        }
        found.append(Event(user, name, moment, properties, number))
    return found


def shuffled(found: list[Event], seed: int) -> list[Event]:
    """Return the events in another order, each with its number."""
    other = list(found)
    random.Random(seed).shuffle(other)
    return other


def local(moment: datetime, zone: str) -> datetime:
    """Return the wall clock of a zone at a UTC time."""
    return moment.replace(tzinfo=timezone.utc).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def day(event: Event, zone: str) -> date:
    """Return the day of an event."""
    return local(event.time, zone).date()


def bucket(day_: date, unit: str) -> date:
    """Return the first day of a day's unit."""
    if unit == "week":
        return day_ - timedelta(days=day_.weekday())
    return day_.replace(day=1) if unit == "month" else day_


def days_between(first: date, last: date) -> Iterable[date]:
    """Yield the days from first to last."""
    while first <= last:
        yield first
        first += timedelta(days=1)


def labels(first: date, last: date, unit: str) -> list[str]:
    """Return the labels of days, weeks or months."""
    return list(dict.fromkeys(bucket(d, unit).isoformat() for d in days_between(first, last)))


def named(*names: str) -> Match:
    """Return a test for names; without any, for every event of the product."""
    if not names:
        return lambda event: event.name not in SERVICE
    return lambda event: event.name in names


def text(value: Any) -> str:
    """Return the text of a value that is no list."""
    if value is MISSING or value is None:
        return UNDEFINED
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def segments(event: Event, key: str) -> list[str]:
    """Return the segments of an event: one, or the items of a list."""
    value = event.properties.get(key, MISSING)
    if isinstance(value, list):
        return list(dict.fromkeys(text(item) for item in value if item is not None)) or [UNDEFINED]
    return [text(value)]


def first_item(event: Event, key: str) -> str:
    """Return the one segment of an event, of a list its first item."""
    value = event.properties.get(key, MISSING)
    if isinstance(value, list):
        return text(value[0]) if value else UNDEFINED
    return text(value)
