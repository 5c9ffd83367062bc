"""From the rows of the exploration's statements to the values that users get."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import groupby
from typing import Any

from mixpanel_data._internal.exploration.statements import JSON_TYPES
from mixpanel_data._internal.schema.properties import core_text, sql_text
from mixpanel_data.exploration import (
    ColumnSummary,
    EventBreakdownResult,
    EventStats,
    PropertyInfo,
    PropertyValueCount,
)

# What reads a property whose values are all of this type; text for all else.
_READ = {"number": float, "boolean": bool}


def percent(part: float, whole: float) -> float:
    """Return a share in percent, rounded to 2 digits; 0.0 of nothing."""
    return round(part / whole * 100, 2) if whole else 0.0


def summary(row: Sequence[Any]) -> ColumnSummary:
    """Return a row of SUMMARIZE."""
    name, kind, least, greatest, unique, avg, std, q25, q50, q75, count, null = row
    numbers = (_float(avg), _float(std), q25, q50, q75, int(count), _float(null) or 0.0)
    return ColumnSummary(name, kind, least, greatest, int(unique), *numbers)


def _float(value: Any) -> float | None:
    # The average of times is the text of a time.
    with suppress(TypeError, ValueError):
        return float(value)
    return None


def breakdown(table: str, rows: Sequence[Any], **common: Any) -> EventBreakdownResult:
    """Return the events of a table, from the rows of their names."""
    total = sum(row[1] for row in rows)
    events = [
        EventStats(name, count, users, _time(first), _time(last), percent(count, total))
        for name, count, users, first, last, _ in rows
    ]
    days = (
        min((_time(row[3]) for row in rows if row[3]), default=datetime.min),
        max((_time(row[4]) for row in rows if row[4]), default=datetime.min),
    )
    users = rows[0][5] if rows else 0
    return EventBreakdownResult(table, total, users, days, events, **common)


def _time(found: Any) -> Any:
    # A time that Python cannot have is text; infinity is an end of Python's calendar already.
    if isinstance(found, str):
        return datetime.min if "BC" in found else datetime.max
    return found


def value_of(text: str) -> Any:
    """Return the value of JSON text; the text itself where it is none."""
    with suppress(ValueError, RecursionError):
        return json.loads(text)
    return text


def text_of(value: Any) -> str:
    """Return a value as text, of JSON other than strings as it is written."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def value_counts(rows: Iterable[Sequence[Any]]) -> tuple[PropertyValueCount, ...]:
    """Return the values of a property, from rows of JSON text, count and total."""
    return tuple(
        PropertyValueCount(value_of(text), count, percent(count, total))
        for text, count, total in rows
    )


def frequent(rows: Iterable[Any], limit: int, top: int) -> dict[str, list[str]]:
    """Return the properties of more than *limit* different values, with those that repeat most."""
    return {
        key: [row.value for row in group if row.value is not None][:top]
        for key, found in groupby(rows, key=lambda row: row.key)
        if (group := list(found))[0].different > limit
    }


def usual_width(rows: Sequence[Any], count: int) -> float:
    """Return how many properties each of *count* rows has on average."""
    return sum({row.key: int(row.rows) for row in rows}.values()) / count


def properties(
    rows: Iterable[Any],
    count: int,
    many: Mapping[str, Sequence[str]],
    sql: Callable[[str], str] = sql_text,
) -> list[PropertyInfo]:
    """Return the properties of *count* rows, by key, from their most frequent values.

    *sql* gives the SQL that reads a property.
    """
    return [
        _property(key, list(group), count, sql(key), exact=key not in many)
        for key, group in groupby(rows, key=lambda row: row.key)
    ]


def _property(key: str, rows: Sequence[Any], count: int, sql: str, *, exact: bool) -> PropertyInfo:
    first = rows[0]
    types = {name: getattr(first, name) for name in JSON_TYPES if getattr(first, name)}
    total = sum(types.values())
    as_ = _READ.get(next(iter(types.keys() - {"null"}), ""), str) if _is_one(types) else str
    nulls = 1 if "null" in types else 0
    counted = [(value_of(row.value), int(row.n)) for row in rows if row.value is not None]
    return PropertyInfo(
        key=key,
        types={name: percent(n, total) for name, n in types.items()},
        presence=percent(total, count),
        distinct=min(int(first.different), total) - nulls,
        distinct_is_exact=exact,
        top_values=counted,
        first_day=first.first and _time(first.first).date(),
        last_day=first.last and _time(first.last).date(),
        sql=sql,
        expression=core_text(key, as_),
    )


def _is_one(types: Mapping[str, int]) -> bool:
    return len(types.keys() - {"null"}) == 1
