"""Days, weeks and months of a project's zone, and where they lie in UTC."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from numbers import Integral
from typing import Any, Literal
from zoneinfo import ZoneInfo

from mixpanel_data._internal import iso8601
from mixpanel_data._internal.schema.properties import Unit
from mixpanel_data._internal.zones import local_of, offsets, start_of, zone_of

Bucket = Literal["hour", "day", "week", "month", "total"]
Day = date | str
Moment = date | datetime | str

DAY = 86_400_000_000  # microseconds
# Windows, rolling averages and zones' changes reach some years beyond them.
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2199, 12, 31)
_LONGEST_WINDOW = timedelta(days=366)


def day_of(value: Day, what: str) -> date:
    """Return a date, or text as YYYY-MM-DD, as a date.

    Raises:
        ValueError: it is neither, or not from 1900 to 2199; *what* names the argument.
    """
    found: date | None = None
    if isinstance(value, date):
        found = None if isinstance(value, datetime) else value
    else:
        with suppress(TypeError, ValueError):
            found = date.fromisoformat(value)
    if found is None or (isinstance(value, str) and found.isoformat() != value):
        raise ValueError(f"{what} must be a date or 'YYYY-MM-DD', not {value!r}.")
    check_range(found, what)
    return found


def check_range(day: date, what: str) -> None:
    """Refuse a day that reports do not take; *what* names the argument.

    Raises:
        ValueError: it is not from 1900 to 2199.
    """
    if not FIRST_DAY.year <= day.year <= LAST_DAY.year:
        raise ValueError(f"{what} must be from {FIRST_DAY} to {LAST_DAY}, not {day}.")


def within_range(day: date) -> date:
    """Return a day of the data as the nearest one that reports take."""
    return min(max(day, FIRST_DAY), LAST_DAY)


def end_of(value: Moment, what: str, zone: ZoneInfo) -> datetime:
    """Return the first instant after a time (UTC, if it has no offset), or after a zone's day.

    Raises:
        ValueError: text that is neither, or not from 1900 to 2199; *what* names the argument.
    """
    found: Any = value
    if isinstance(value, str):
        try:
            time = iso8601.parse(value)
        except (ValueError, OverflowError):
            example = "such as 2025-03-31 or 2025-03-31T12:00"
            raise ValueError(f"{what} {value!r} is no day and no time, {example}.") from None
        found = time.date() if len(value) == len("YYYY-MM-DD") else time
    if isinstance(found, datetime):
        check_range(found, what)
        return to_utc(found) + timedelta.resolution
    return start_of(day_of(found, what) + timedelta(days=1), zone)


def to_utc(moment: datetime) -> datetime:
    """Return a time as naive UTC, which a naive one is already."""
    if moment.tzinfo is None:
        return moment
    return moment.astimezone(timezone.utc).replace(tzinfo=None)


def bucket_start(day: date, unit: Bucket) -> date:
    """Return the first day of the week (from Monday) or month that *day* is in, or the day."""
    if unit == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if unit == "month" else day


def bucket_after(start: date, unit: Bucket, count: int = 1) -> date:
    """Return the start of the bucket *count* units later (or earlier) than the one at *start*."""
    if unit == "month":
        months = start.year * 12 + start.month - 1 + count
        return date(months // 12, months % 12 + 1, 1)
    return start + timedelta(days=count * (7 if unit == "week" else 1))


@dataclass(frozen=True)
class Period:
    """The days of a question, both inclusive, in a project's zone."""

    first: date
    last: date
    zone: ZoneInfo

    @classmethod
    def of(cls, from_date: Day, to_date: Day, zone: ZoneInfo) -> Period:
        """Return the period of two arguments.

        Raises:
            ValueError: one is no date from 1900 to 2199, or they are the wrong way round.
        """
        first, last = day_of(from_date, "from_date"), day_of(to_date, "to_date")
        if first > last:
            raise ValueError(f"from_date {first} is after to_date {last}.")
        return cls(first, last, zone)

    @property
    def start(self) -> datetime:
        """The first instant, naive and in UTC."""
        return start_of(self.first, self.zone)

    @property
    def end(self) -> datetime:
        """The first instant after it, naive and in UTC."""
        return start_of(self.last + timedelta(days=1), self.zone)

    def starting(self, first: date) -> Period:
        """Return the same period with another first day."""
        return Period(first, self.last, self.zone)

    def labels(self, unit: Bucket) -> list[str]:
        """Return the labels of all buckets of the period, in order.

        Days, weeks and months by their first day; hours as "YYYY-MM-DD HH:00:00" of the wall clock,
        without the hour that a clock skips, and with one label for the hour that comes twice.
        """
        if unit == "total":
            return [self.first.isoformat()]
        if unit == "hour":
            return self._hours()
        starts = [bucket_start(self.first, unit)]
        while (following := bucket_after(starts[-1], unit)) <= self.last:
            starts.append(following)
        return [start.isoformat() for start in starts]

    def _hours(self) -> list[str]:
        seen: dict[str, None] = {}
        steps = offsets(self.zone, self.start, self.end)
        ends = [since for since, _ in steps[1:]] + [self.end]
        for (since, offset), end in zip(steps, ends):
            hour = (since + offset).replace(minute=0, second=0, microsecond=0)
            while hour < end + offset:
                seen[hour.isoformat(" ")] = None
                hour += timedelta(hours=1)
        return list(seen)


def label_of(value: date | None) -> str:
    """Return the label of a bucket as the database gives its start."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:00:00}"
    return "" if value is None else value.isoformat()


def check_whole(what: str, number: Any, least: int = 1, most: int | None = None) -> None:
    """Refuse what is no whole number, or too small or large; *what* names the argument.

    Raises:
        ValueError: it is.
    """
    if not isinstance(number, Integral) or number < least:
        raise ValueError(f"{what} must be a whole number, {least} or more, not {number!r}.")
    if most is not None and int(number) > most:
        raise ValueError(f"{what} must be {most:,} or less, not {number!r}.")


def check_window(window: Any) -> None:
    """Refuse a window that a report cannot have.

    Raises:
        ValueError: it is no timedelta of more than 0 and at most 366 days.
    """
    check_span("window", window, timedelta.resolution, _LONGEST_WINDOW)


def check_span(what: str, span: Any, least: timedelta, most: timedelta) -> None:
    """Refuse what is no timedelta, or too short or long; *what* names the argument.

    Raises:
        ValueError: it is.
    """
    if not isinstance(span, timedelta) or not least <= span <= most:
        raise ValueError(f"{what} must be a timedelta from {least} to {most}, not {span}.")


def check_unit(unit: str, allowed: tuple[str, ...]) -> None:
    """Refuse a unit that a report does not have.

    Raises:
        ValueError: *unit* is not one of *allowed*.
    """
    if unit not in allowed:
        raise ValueError(f"unit must be one of {', '.join(allowed)}, not {unit!r}.")


__all__ = [
    "DAY",
    "FIRST_DAY",
    "LAST_DAY",
    "Bucket",
    "Day",
    "Moment",
    "Period",
    "Unit",
    "bucket_after",
    "bucket_start",
    "check_range",
    "check_span",
    "check_unit",
    "check_whole",
    "check_window",
    "day_of",
    "end_of",
    "label_of",
    "local_of",
    "offsets",
    "start_of",
    "to_utc",
    "within_range",
    "zone_of",
]
