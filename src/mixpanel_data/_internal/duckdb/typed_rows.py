"""Typed rows in DuckDB's SQL: their values out of JSON, and the triggers that guard them.

A value is exact where the column's value spells the JSON text again. A row with any other value
keeps its JSON in ``_odd``.
"""

# ruff: noqa: S608 - names and texts are quoted

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import duckdb
import sqlalchemy as sa

from mixpanel_data._internal.duckdb import VERSION
from mixpanel_data._internal.duckdb.dialect.search_path import home
from mixpanel_data._internal.duckdb.dialect.types import path as json_path

ODD = "_odd"
TYPED = "_typed_"
SCHEMA = "typed"
_EVENTS = ("insert", "update", "delete")
NO_TRIGGERS = int(VERSION.partition(".")[0]) < 2

_TEXT = "CAST({p} AS VARCHAR)"
# Beyond 2**53 the fraction's zero stays.
DECIMAL = (
    "CASE WHEN floor({p}) = {p} AND abs({p}) < 9007199254740992.0"
    " THEN CAST(CAST({p} AS BIGINT) AS VARCHAR) ELSE CAST({p} AS VARCHAR) END"
)


class _Kind(NamedTuple):
    """A column's type, its value from JSON text *r*, and the text of its value *p*."""

    type: str
    value: str
    text: str


# NUMBER has integers and fractions, as JavaScript writes them; RAW any JSON, as it is.
_KINDS = {
    "TEXT": _Kind(
        "VARCHAR",
        """CASE WHEN starts_with({r}, '"') THEN CASE WHEN contains({r}, '\\') THEN"""
        " json_extract_string({r}, '$') ELSE substr({r}, 2, length({r}) - 2) END END",
        "{p}",
    ),
    "INT": _Kind("BIGINT", "TRY_CAST({r} AS BIGINT)", _TEXT),
    "FLOAT": _Kind("DOUBLE", "TRY_CAST({r} AS DOUBLE)", _TEXT),
    "NUMBER": _Kind("DOUBLE", "TRY_CAST({r} AS DOUBLE)", DECIMAL),
    "BOOL": _Kind("BOOLEAN", "CASE {r} WHEN 'true' THEN true WHEN 'false' THEN false END", _TEXT),
    "RAW": _Kind("JSON", "CAST({r} AS JSON)", "json_extract_string({p}, '$')"),
}
TYPES: dict[str, sa.types.TypeEngine[Any]] = {
    "TEXT": sa.String(),
    "INT": sa.BigInteger(),
    "FLOAT": sa.Double(),
    "NUMBER": sa.Double(),
    "BOOL": sa.Boolean(),
    "RAW": sa.JSON(),
}


class Column(NamedTuple):
    """One property as a column; *odd* where some row's value is not exact."""

    path: tuple[str, ...]
    name: str
    kind: str
    odd: bool = False


def can_guard(connection: sa.Connection) -> bool:
    """Return whether the database can have triggers: DuckDB 2.0, and a file in its format."""
    if NO_TRIGGERS:
        return False
    tags = connection.exec_driver_sql(
        "SELECT tags['storage_version'] FROM duckdb_databases()"
        f" WHERE database_name = {_database(connection)}"
    ).scalar()
    return tags is None or int(str(tags).lstrip("v").partition(".")[0]) >= 2


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
        names = ", ".join(_literal(json.dumps(path)) for path in paths)
        steps = ", ".join(_literal(json_path(path)) for path in paths)
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
    kept, raw = ", ".join(map(quoted, base)), _raw(columns)
    values = "".join(
        f", {_KINDS[c.kind].value.format(r=raw[c])} AS {quoted(c.name)}" for c in columns
    )
    names = "".join(f", {quoted(c.name)}" for c in columns)
    odd = " OR ".join(filter(None, (_odd(c, raw[c]) for c in columns))) or "false"
    return (
        f"SELECT {kept}{names}, CASE WHEN {odd} THEN properties END AS {ODD}"
        f" FROM (SELECT {kept}, properties, _t, _x{values} FROM {_parsed(columns, kept, source)})"
    )


def odd_columns(connection: sa.Connection, columns: Sequence[Column], table: str) -> list[bool]:
    """Return for each column of the typed rows whether some row's value is not exact."""
    raw, name = _raw(columns), quoted(TYPED + table)
    if connection.exec_driver_sql(f"SELECT 1 FROM {name} WHERE {ODD} IS NOT NULL LIMIT 1").first():
        source = f"(SELECT {ODD} AS properties FROM {name} WHERE {ODD} IS NOT NULL)"
        values = "".join(
            f", {_KINDS[c.kind].value.format(r=raw[c])} AS {quoted(c.name)}" for c in columns
        )
        flags = ", ".join(f"bool_or({_odd(c, raw[c]) or 'false'})" for c in columns)
        parsed = _parsed(columns, "1", source)
        row = connection.exec_driver_sql(
            f"SELECT {flags} FROM (SELECT _t, _x{values} FROM {parsed})"
        )
        return list(row.one())
    return [False] * len(columns)


def _parsed(columns: Sequence[Column], kept: str, source: str) -> str:
    """Return rows with ``_t``, a struct of JSON by key, and ``_x``, a list for all other paths."""
    plain, others = _split(columns)
    spec = json.dumps({c.path[0]: "JSON" for c in plain}, ensure_ascii=False)
    struct = f"json_transform(properties, {_literal(spec)})" if plain else "NULL"
    paths = ", ".join(_literal(json_path(c.path)) for c in others)
    listed = f"json_extract(properties, [{paths}])" if others else "NULL"
    return f"(SELECT {kept}, properties, {struct} AS _t, {listed} AS _x FROM {source})"


def _split(columns: Sequence[Column]) -> tuple[list[Column], list[Column]]:
    """Return the columns that a struct can hold, whose names do not differ by case, and others."""
    plain: dict[str, Column] = {}
    for column in columns:
        if len(column.path) == 1 and column.path[0]:
            plain.setdefault(column.path[0].lower(), column)
    chosen = set(plain.values())
    return list(chosen), [column for column in columns if column not in chosen]


def _raw(columns: Sequence[Column]) -> dict[Column, str]:
    plain, others = _split(columns)
    found = {c: f"CAST(_t.{quoted(c.path[0])} AS VARCHAR)" for c in plain}
    found.update((c, f"CAST(_x[{n}] AS VARCHAR)") for n, c in enumerate(others, 1))
    return found


def _odd(column: Column, raw: str) -> str | None:
    """Return whether the value of a row does not spell its JSON text again."""
    if column.kind == "RAW":
        return None
    if column.kind == "TEXT":
        return f"""coalesce({raw} <> 'null' AND NOT starts_with({raw}, '"'), false)"""
    text = _KINDS[column.kind].text.format(p=quoted(column.name))
    return f"coalesce({raw} <> 'null' AND {text} IS DISTINCT FROM {raw}, false)"


def append(connection: sa.Connection, table: str, selected: str) -> None:
    """Add to the typed rows of a table."""
    connection.exec_driver_sql(f"INSERT INTO {quoted(TYPED + table)} {selected}")


def guard(connection: sa.Connection, table: str) -> None:
    """Make the triggers that note every change of a table in ``_touched``."""
    for event in _EVENTS:
        _define(
            connection,
            f"CREATE TRIGGER {TYPED}{event} AFTER {event} ON {quoted(table)}"
            f" FOR EACH STATEMENT INSERT INTO main._touched VALUES ({_literal(table)})",
        )


def unguard(connection: sa.Connection, table: str) -> None:
    """Drop the triggers of a table, as many as are there."""
    if not NO_TRIGGERS:
        there = f"SELECT trigger_name {_triggers(_literal(table), _database(connection))}"
        for (trigger,) in connection.exec_driver_sql(there).all():
            _define(connection, f"DROP TRIGGER {quoted(trigger)} ON {quoted(table)}")


class State(NamedTuple):
    """The typed rows that are registered, and what tells whether they count."""

    rows: dict[str, tuple[str, str, str]]
    """Name, kind and columns by the name in lower case."""
    changed: set[str]
    """The names in lower case of those that are older than their tables."""
    hidden: set[str]
    """Temporary tables and views, which come before others of their name."""
    is_home: bool
    """Whether unqualified names are those of the database's main schema."""


def state(connection: sa.Connection, database: str) -> State:
    """Return the state of all typed rows of a database, in one snapshot."""
    parts: defaultdict[str, list[list[str]]] = defaultdict(list)
    for what, name, *rest in connection.exec_driver_sql(_STATE.format(quoted(database))):
        parts[what].append([name, *rest])
    here = {name.lower(): sql for name, sql, place, _ in parts["table"] if place == database}
    triggers = Counter(name.lower() for name, place, *_ in parts["trigger"] if place == database)
    touched = {name.lower() for name, *_ in parts["touched"]}
    rows = {row[0].lower(): row for row in parts["typed"]}
    changed = {
        name
        for name, (*_, definition) in rows.items()
        if triggers[name] != len(_EVENTS) or name in touched or here.get(name) != definition
    }
    hidden = {name.lower() for name, _, place, _ in parts["table"] if place == "temp"}
    return State(
        {name: (row[0], row[1], row[2]) for name, row in rows.items()},
        changed,
        hidden,
        parts["place"][0][:2] == [database, "main"],
    )


# Simple parts are planned in a fraction of the time that a query with conditions takes.
_STATE = f"""
SELECT 'typed', table_name, type, CAST(columns AS VARCHAR), definition FROM {{0}}.main._typed
UNION ALL SELECT DISTINCT 'touched', table_name, NULL, NULL, NULL FROM {{0}}.main._touched
UNION ALL SELECT 'trigger', table_name, database_name, NULL, NULL FROM duckdb_triggers()
          WHERE starts_with(trigger_name, '{TYPED}')
UNION ALL SELECT 'table', table_name, sql, database_name, NULL FROM duckdb_tables()
          WHERE schema_name = 'main' AND NOT starts_with(table_name, '_')
UNION ALL SELECT 'table', view_name, NULL, database_name, NULL FROM duckdb_views()
          WHERE database_name = 'temp' AND NOT internal
UNION ALL SELECT 'place', current_database(), current_schema(), NULL, NULL
"""


def exist(raw: duckdb.DuckDBPyConnection) -> bool:
    """Return whether any typed rows are registered; of the driver, as every opening asks it."""
    return bool(raw.execute("SELECT 1 FROM _typed LIMIT 1").fetchall())


def registered(connection: sa.Connection, database: str) -> tuple[set[str], str]:
    """Return the tables with typed rows in lower case, and the number of the transaction."""
    rows = connection.exec_driver_sql(
        f"SELECT lower(table_name) FROM {quoted(database)}.main._typed"
        " UNION ALL SELECT CAST(txid_current() AS VARCHAR)"
    )
    *names, number = rows.scalars()
    return set(names), number


def transaction(connection: sa.Connection) -> str:
    """Return the number of the transaction that this query is in."""
    number = "SELECT CAST(txid_current() AS VARCHAR)"
    return str(connection.exec_driver_sql(number).scalar_one())


def definition(connection: sa.Connection, table: str) -> str:
    """Return the DDL of a table, which tells when it was altered."""
    found = connection.exec_driver_sql(
        f"SELECT sql FROM duckdb_tables() WHERE database_name = {_database(connection)}"
        f" AND schema_name = 'main' AND table_name = {_literal(table)}"
    )
    return str(found.scalar_one())


def create_view(
    connection: sa.Connection, table: str, columns: Sequence[Column], base: Sequence[str]
) -> None:
    """Make the view of a table's typed rows, with a property's own name for its column.

    It refuses to be read once the typed rows are out of date.
    """
    if _is_taken(connection, table):
        return
    shown = [*map(quoted, base), *(f"{_shown(c)} AS {quoted(c.name)}" for c in columns)]
    reason = (
        f"the typed rows of {table} are older than the table:"
        f" `mixpanel-data optimize {table}` or storage.optimize({table!r}) renews them"
    )
    _define(connection, f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    _define(
        connection,
        f"CREATE OR REPLACE VIEW {SCHEMA}.{quoted(table)} AS SELECT {', '.join(shown)}"
        f" FROM main.{quoted(TYPED + table)} WHERE CASE WHEN {len(_EVENTS)} ="
        f" (SELECT count(*) {_triggers(_literal(table), 'current_database()')}) AND NOT EXISTS"
        f" (SELECT 1 FROM main._touched AS u WHERE u.table_name = {_literal(table)})"
        f" THEN true ELSE error({_literal(reason)}) END",
    )


def drop_view(connection: sa.Connection, table: str) -> None:
    """Drop the view of a table's typed rows."""
    if not NO_TRIGGERS and not _is_taken(connection, table):
        _define(connection, f"DROP VIEW IF EXISTS {SCHEMA}.{quoted(table)}")


def _is_taken(connection: sa.Connection, table: str) -> bool:
    """Return whether the view's name is that of something that a user made."""
    found = connection.exec_driver_sql(
        "SELECT count(*) FROM (SELECT database_name, schema_name, table_name, sql"
        " FROM duckdb_tables() UNION ALL SELECT database_name, schema_name, view_name, sql"
        f" FROM duckdb_views()) WHERE database_name = {_database(connection)}"
        f" AND schema_name = '{SCHEMA}' AND lower(table_name) = lower({_literal(table)})"
        f" AND NOT contains(sql, {_literal(TYPED + table)})"
    )
    return bool(found.scalar())


def _shown(column: Column) -> str:
    name, kind = quoted(column.name), _KINDS[column.kind]
    if not column.odd:
        return name if column.kind != "RAW" else kind.text.format(p=name)
    other = f"json_extract_string({ODD}, {_literal(json_path(column.path))})"
    return f"CASE WHEN {ODD} IS NULL THEN {kind.text.format(p=name)} ELSE {other} END"


def _database(connection: sa.Connection) -> str:
    """Return the database of the connection's unqualified tables, as SQL."""
    return _literal(database_of(connection))


def database_of(connection: sa.Connection) -> str:
    """Return the name of the database of the connection's unqualified tables."""
    name = home(connection).database
    if name is None:
        name = connection.exec_driver_sql("SELECT system.main.current_database()").scalar_one()
    return str(name)


def _triggers(table: str, database: str) -> str:
    return (
        f"FROM duckdb_triggers() AS g WHERE g.database_name = {database}"
        f" AND g.table_name = {table} AND starts_with(g.trigger_name, '{TYPED}')"
    )


def _define(connection: sa.Connection, ddl: str) -> None:
    connection.execute(sa.DDL(ddl.replace("%", "%%")))  # type: ignore[no-untyped-call]


def quoted(name: str) -> str:
    """Return a name as an identifier."""
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
