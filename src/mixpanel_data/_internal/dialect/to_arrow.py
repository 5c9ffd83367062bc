"""Python values of one column as an Arrow array, where that loses nothing."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_TYPES: dict[type, pa.DataType] = {
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
    str: pa.string(),
    bytes: pa.binary(),
    date: pa.date32(),
    UUID: pa.string(),
}


class Untyped(Exception):  # noqa: N818 - caught next door, never seen outside
    """Arrow has no one type that holds these values as DuckDB would take them one by one."""


def arrow_array(values: Sequence[Any]) -> pa.Array:
    """Convert a column.

    Raises:
        Untyped: the values are of several types, or of one that has no exact Arrow type.
    """
    kind = _type(values)
    try:
        if isinstance(next((v for v in values if v is not None), None), UUID):
            values = [value and str(value) for value in values]
        return pa.array(values, kind)
    except (ValueError, TypeError, OverflowError) as exc:
        raise Untyped from exc


def _type(values: Iterable[Any]) -> pa.DataType:
    values = [value for value in values if value is not None]
    kinds = set(map(type, values))
    if not kinds:
        return pa.null()
    if len(kinds) > 1:
        raise Untyped
    kind = kinds.pop()
    if kind is list:
        return pa.list_(_type(chain.from_iterable(values)))
    if kind is datetime or kind is time:
        return _time_type(kind, {value.tzinfo is not None for value in values})
    if kind is Decimal:
        return _decimal_type(values)
    if kind not in _TYPES:
        raise Untyped
    return _TYPES[kind]


def _time_type(kind: type, aware: set[bool]) -> pa.DataType:
    if aware == {False}:
        return pa.timestamp("us") if kind is datetime else pa.time64("us")
    if aware == {True} and kind is datetime:
        return pa.timestamp("us", tz="UTC")
    raise Untyped


def _decimal_type(values: Sequence[Decimal]) -> pa.DataType:
    try:
        kind = pa.array(values).type
    except pa.ArrowInvalid as exc:
        raise Untyped from exc
    if not pa.types.is_decimal128(kind):
        raise Untyped
    return kind
