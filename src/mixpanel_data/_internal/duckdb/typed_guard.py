"""What guards typed rows in DuckDB: triggers, the view, and the state that both are in.

Three triggers note in ``_touched`` every change of a table that is not the library's own, whoever
makes it, in the transaction of the change. DuckDB has triggers from 2.0 on, in files of its format.
"""

# ruff: noqa: S608 - names and texts are quoted

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import duckdb
import sqlalchemy as sa

from mixpanel_data._internal.duckdb import VERSION
from mixpanel_data._internal.duckdb.dialect.search_path import home
from mixpanel_data._internal.duckdb.typed_rows import TYPED, Column, literal, quoted, shown

SCHEMA = "typed"
NO_TRIGGERS = int(VERSION.partition(".")[0]) < 2
# Statements that DuckDB refuses on a table with triggers, or runs without them.
REFUSED = {"MERGE_INTO", "ALTER"}
_EVENTS = ("insert", "update", "delete")


def can_guard(connection: sa.Connection) -> bool:
    """Return whether the database can have triggers: DuckDB 2.0, and a file in its format."""
    if NO_TRIGGERS:
        return False
    tags = connection.exec_driver_sql(
        "SELECT tags['storage_version'] FROM duckdb_databases()"
        f" WHERE database_name = {_database(connection)}"
    ).scalar()
    return tags is None or int(str(tags).lstrip("v").partition(".")[0]) >= 2


def guard(connection: sa.Connection, table: str) -> None:
    """Make the triggers that note every change of a table in ``_touched``."""
    for event in _EVENTS:
        _define(
            connection,
            f"CREATE TRIGGER {TYPED}{event} AFTER {event} ON {quoted(table)}"
            f" FOR EACH STATEMENT INSERT INTO main._touched VALUES ({literal(table)})",
        )


def unguard(connection: sa.Connection, table: str) -> None:
    """Drop the triggers of a table, as many as are there."""
    if not NO_TRIGGERS:
        there = f"SELECT trigger_name {_triggers(literal(table), _database(connection))}"
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


def release(raw: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Drop the triggers of the tables that *sql* names, for a statement of the kinds REFUSED."""
    if NO_TRIGGERS:
        return
    there = "SELECT table_name, trigger_name FROM duckdb_triggers()"
    ours = (
        f"{there} WHERE database_name = current_database() AND starts_with(trigger_name, '{TYPED}')"
    )
    for table, trigger in raw.execute(ours).fetchall():
        if table.lower() in sql.lower():
            raw.execute(f"DROP TRIGGER {quoted(trigger)} ON {quoted(table)}")


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
        f" AND schema_name = 'main' AND table_name = {literal(table)}"
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
    listed = [*map(quoted, base), *(f"{shown(c)} AS {quoted(c.name)}" for c in columns)]
    reason = (
        f"the typed rows of {table} are older than the table:"
        f" `mixpanel-data optimize {table}` or storage.optimize({table!r}) renews them"
    )
    view = _view(connection, table)
    create_schema(connection)
    _define(
        connection,
        f"CREATE OR REPLACE VIEW {view} AS SELECT {', '.join(listed)}"
        f" FROM main.{quoted(TYPED + table)} WHERE CASE WHEN {len(_EVENTS)} ="
        f" (SELECT count(*) {_triggers(literal(table), 'current_database()')}) AND NOT EXISTS"
        f" (SELECT 1 FROM main._touched AS u WHERE u.table_name = {literal(table)})"
        f" THEN true ELSE error({literal(reason)}) END",
    )


def create_schema(connection: sa.Connection) -> None:
    """Make the schema of the views, where it is not there."""
    name = f"{quoted(database_of(connection))}.{SCHEMA}"
    _define(connection, f"CREATE SCHEMA IF NOT EXISTS {name}")


def drop_view(connection: sa.Connection, table: str) -> None:
    """Drop the view of a table's typed rows."""
    if not NO_TRIGGERS and not _is_taken(connection, table):
        _define(connection, f"DROP VIEW IF EXISTS {_view(connection, table)}")


def removal(connection: sa.Connection) -> list[str]:
    """Return the statements that drop all typed rows, with their views and triggers."""
    if NO_TRIGGERS:
        return []
    rows = connection.exec_driver_sql(
        "SELECT trigger_name, table_name FROM duckdb_triggers()"
        f" WHERE database_name = {_database(connection)} AND starts_with(trigger_name, '{TYPED}')"
    ).all()
    statements = [f"DROP TRIGGER {quoted(name)} ON {quoted(table)}" for name, table in rows]
    for table in connection.exec_driver_sql("SELECT table_name FROM _typed").scalars().all():
        if not _is_taken(connection, table):
            statements.append(f"DROP VIEW IF EXISTS {_view(connection, table)}")
        statements.append(f"DROP TABLE IF EXISTS {quoted(TYPED + table)}")
    return statements


def _view(connection: sa.Connection, table: str) -> str:
    """Return the name of a table's view; a file may be named like its schema."""
    return f"{quoted(database_of(connection))}.{SCHEMA}.{quoted(table)}"


def _is_taken(connection: sa.Connection, table: str) -> bool:
    """Return whether the view's name is that of something that a user made."""
    found = connection.exec_driver_sql(
        "SELECT count(*) FROM (SELECT database_name, schema_name, table_name, sql"
        " FROM duckdb_tables() UNION ALL SELECT database_name, schema_name, view_name, sql"
        f" FROM duckdb_views()) WHERE database_name = {_database(connection)}"
        f" AND schema_name = '{SCHEMA}' AND lower(table_name) = lower({literal(table)})"
        f" AND NOT contains(sql, {literal(TYPED + table)})"
    )
    return bool(found.scalar())


def _database(connection: sa.Connection) -> str:
    """Return the database of the connection's unqualified tables, as SQL."""
    return literal(database_of(connection))


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
