"""The times of Mixpanel's exports: ``time`` of an event, ``$last_seen`` of a profile."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from mixpanel_data._internal import iso8601

_EPOCH = datetime(1970, 1, 1)
# As seconds this is the year 2286, as milliseconds April 1970; Mixpanel takes nothing before 1971.
_FIRST_MILLISECONDS = 10_000_000_000
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_SHORTEST_LAST_SEEN = len("2025-03-01T00:00")


def event_time(stamp: Any) -> datetime:
    """Return Mixpanel's ``time``, seconds or milliseconds since 1970, as a naive datetime.

    Raises:
        ValueError: it is no number, or out of range.
    """
    number = stamp
    if isinstance(stamp, str) and _NUMBER.fullmatch(stamp):
        number = float(stamp) if "." in stamp else int(stamp)
    if not isinstance(number, int | float) or isinstance(number, bool):
        raise ValueError(f"'time' must be seconds or milliseconds since 1970, not {stamp!r:.60}")
    try:
        if -_FIRST_MILLISECONDS < number < _FIRST_MILLISECONDS:
            return _EPOCH + timedelta(0, number)
        return _EPOCH + timedelta(milliseconds=number)
    except OverflowError:
        raise ValueError(f"'time' is out of range: {stamp!r:.60}") from None


def last_seen(value: Any) -> datetime | None:
    """Return ``$last_seen`` as a naive datetime in UTC, None for anything but an ISO day and time.

    It is a property like others, which users set to what they like.
    """
    if not isinstance(value, str) or len(value) < _SHORTEST_LAST_SEEN:
        return None
    try:
        return iso8601.naive_utc(iso8601.parse(value))
    except (ValueError, OverflowError):
        return None
