"""Time zones: their days in UTC, and their wall clock turned into UTC by one rule."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, timezone
from difflib import get_close_matches
from functools import lru_cache
from itertools import chain, pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from mixpanel_data.exceptions import TimeZoneError

# No zone has changed its clock twice within six days since 1970.
_STEP = timedelta(days=3)
# Between these Mixpanel's times lie; the changes of a zone are looked up once.
_FIRST, _LAST = datetime(1970, 1, 1), datetime(2100, 1, 1)
_MICROSECOND = timedelta(microseconds=1)


def zone_of(name: str) -> ZoneInfo:
    """Return the zone of an IANA name.

    Raises:
        TimeZoneError: there is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, TypeError, ValueError, OSError) as error:
        suggestion = "use an IANA name such as 'Europe/Berlin'."
        names = {known.lower(): known for known in available_timezones()}
        if found := get_close_matches(str(name).lower(), names, n=1):
            suggestion += f" Did you mean {names[found[0]]!r}?"
        raise TimeZoneError(
            f"Unknown time zone {name!r}: {suggestion}", time_zone=name, suggestion=suggestion
        ) from error


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """Return the instant at which a day of *zone* begins, naive and in UTC.

    Where the clock skips midnight the day begins with the change; where midnight comes twice, with
    the first of them (PEP 495, fold 0).

    Raises:
        OverflowError: that is before the year 1.
    """
    local = datetime(day.year, day.month, day.day, tzinfo=zone)
    return local.astimezone(timezone.utc).replace(tzinfo=None)


def days(first: str | None, last: str | None, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the first and the last instant of days of *zone* (YYYY-MM-DD, inclusive), in UTC.

    None is without an end, as are the ends of the calendar: no day is before or after them.
    """
    start, end = datetime.min, datetime.max
    if first is not None and (day := date.fromisoformat(first)) > date.min:
        start = start_of(day, zone)
    if last is not None and (day := date.fromisoformat(last)) < date.max:
        end = start_of(day + timedelta(days=1), zone) - _MICROSECOND
    return start, end


def local_of(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return a naive UTC time as the naive wall clock of *zone*."""
    return moment.replace(tzinfo=timezone.utc).astimezone(zone).replace(tzinfo=None)


@lru_cache(maxsize=256)
def offsets(zone: ZoneInfo, first: datetime, last: datetime) -> list[tuple[datetime, timedelta]]:
    """Return since when *zone* has which offset to UTC, from *first* to *last* (naive, UTC).

    A change is found to the second, by halving steps whose ends differ.
    """

    def offset(moment: datetime) -> timedelta:
        return local_of(moment, zone) - moment

    moment, before = first, offset(first)
    found = [(moment, before)]
    while moment < last:
        following = min(moment + _STEP, last)
        after = offset(following)
        if after != before:
            low, high = moment, following
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) // 2
                low, high = (middle, high) if offset(middle) == before else (low, middle)
            found.append((high.replace(microsecond=0), after))
        moment, before = following, after
    return found


class WallClock:
    """Turns the wall clock of a zone into UTC, and counts the times that do not tell the instant.

    One rule decides them, PEP 495's fold 0. A time that comes twice, when clocks go back, is the
    first of the two. One that is skipped, when they go forward, is read by the offset before the
    change: 02:30 is an hour after 01:30. (DuckDB's own conversion takes the second of two.)

    Raises:
        TimeZoneError: there is no zone of this IANA name.
    """

    def __init__(self, name: str) -> None:
        self._zone = zone_of(name)
        self._steady: dict[date, timedelta] = {}
        self.ambiguous = self.missing = 0

    def to_utc(self, moment: datetime) -> datetime:
        """Return a naive time of the wall clock as naive UTC.

        Raises:
            OverflowError: it is out of the range of years 1 to 9999 in UTC.
        """
        offset = self._steady.get(moment.date())
        return moment - (self._look_up(moment) if offset is None else offset)

    def _look_up(self, moment: datetime) -> timedelta:
        """Return the offset of a time, count it if the clock leaves it open, and remember days."""
        ends = (datetime.combine(moment, end) for end in (time.min, time.max))
        offset, other = self._offsets(moment)
        if {*chain.from_iterable(map(self._offsets, ends))} == {offset}:
            self._steady[moment.date()] = offset
        self.ambiguous += offset > other
        self.missing += offset < other
        return offset

    def _offsets(self, moment: datetime) -> tuple[timedelta, timedelta]:
        """Return the offset before and after a change that makes a time ambiguous or missing."""
        local = moment.replace(tzinfo=self._zone, fold=0)
        offset, other = local.utcoffset(), local.replace(fold=1).utcoffset()
        assert offset is not None
        assert other is not None
        return offset, other

    def pieces(self) -> Iterator[tuple[datetime, timedelta | None]]:
        """Yield since when, by the wall clock, which offset to UTC holds, up to the year 2100.

        None is for times that the clock skips, and for those before 1970 and after 2099.
        """
        before: timedelta | None = None
        for since, offset in offsets(self._zone, _FIRST, _LAST):
            if before is None:
                yield since + offset, offset
            elif offset > before:
                yield since + before, None
                yield since + offset, offset
            else:
                yield since + before, offset
            before = offset
        yield _LAST, None

    def repeated(self, first: datetime, last: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield from when to when, in UTC, the wall clock shows what it will show once more.

        Those that touch the time from *first* to *last*.
        """
        changes = offsets(self._zone, _FIRST, _LAST)
        for (_, before), (since, offset) in pairwise(changes):
            start = since - (before - offset)
            if offset < before and start <= last and since > first:
                yield start, since
