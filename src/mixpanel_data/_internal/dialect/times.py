"""Times on their way into a TIMESTAMP, which has no zone: they are stored in UTC.

An aware datetime that no TIMESTAMP claims (a parameter of ``text()``, ``sa.literal()``) stays an
instant. DuckDB casts that by the session's zone, which is UTC until a session sets another.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from sqlalchemy import types as sqltypes
from sqlalchemy.dialects import postgresql

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Dialect

_WITH_OFFSET = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)[Tt ](?P<time>\d\d:\d\d(?::\d\d)?)(?:[.,](?P<fraction>\d+))?"
    r"\s*(?:(?P<zulu>[Zz]|UTC)|(?P<sign>[+-])(?P<hours>\d\d)(?::?(?P<minutes>\d\d))?)"
)


def naive_utc(value: Any) -> Any:
    """Give an aware datetime, or an ISO string with an offset, as a naive datetime in UTC.

    Anything else is returned as it is. Strings count because DuckDB's cast to TIMESTAMP drops
    their offset.
    """
    if isinstance(value, str):
        match = _WITH_OFFSET.fullmatch(value.strip())
        value = datetime.fromisoformat(_normal_form(match)) if match else value
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(timezone.utc).replace(tzinfo=None)
    return value


def _normal_form(match: re.Match[str]) -> str:
    """Spell a time as every supported Python's fromisoformat() takes it."""
    time = match["time"] if match["time"].count(":") == 2 else match["time"] + ":00"
    fraction = (match["fraction"] or "").ljust(6, "0")[:6]
    offset = (
        "+00:00" if match["zulu"] else f"{match['sign']}{match['hours']}:{match['minutes'] or '00'}"
    )
    return f"{match['date']}T{time}.{fraction}{offset}"


class Timestamp(sqltypes.DateTime):
    """DATETIME and TIMESTAMP, binding aware values by their instant."""

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        return None if self.timezone else naive_utc

    def literal_processor(self, dialect: Dialect) -> Callable[[Any], str] | None:
        quote = super().literal_processor(dialect)
        if self.timezone or quote is None:
            return quote
        return lambda value: quote(naive_utc(value))


class Interval(postgresql.INTERVAL):
    """INTERVAL."""

    @classmethod
    def adapt_emulated_to_native(cls, interval: sqltypes.Interval, **kw: Any) -> Interval:
        return cls(precision=interval.second_precision)

    def literal_processor(self, dialect: Dialect) -> Callable[[timedelta], str]:
        return lambda value: f"to_microseconds({value // timedelta(microseconds=1)})"
