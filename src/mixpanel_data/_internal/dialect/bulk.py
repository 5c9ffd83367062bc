"""INSERT of many rows as one Arrow table and one INSERT … SELECT."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pyarrow as pa
from sqlalchemy import types as sqltypes

from mixpanel_data._internal.dialect.insert_text import many_rows
from mixpanel_data._internal.dialect.to_arrow import Untyped, arrow_array

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import sqlalchemy as sa

    from mixpanel_data._internal.dialect.connection import Cursor

    Row = Sequence[Any]

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


def insert_many(cursor: Cursor, statement: str, rows: Sequence[Row], table: sa.Table) -> bool:
    """Insert the rows columnar, or return False if they have to go row by row."""
    insert = many_rows(statement) if len(rows) >= _FEW_ROWS else None
    if insert is None:
        return False
    try:
        constants = [_constant(rows, position) for position in insert.constants]
        waves = [
            (wave, _arrow_table(wave, insert.columns) if len(wave) >= _FEW_ROWS else None)
            for wave in _waves(rows, insert.keys, table)
        ]
    except Untyped:
        return False
    counts = []
    for wave, arrow in waves:
        if arrow is None:
            cursor.executemany(statement, wave)
        else:
            counts.append(_insert(cursor, insert.sql, arrow, constants))
    cursor.rowcount = sum(counts) if len(counts) == len(waves) else -1
    return True


def _insert(cursor: Cursor, sql: str, rows_of_this_insert: pa.Table, constants: list[Any]) -> int:
    """Run the statement, which finds the rows by their name in this frame.

    Registered rows would stay in memory until the transaction ends: the view that names them
    stays in DuckDB's undo log.
    """
    raw = cursor.connection.raw
    with cursor.connection.replacements():
        raw.execute(sql, constants or None)
        counted = raw.fetchone()
    return int(counted[0]) if counted else 0


def _arrow_table(rows: Sequence[Row], columns: Iterable[int]) -> pa.Table:
    by_position = list(zip(*rows, strict=True))
    return pa.table({str(position): arrow_array(by_position[position]) for position in columns})


def _constant(rows: Sequence[Row], position: int) -> Any:
    """Give the value that a parameter outside VALUES has in every row."""
    value = rows[0][position]
    if any(row[position] is not value and row[position] != value for row in rows):
        raise Untyped
    return value


def _waves(
    rows: Sequence[Row], keys: Mapping[str, int], table: sa.Table
) -> Iterable[Sequence[Row]]:
    """Split the rows so that no DO UPDATE meets a key twice in one statement.

    Row by row the last row of a key wins; within one statement DuckDB keeps the first.
    """
    if not keys:
        return [rows]
    for name, position in keys.items():
        column = next((column for column in table.c if column.name == name), None)
        kinds = {type(row[position]) for row in rows} - {type(None)}
        if column is None or not all(_is_exact(kind, column.type) for kind in kinds):
            raise Untyped
    waves: defaultdict[int, list[Row]] = defaultdict(list)
    seen: defaultdict[tuple[Any, ...], int] = defaultdict(int)
    for row in rows:
        key = tuple(row[position] for position in keys.values())
        waves[seen[key]].append(row)
        seen[key] += 1
    return waves.values()


def _is_exact(kind: type, type_: sqltypes.TypeEngine[Any]) -> bool:
    """Tell whether keys of this kind that differ in Python also differ in such a column."""
    return isinstance(type_, _EXACT_KEYS.get(kind, ())) and not getattr(type_, "collation", None)
