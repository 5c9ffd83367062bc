"""ISO-8601 times as text, read alike wherever they come from and by every supported Python."""

from __future__ import annotations

import re
from datetime import datetime, timezone

_TIME = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)"
    r"(?:[Tt ](?P<clock>\d\d:\d\d(?::\d\d)?)(?:[.,](?P<fraction>\d+))?"
    r"\s*(?:(?P<utc>[Zz]|UTC)|(?P<hours>[+-]\d\d)(?::?(?P<minutes>\d\d)(?::?(?P<seconds>\d\d))?)?)?)?",
    re.ASCII,
)


def parse(text: str) -> datetime:
    """Return a day, or a day and time with or without an offset, as a datetime.

    It is aware where *text* names an offset, ``Z`` or ``UTC``. Digits beyond microseconds are cut.

    Raises:
        ValueError: *text* is no such time, or there is no such day or hour.
    """
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"is not an ISO-8601 time: {text!r}")
    clock = match["clock"] or "00:00"
    clock = clock if len(clock) > 5 else f"{clock}:00"
    fraction = (match["fraction"] or "")[:6].ljust(6, "0")
    offset = "+00:00" if match["utc"] else ""
    if match["hours"]:
        offset = f"{match['hours']}:{match['minutes'] or '00'}:{match['seconds'] or '00'}"
    return datetime.fromisoformat(f"{match['date']}T{clock}.{fraction}{offset}")


def naive_utc(moment: datetime) -> datetime:
    """Return *moment* as a plain, naive datetime in UTC, which a naive one is taken to be in.

    Raises:
        OverflowError: it is out of the range of years 1 to 9999 in UTC.
    """
    if moment.tzinfo is not None:
        moment = moment.astimezone(timezone.utc)
    return datetime(*moment.timetuple()[:6], moment.microsecond)
