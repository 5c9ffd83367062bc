"""The one place that turns the name of a property, or a unit of time, into an expression."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect

from mixpanel_data._internal.json_paths import path_literal
from mixpanel_data._internal.schema.facets import json_value
from mixpanel_data._internal.schema.functions import (
    from_microseconds,
    json_text,
    microseconds,
    whole_quotient,
    zone_time,
)
from mixpanel_data._internal.schema.members import json_members

Unit = Literal["hour", "day", "week", "month"]

# Since when a zone has which offset to UTC: the first entry also holds for all time before it.
Offsets = Sequence[tuple[datetime, timedelta]]

_EPOCH = datetime(1970, 1, 1)
_DAY = 86_400_000_000


def event_property(
    table: sa.FromClause, name: str, as_: type[str | int | float | bool] | None = None
) -> sa.ColumnElement[Any]:
    """Return a property of the rows of *table* as an expression.

    *name* is the exact key, whatever characters it holds. *as_* is the wanted type: ``str`` for the
    value's text (of JSON other than strings as it is written), ``int``, ``float`` or ``bool`` for a
    value converted by the database, which refuses what it cannot convert. None is for the JSON text
    of the value: strings keep their quotes, null is the text ``null``. All are NULL where the
    property is missing.
    """
    value: Any = table.c.properties[name]
    found: sa.ColumnElement[Any]
    if as_ is str:
        found = value.as_string()
    elif as_ is bool:
        found = value.as_boolean()
    elif as_ is int:
        found = value.as_integer()
    elif as_ is float:
        found = value.as_float()
    else:
        found = json_text(value)
    return found


def event_properties(table: sa.FromClause, names: Sequence[str]) -> sa.ColumnElement[Any]:
    """Return the JSON text of several properties as a list, NULL for each that is missing.

    One parse of a row finds them all.
    """
    keys = (sa.literal(name, sa.JSON.JSONIndexType()) for name in names)
    return json_members(table.c.properties, *keys)


def event_value(table: sa.FromClause, name: str | tuple[str, ...]) -> sa.ColumnElement[Any]:
    """Return the JSON text of a property's value; NULL where it is missing or null.

    A path of names leads into objects.

    The facets of ``facets`` are for it: typed rows can answer those.
    """
    path = (name,) if isinstance(name, str) else name
    return json_value(table.c.properties[path[0] if len(path) == 1 else path])


def sql_text(name: str) -> str:
    """Return the SQL that reads a property's text: ``properties->>'$."$browser"'``."""
    return f"properties->>{_path(name)}"


def _path(name: str) -> str:
    # Of the default parameter style a percent sign would be doubled.
    dialect: sa.Dialect = DefaultDialect(paramstyle="numeric_dollar")
    quote = sa.String().literal_processor(dialect)  # type: ignore[no-untyped-call]
    assert quote is not None
    return path_literal(name, quote)


def core_text(name: str, as_: type[str | float | bool]) -> str:
    """Return the Python that reads a property of ``table`` with SQLAlchemy, as text or number."""
    read = {str: "as_string", float: "as_float", bool: "as_boolean"}[as_]
    return f"table.c.properties[{json.dumps(name, ensure_ascii=False)}].{read}()"


class Properties:
    """The properties of a table's rows by name, as SQLAlchemy's own JSON expressions."""

    def __init__(self, table: sa.FromClause) -> None:
        self._table = table

    def __getitem__(self, name: str) -> Any:
        return self._table.c.properties[name]


def local_time(
    column: sa.ColumnElement[Any], zone: str, offsets: Offsets | None = None
) -> sa.ColumnElement[Any]:
    """Return a UTC time as the wall clock of *zone*, an IANA name.

    *offsets* are those of the zone in the range of times that is asked about. Where they are known,
    adding them is four times as fast as the database's own conversion, and needs no zone data in
    the database.
    """
    if zone == "UTC":
        return column
    if offsets is None:
        return zone_time(column, zone)
    cases = [(column < end, by) for (end, _), (_, by) in zip(offsets[1:], offsets)]
    return from_microseconds(microseconds(column) + _shift(cases, offsets))


def day_number(
    instant: sa.ColumnElement[Any], zone: str, offsets: Offsets | None = None
) -> sa.ColumnElement[Any]:
    """Return the day of a zone's calendar, counted from 1970-01-01, of microseconds since then.

    *zone* and *offsets* are as for ``local_time``. For times from 1970 on.
    """
    day = sa.literal(_DAY, sa.BigInteger)
    if zone == "UTC":
        return whole_quotient(instant, day)
    if offsets is None:
        return whole_quotient(microseconds(zone_time(from_microseconds(instant), zone)), day)
    changes = zip(offsets[1:], offsets)
    cases = [(instant < _microseconds(end - _EPOCH), by) for (end, _), (_, by) in changes]
    return whole_quotient(instant + _shift(cases, offsets), day)


def time_bucket(
    column: sa.ColumnElement[Any], unit: Unit, zone: str = "UTC", offsets: Offsets | None = None
) -> sa.ColumnElement[Any]:
    """Return the start of the *unit* that a UTC time falls in, by the calendar of *zone*.

    A DATE for days, weeks (from Monday) and months, a TIMESTAMP of the wall clock for hours.
    *offsets* are as for ``local_time``.
    """
    local = local_time(column, zone, offsets)
    if unit == "day":
        return sa.cast(local, sa.Date)
    start = sa.func.date_trunc(unit, local, type_=sa.TIMESTAMP(timezone=False))
    return start if unit == "hour" else sa.cast(start, sa.Date)


def period_number(
    instant: sa.ColumnElement[Any], unit: Unit, zone: str, offsets: Offsets | None = None
) -> sa.ColumnElement[Any]:
    """Return a running number of a zone's day, week (from Monday) or month, of microseconds.

    The difference of two numbers is how many of the units lie between. *zone* and *offsets* are
    as for ``local_time``.
    """
    day = day_number(instant, zone, offsets)
    if unit == "day":
        return day
    if unit == "week":
        # 1970-01-01 was a Thursday.
        return whole_quotient(day + 3, sa.literal(7, sa.BigInteger))
    date = from_microseconds(day * sa.literal(_DAY, sa.BigInteger))
    return sa.extract("year", date) * 12 + sa.extract("month", date)


def _shift(cases: list[tuple[Any, timedelta]], offsets: Offsets) -> sa.ColumnElement[Any]:
    last = _microseconds(offsets[-1][1])
    return (
        sa.case(*((when, _microseconds(by)) for when, by in cases), else_=last) if cases else last
    )


def _microseconds(offset: timedelta) -> sa.ColumnElement[Any]:
    return sa.literal(offset // timedelta(microseconds=1), sa.BigInteger)
