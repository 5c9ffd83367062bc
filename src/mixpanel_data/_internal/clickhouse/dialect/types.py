"""Conversion of values to and from ClickHouse, and the types of columns.

A time is a DateTime64 in UTC with microseconds, naive outside; JSON is stored as its text, exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from clickhouse_connect.driver.binding import format_str
from sqlalchemy import types as sqltypes
from sqlalchemy.sql.compiler import GenericTypeCompiler

from mixpanel_data._internal import iso8601, json_text

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

TIME = "DateTime64(6, 'UTC')"
DATE = "Date32"


def naive_utc(value: Any) -> Any:
    """Return an aware datetime as a naive one in UTC; anything else as it is."""
    aware = isinstance(value, datetime) and value.tzinfo is not None
    return iso8601.naive_utc(value) if aware else value


def time_text(value: Any) -> Any:
    """Return a time as text with its microseconds, which the driver would cut off."""
    value = naive_utc(value)
    return value.isoformat(" ", "microseconds") if isinstance(value, datetime) else value


class Timestamp(sqltypes.DateTime):
    """DATETIME and TIMESTAMP, with microseconds and by the instant of aware values."""

    render_bind_cast = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        return naive_utc

    def literal_processor(self, dialect: Dialect) -> Callable[[Any], str]:
        return lambda value: cast_to(self, format_str(str(time_text(value))))


class Date(sqltypes.Date):
    """DATE, of the years 1 to 9999."""

    render_bind_cast = True

    def literal_processor(self, dialect: Dialect) -> Callable[[Any], str]:
        return lambda value: cast_to(self, format_str(value.isoformat()))


class _Signed:
    """A bare number would be an unsigned one of as few bits as it needs."""

    render_bind_cast = True

    def literal_processor(self, dialect: Dialect) -> Callable[[Any], str]:
        return lambda value: f"toInt64({value})"


class Integer(_Signed, sqltypes.Integer):
    """INTEGER."""


class BigInteger(_Signed, sqltypes.BigInteger):
    """BIGINT."""


def cast_to(type_: sa.types.TypeEngine[Any], value: str) -> str:
    """Return the SQL of a bound value or literal as a time, a date or an integer."""
    if isinstance(type_, sqltypes.DateTime):
        return f"toDateTime64({value}, 6, 'UTC')"
    return f"toDate32({value})" if isinstance(type_, sqltypes.Date) else f"toInt64({value})"


class Text(sqltypes.String):
    """Text, quoted as ClickHouse reads it."""

    def literal_processor(self, dialect: Dialect) -> Callable[[Any], str]:
        double = dialect.identifier_preparer._double_percents

        def quote(value: str) -> str:
            # Braces could be a parameter of the server's to the driver.
            text = format_str(value).replace("{", "\\x7B")
            return text.replace("%", "%%") if double else text

        return quote


class Boolean(sqltypes.Boolean):
    """BOOLEAN: a comparison gives 1 or 0."""

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        return lambda value: value if value is None else bool(value)


class Json(sqltypes.JSON):
    """JSON, as the text that it is stored as."""


class TypeCompiler(GenericTypeCompiler):
    """Types."""

    def visit_VARCHAR(self, type_: Any, **kw: Any) -> str:
        return "String"

    visit_TEXT = visit_CHAR = visit_NVARCHAR = visit_NCHAR = visit_CLOB = visit_VARCHAR
    visit_JSON = visit_BLOB = visit_BINARY = visit_VARBINARY = visit_VARCHAR

    def visit_TIMESTAMP(self, type_: Any, **kw: Any) -> str:
        return TIME

    visit_DATETIME = visit_TIMESTAMP

    def visit_DATE(self, type_: Any, **kw: Any) -> str:
        return DATE

    def visit_BIGINT(self, type_: Any, **kw: Any) -> str:
        return "Int64"

    def visit_INTEGER(self, type_: Any, **kw: Any) -> str:
        return "Int32"

    def visit_SMALLINT(self, type_: Any, **kw: Any) -> str:
        return "Int16"

    def visit_BOOLEAN(self, type_: Any, **kw: Any) -> str:
        return "Bool"

    def visit_FLOAT(self, type_: Any, **kw: Any) -> str:
        return "Float64"

    visit_DOUBLE = visit_DOUBLE_PRECISION = visit_REAL = visit_FLOAT

    def visit_NUMERIC(self, type_: Any, **kw: Any) -> str:
        if type_.precision is None:
            return "Decimal(38, 10)"
        return f"Decimal({type_.precision}, {type_.scale or 0})"

    visit_DECIMAL = visit_NUMERIC

    def visit_UUID(self, type_: Any, **kw: Any) -> str:
        return "UUID"

    def visit_ARRAY(self, type_: Any, **kw: Any) -> str:
        return f"Array({self.process(type_.item_type, **kw)})"

    def visit_null(self, type_: Any, **kw: Any) -> str:
        return "Nullable(Nothing)"


COLSPECS: dict[type[Any], type[Any]] = {
    sqltypes.BigInteger: BigInteger,
    sqltypes.Boolean: Boolean,
    sqltypes.Date: Date,
    sqltypes.DateTime: Timestamp,
    sqltypes.Integer: Integer,
    sqltypes.String: Text,
    sqltypes.JSON: Json,
}


def json_text_of(value: Any) -> str:
    """Return the JSON text of a value, or refuse what JSON cannot hold."""
    return json_text.encode(value).decode()


def is_text(type_: sa.types.TypeEngine[Any]) -> bool:
    """Return whether a type is text, as JSON is here."""
    return isinstance(type_, (sqltypes.String, sqltypes.JSON))
