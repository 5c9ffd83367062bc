"""INSERT, UPDATE and DELETE of many rows as one Arrow table and one statement."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, time
from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import types as sqltypes

from mixpanel_data._internal.deferral import Package
from mixpanel_data._internal.duckdb.dialect.dbapi import remembering_errors
from mixpanel_data._internal.duckdb.dialect.sqlparse import many_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pyarrow as pa
    import sqlalchemy as sa

    from mixpanel_data._internal.duckdb.dialect.dbapi import Cursor

    Row = Sequence[Any]
else:
    pa = Package("pyarrow")

# Below this, row by row is as fast.
_FEW_ROWS = 8

_EXACT_KEYS: dict[type, type[sqltypes.TypeEngine[Any]]] = {
    str: sqltypes.String,
    int: sqltypes.Integer,
    bytes: sqltypes.LargeBinary,
    date: sqltypes.Date,
    datetime: sqltypes.DateTime,
    UUID: sqltypes.Uuid,
}


def execute_columnar(
    cursor: Cursor, statement: str, rows: Sequence[Row], table: sa.TableClause
) -> bool:
    """Run the statement for all rows at once, or return False if they have to go row by row."""
    change = many_rows(statement) if len(rows) >= _FEW_ROWS else None
    if change is None:
        return False
    try:
        constants = [_constant(rows, position) for position in change.constants]
        batches = [
            (batch, _arrow_table(batch, change.columns) if len(batch) >= _FEW_ROWS else None)
            for batch in _conflict_free_batches(rows, change.keys, table)
        ]
    except NotColumnar:
        return False
    count = 0
    for batch, arrow in batches:
        if arrow is None:
            cursor.executemany(statement, batch)
            count += cursor.rowcount
        else:
            count += _execute(cursor, change.sql, arrow, constants)
    cursor.rowcount = count
    return True


@remembering_errors
def _execute(
    cursor: Cursor, sql: str, rows_of_this_statement: pa.Table, constants: list[Any]
) -> int:
    """Run the statement, which finds the rows by their name in this frame.

    Registered rows would stay in memory until the transaction ends: the view that names them
    stays in DuckDB's undo log.
    """
    raw = cursor.connection.raw
    with cursor.connection.replacement_scans():
        raw.execute(sql, constants or None)
        counted = raw.fetchone()
    return int(counted[0]) if counted else 0


def _arrow_table(rows: Sequence[Row], columns: Iterable[int]) -> pa.Table:
    return pa.table(
        {str(position): arrow_array([row[position] for row in rows]) for position in columns}
    )


def _constant(rows: Sequence[Row], position: int) -> Any:
    """Return the value that a parameter outside VALUES has in every row."""
    value = rows[0][position]
    if any(row[position] is not value and row[position] != value for row in rows):
        raise NotColumnar
    return value


def _conflict_free_batches(
    rows: Sequence[Row], keys: Mapping[str, int], table: sa.TableClause
) -> Iterable[Sequence[Row]]:
    """Split the rows so that no statement sees a key twice.

    Row by row the last row of a key wins; within one statement DuckDB keeps any, or the first.
    """
    if not keys:
        return [rows]
    for name, position in keys.items():
        column = next((column for column in table.c if column.name == name), None)
        kinds = {type(row[position]) for row in rows} - {type(None)}
        if column is None or not all(_is_exact(kind, column.type) for kind in kinds):
            raise NotColumnar
    batches: defaultdict[int, list[Row]] = defaultdict(list)
    seen: defaultdict[tuple[Any, ...], int] = defaultdict(int)
    for row in rows:
        key = tuple(row[position] for position in keys.values())
        batches[seen[key]].append(row)
        seen[key] += 1
    return batches.values()


def _is_exact(kind: type, type_: sqltypes.TypeEngine[Any]) -> bool:
    """Return whether keys of this kind that differ in Python also differ in such a column."""
    return isinstance(type_, _EXACT_KEYS.get(kind, ())) and not getattr(type_, "collation", None)


# The functions of pyarrow that make them.
_TYPES: dict[type, str] = {
    bool: "bool_",
    int: "int64",
    float: "float64",
    str: "string",
    bytes: "binary",
    date: "date32",
    UUID: "string",
}


class NotColumnar(Exception):  # noqa: N818 - never leaves this module
    """No single Arrow type holds these values as DuckDB would take them one by one."""


def arrow_array(values: Sequence[Any]) -> pa.Array:
    """Convert a column.

    Raises:
        NotColumnar: the values are of several types, or of one that has no exact Arrow type.
    """
    kind = _type(values)
    try:
        if isinstance(next((v for v in values if v is not None), None), UUID):
            values = [value and str(value) for value in values]
        return pa.array(values, kind)
    except (ValueError, TypeError, OverflowError) as exc:
        raise NotColumnar from exc


def _type(values: Iterable[Any]) -> pa.DataType:
    values = [value for value in values if value is not None]
    kinds = set(map(type, values))
    if not kinds:
        return pa.null()
    if len(kinds) > 1:
        raise NotColumnar
    kind = kinds.pop()
    if kind is list:
        return pa.list_(_type(chain.from_iterable(values)))
    if kind is datetime or kind is time:
        return _time_type(kind, {value.tzinfo is not None for value in values})
    if kind is Decimal:
        return _decimal_type(values)
    if kind not in _TYPES:
        raise NotColumnar
    return getattr(pa, _TYPES[kind])()


def _time_type(kind: type, aware: set[bool]) -> pa.DataType:
    if aware == {False}:
        return pa.timestamp("us") if kind is datetime else pa.time64("us")
    if aware == {True} and kind is datetime:
        return pa.timestamp("us", tz="UTC")
    raise NotColumnar


def _decimal_type(values: Sequence[Decimal]) -> pa.DataType:
    try:
        kind = pa.array(values).type
    except pa.ArrowInvalid as exc:
        raise NotColumnar from exc
    if not pa.types.is_decimal128(kind):
        raise NotColumnar
    return kind
