"""Typed rows in DuckDB's SQL: which properties there are, and their values out of JSON.

A value is exact where the column's value spells the JSON text again. A row with any other value
keeps its JSON in a column of its own.
"""

# ruff: noqa: S608 - names and texts are quoted

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from mixpanel_data._internal.duckdb.quoting import literal, quoted
from mixpanel_data._internal.json_paths import path as json_path
from mixpanel_data._internal.typed_columns import DECIMAL, ODD, Column

TYPED = "_typed_"

_TEXT = "CAST({p} AS VARCHAR)"
# Named in full where it stays in a view: a macro in the file would be taken instead.
_RAW_TEXT = "system.main.json_extract_string({p}, '$')"


class _Kind(NamedTuple):
    """A column's type, its value from JSON text *r*, and the text of its value *p*."""

    type: str
    value: str
    text: str


# NUMBER has integers and fractions, as JavaScript writes them; RAW any JSON, as it is.
_KINDS = {
    "TEXT": _Kind("VARCHAR", "{r}", "{p}"),
    "INT": _Kind("BIGINT", "TRY_CAST({r} AS BIGINT)", _TEXT),
    "FLOAT": _Kind("DOUBLE", "TRY_CAST({r} AS DOUBLE)", _TEXT),
    "NUMBER": _Kind("DOUBLE", "TRY_CAST({r} AS DOUBLE)", DECIMAL),
    "BOOL": _Kind("BOOLEAN", "CASE {r} WHEN 'true' THEN true WHEN 'false' THEN false END", _TEXT),
    "RAW": _Kind("JSON", "CAST(nullif({r}, 'null') AS JSON)", _RAW_TEXT),
}
TYPES: dict[str, sa.types.TypeEngine[Any]] = {
    "TEXT": sa.String(),
    "INT": sa.BigInteger(),
    "FLOAT": sa.Double(),
    "NUMBER": sa.Double(),
    "BOOL": sa.Boolean(),
    "RAW": sa.JSON(),
}


def sample(
    connection: sa.Connection, table: str, size: int, paths: Sequence[tuple[str, ...]] | None
) -> list[Any]:
    """Return the paths of properties with the types of their values in a sample of the rows.

    Of the top-level properties, or of *paths*: path, values, integers, fractions, booleans, texts,
    different values, mean length, the most frequent first. Lists and objects count as values only.
    """
    if paths is None:
        pairs = "unnest(json_keys(properties)) AS key, unnest(json_extract(properties, '$.*')) AS v"
    else:
        names = ", ".join(literal(json.dumps(path)) for path in paths)
        steps = ", ".join(literal(json_path(path)) for path in paths)
        pairs = f"unnest([{names}]) AS key, unnest(json_extract(properties, [{steps}])) AS v"
    found = connection.exec_driver_sql(f"""
        SELECT key, count(*), count_if(t IN ('BIGINT', 'UBIGINT')), count_if(t = 'DOUBLE'),
               count_if(t = 'BOOLEAN'), count_if(t = 'VARCHAR'),
               count_if(t IN ('ARRAY', 'OBJECT')), approx_count_distinct(v), avg(strlen(v))
        FROM (SELECT key, CAST(v AS VARCHAR) AS v, json_type(v) AS t
              FROM (SELECT {pairs} FROM (FROM {quoted(table)} USING SAMPLE {size} ROWS (system))))
        WHERE t <> 'NULL' GROUP BY key ORDER BY count(*) DESC, key""")
    return list(found)


def select(columns: Sequence[Column], base: Sequence[str], source: str) -> str:
    """Return the SELECT of the typed rows of *source*, which has *base* and ``properties``."""
    names = "".join(f"{quoted(name)}, " for name in (*base, *(c.stored for c in columns)))
    odd = " OR ".join(_odd(columns).values()) or "false"
    values = _values(columns, base, source)
    return f"SELECT {names}CASE WHEN {odd} THEN properties END AS {ODD} FROM {values}"


def odd_columns(connection: sa.Connection, columns: Sequence[Column], table: str) -> list[bool]:
    """Return for each column of the typed rows whether some row's value is not exact."""
    name = quoted(TYPED + table)
    if not connection.exec_driver_sql(
        f"SELECT 1 FROM {name} WHERE {ODD} IS NOT NULL LIMIT 1"
    ).all():
        return [False] * len(columns)
    documents = f"(SELECT {ODD} AS properties FROM {name} WHERE {ODD} IS NOT NULL)"
    odd = _odd(columns)
    flags = ", ".join(f"bool_or({odd.get(column, 'false')})" for column in columns)
    values = _values(columns, (), documents)
    return list(connection.exec_driver_sql(f"SELECT {flags} FROM {values}").one())


def _values(columns: Sequence[Column], base: Sequence[str], source: str) -> str:
    """Return rows with the columns' values, and the JSON that they are made of."""
    kept, raw = "".join(f"{quoted(name)}, " for name in base), _raw(columns)
    values = "".join(
        f", {_KINDS[c.kind].value.format(r=raw[c])} AS {quoted(c.stored)}" for c in columns
    )
    return f"(SELECT {kept}properties, _t, _x{values} FROM {_parsed(columns, kept, source)})"


def _parsed(columns: Sequence[Column], kept: str, source: str) -> str:
    """Return rows with ``_t``, a struct of JSON by key, and ``_x``, a list for all other paths."""
    plain, others = _split(columns)
    types = {c.path[0]: "VARCHAR" if c.kind == "TEXT" else "JSON" for c in plain}
    spec = json.dumps(types, ensure_ascii=False)
    struct = f"json_transform(properties, {literal(spec)})" if plain else "NULL"
    paths = ", ".join(literal(json_path(c.path)) for c in others)
    listed = f"json_extract(properties, [{paths}])" if others else "NULL"
    return f"(SELECT {kept}properties, {struct} AS _t, {listed} AS _x FROM {source})"


def _split(columns: Sequence[Column]) -> tuple[list[Column], list[Column]]:
    """Return the columns that a struct can hold, whose names do not differ by case, and others."""
    plain: dict[str, Column] = {}
    for column in columns:
        if len(column.path) == 1 and column.path[0]:
            plain.setdefault(column.path[0].lower(), column)
    chosen = set(plain.values())
    return list(chosen), [column for column in columns if column not in chosen]


def _raw(columns: Sequence[Column]) -> dict[Column, str]:
    """Return each column's JSON text, or the text itself for TEXT."""
    plain, others = _split(columns)
    found = {c: f"CAST(_t.{quoted(c.path[0])} AS VARCHAR)" for c in plain}
    for place, column in enumerate(others, 1):
        text = f"json_extract_string(_x[{place}], '$')"
        found[column] = text if column.kind == "TEXT" else f"CAST(_x[{place}] AS VARCHAR)"
    return found


def _odd(columns: Sequence[Column]) -> dict[Column, str]:
    """Return for each column whether the value of a row does not spell its JSON text again."""
    raw, found = _raw(columns), {}
    for column in columns:
        value, path = quoted(column.stored), literal(json_path(column.path))
        if column.kind == "TEXT":
            suspect = _NO_STRING.format(p=value)
            is_none = f"json_type(properties, {path}) <> 'VARCHAR'"
            found[column] = f"CASE WHEN {suspect} THEN {is_none} ELSE false END"
        elif column.kind != "RAW":
            text = _KINDS[column.kind].text.format(p=value)
            r = raw[column]
            found[column] = f"coalesce({r} <> 'null' AND {text} IS DISTINCT FROM {r}, false)"
    return found


# Whether a text could be that of another JSON value than a string; its type is then looked up.
_NO_STRING = (
    "CASE WHEN {p} < ':' THEN regexp_full_match({p}, '-?[0-9]+(\\.[0-9]+)?([eE][-+]?[0-9]+)?')"
    " WHEN {p} < '[' THEN false"
    " ELSE {p} < '\\' OR {p} >= '{{' OR {p} = 'true' OR {p} = 'false' END"
)


def append(connection: sa.Connection, table: str, selected: str) -> None:
    """Add to the typed rows of a table."""
    connection.exec_driver_sql(f"INSERT INTO {quoted(TYPED + table)} {selected}")


def same_as_json(connection: sa.Connection, table: str, selected: str) -> bool:
    """Return whether the typed rows of a table are what *selected* makes of it now."""
    sums = "SELECT count(*), bit_xor(hash(t)), sum(hash(t) // 1000) FROM {} AS t"
    made, there = (
        connection.exec_driver_sql(sums.format(rows)).one()
        for rows in (f"({selected})", quoted(TYPED + table))
    )
    return tuple(made) == tuple(there)


def shown(column: Column) -> str:
    """Return the SQL that shows a column: its value, or text where its type cannot say it."""
    name, kind = quoted(column.stored), _KINDS[column.kind]
    if not column.odd:
        return name if column.kind != "RAW" else kind.text.format(p=name)
    other = f"system.main.json_extract_string({ODD}, {literal(json_path(column.path))})"
    return f"CASE WHEN {ODD} IS NULL THEN {kind.text.format(p=name)} ELSE {other} END"


def shown_type(column: Column) -> str:
    """Return the type of what ``shown`` shows."""
    return "VARCHAR" if column.odd or column.kind == "RAW" else _KINDS[column.kind].type
