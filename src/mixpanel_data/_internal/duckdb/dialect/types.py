"""Conversion of values to and from DuckDB: times, decimals, JSON and its keys.

A TIMESTAMP has no zone: what is stored is in UTC. An aware datetime that is not bound
as a TIMESTAMP (a parameter of ``text()``, ``sa.literal()``) stays an instant. DuckDB casts that by
the session's zone, which is UTC until a session sets another.
"""

from __future__ import annotations

import re
import reprlib
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import types as sqltypes
from sqlalchemy.dialects import postgresql

from mixpanel_data._internal import iso8601, json_text
from mixpanel_data._internal.json_paths import path_literal, path_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Dialect

# DuckDB's own cast to TIMESTAMP drops an offset; other texts are left to it.
_WITH_OFFSET = re.compile(
    r"\s*\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d.*(?:[Zz]|UTC|[+-]\d\d(?::?\d\d){0,2})\s*"
)


def naive_utc(value: Any) -> Any:
    """Return an aware datetime, or an ISO string with an offset, as a naive datetime in UTC.

    Anything else is returned as it is.
    """
    if isinstance(value, str) and _WITH_OFFSET.fullmatch(value):
        value = iso8601.parse(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return iso8601.naive_utc(value)
    return value


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


class Numeric(sqltypes.Numeric[Any]):
    """NUMERIC and DECIMAL."""

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        return _without_exponent

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        # DuckDB divides decimals as DOUBLE.
        if self.asdecimal and coltype == "DOUBLE":
            return lambda value: value if value is None else Decimal(repr(value))
        return super().result_processor(dialect, coltype)


def _without_exponent(value: Any) -> Any:
    """Write 4E+2 as 400: DuckDB before 2.0 reads it as 4."""
    return Decimal(f"{value:f}") if isinstance(value, Decimal) else value


def json_text_of(value: Any) -> str:
    """Return the JSON text of a value, or refuse what JSON cannot hold."""
    try:
        return json_text.encode(value).decode()
    except ValueError as error:
        raise ValueError(f"the JSON value {reprlib.repr(value)} {error}") from error


class _PathType:
    """Binds and renders what is inside the brackets of ``column[...]`` as a DuckDB path."""

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], str]:
        return path_of

    def literal_processor(self, dialect: Dialect) -> Callable[[Any], str]:
        quote = sqltypes.String().literal_processor(dialect)
        assert quote is not None

        return lambda value: path_literal(value, quote)


class JSONIndexType(_PathType, sqltypes.JSON.JSONIndexType):
    """A key or a position."""


class JSONIntIndexType(_PathType, sqltypes.JSON.JSONIntIndexType):
    """A position."""


class JSONStrIndexType(_PathType, sqltypes.JSON.JSONStrIndexType):
    """A key."""


class JSONPathType(_PathType, sqltypes.JSON.JSONPathType):
    """A sequence of keys and positions."""
