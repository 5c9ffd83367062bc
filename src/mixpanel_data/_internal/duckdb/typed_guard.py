"""What guards typed rows in DuckDB: triggers, the view, and the state that both are in.

Three triggers note in ``_touched`` every change of a table that is not the library's own, whoever
makes it, in the transaction of the change. DuckDB has triggers from 2.0 on, in files of its format.
"""

# ruff: noqa: S608 - names and texts are quoted

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

import duckdb
import sqlalchemy as sa

from mixpanel_data._internal.duckdb import MAJOR
from mixpanel_data._internal.duckdb.dialect.dbapi import Cursor, kind_of
from mixpanel_data._internal.duckdb.dialect.search_path import home
from mixpanel_data._internal.duckdb.quoting import literal, quoted
from mixpanel_data._internal.duckdb.typed_rows import TYPED, shown
from mixpanel_data._internal.typed_columns import ODD, Column

SCHEMA = "typed"
REGISTRY = {"_typed", "_touched"}
NO_TRIGGERS = MAJOR < 2
# Statements that DuckDB refuses on a table with triggers, or runs without them.
REFUSED = {"MERGE_INTO", "ALTER"}
_MAY_BE_REFUSED = re.compile(r"\b(?:MERGE|ALTER)\b", re.IGNORECASE)
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
    """Make the triggers that note changes of a table in ``_touched``, by one row."""
    name = literal(table)
    for event in _EVENTS:
        _define(
            connection,
            f"CREATE TRIGGER {TYPED}{event} AFTER {event} ON {quoted(table)}"
            f" FOR EACH STATEMENT INSERT INTO main._touched SELECT {name} WHERE NOT EXISTS"
            f" (SELECT 1 FROM main._touched AS t WHERE t.table_name = {name})",
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
    guarded: set[str]
    """The names in lower case of the tables with triggers of ours."""


def state(raw: duckdb.DuckDBPyConnection, database: str, *, only_reads: bool = False) -> State:
    """Return the state of all typed rows of a database, in one snapshot; without triggers none.

    A connection that *only_reads* has no temporary views, which are not looked for then.
    """
    if NO_TRIGGERS:
        return State({}, set(), set(), set())
    rows: dict[str, tuple[str, str, str]] = {}
    found: defaultdict[str, list[tuple[str, ...]]] = defaultdict(list)
    sql = _STATE if only_reads else _STATE + _VIEWS
    for what, name, *rest in _run(raw, sql.format(quoted(database))).fetchall():
        found[what].append((name.lower(), *rest))
        if what == "typed":
            rows[name.lower()] = (name, rest[0], rest[1])
    home = {name: sql for name, *place, sql in found["table"] if place == [database, "main"]}
    triggers = Counter(
        name for name, place, trigger, _ in found["trigger"]
        if place == database and trigger.startswith(TYPED)
    )  # fmt: skip
    changed = {name for name, *_ in found["touched"]}
    changed.update(
        name for name, *_, definition in found["typed"]
        if triggers[name] != len(_EVENTS)
        or home.get(name) != definition
        # Dropped, or made by a version that named its columns otherwise.
        or ODD not in (home.get(TYPED + name) or "")
    )  # fmt: skip
    hidden = {name for name, place, *_ in found["table"] if place == "temp"}
    return State(rows, changed & rows.keys(), hidden, set(triggers))


# Simple parts: a query with conditions takes a multiple of the time to be planned.
_STATE = """
SELECT 'typed', table_name, type, CAST(columns AS VARCHAR), definition FROM {0}.main._typed
UNION ALL SELECT 'touched', table_name, NULL, NULL, NULL FROM {0}.main._touched
UNION ALL SELECT 'trigger', table_name, database_name, trigger_name, NULL
          FROM system.main.duckdb_triggers()
UNION ALL SELECT 'table', table_name, database_name, schema_name, sql
          FROM system.main.duckdb_tables()
"""
_VIEWS = """
UNION ALL SELECT 'table', view_name, database_name, schema_name, NULL
          FROM system.main.duckdb_views() WHERE NOT internal
"""


class Registered(NamedTuple):
    """The names in lower case of the tables with typed rows, as one transaction sees them."""

    names: set[str]
    is_home: bool
    """Whether unqualified names are those of the database's main schema."""
    transaction: int


def registered(raw: duckdb.DuckDBPyConnection, database: str) -> Registered:
    """Return which tables have typed rows, current or not."""
    found = _run(
        raw,
        "SELECT table_name, current_database(), current_schema(), txid_current()"
        f" FROM {quoted(database)}.main._typed",
    ).fetchall()
    if not found:
        return Registered(set(), False, -1)
    _, *place, number = found[0]
    return Registered({row[0].lower() for row in found}, place == [database, "main"], number)


def transaction(raw: duckdb.DuckDBPyConnection) -> int:
    """Return the number of the transaction that this query is in."""
    return int(_run(raw, "SELECT txid_current()").fetchall()[0][0])


@contextmanager
def snapshot(raw: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Let all queries in the block see the database as it is now."""
    try:
        _run(raw, "BEGIN")
        yield
        _run(raw, "COMMIT")
    except BaseException:
        # Ctrl-C may come before it began, or after it ended.
        with suppress(duckdb.TransactionException):
            raw.rollback()
        raise


_parsed: dict[str, duckdb.Statement] = {}


def _run(raw: duckdb.DuckDBPyConnection, sql: str) -> duckdb.DuckDBPyConnection:
    """Run one of few statements, which to parse again would take a third of its time."""
    statement = _parsed.get(sql) or _parsed.setdefault(sql, raw.extract_statements(sql)[0])
    return raw.execute(statement)


def release_before_statements(engine: sa.Engine) -> None:
    """Let *engine* run statements of the kinds REFUSED, too; see ``release``."""

    def before_execute(_: object, cursor: Cursor, statement: str, *__: object) -> None:
        if _MAY_BE_REFUSED.search(statement):
            raw = cursor.connection.raw
            # What cannot be parsed has its error when it runs.
            with suppress(duckdb.Error):
                if not REFUSED.isdisjoint(map(kind_of, raw.extract_statements(statement))):
                    release(raw, statement)

    sa.event.listen(engine, "before_cursor_execute", before_execute)


def release(raw: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Drop the triggers of the tables that *sql* names, for a statement of the kinds REFUSED."""
    if NO_TRIGGERS:
        return
    there = "SELECT table_name, trigger_name FROM system.main.duckdb_triggers()"
    ours = (
        f"{there} WHERE database_name = system.main.current_database()"
        f" AND system.main.starts_with(trigger_name, '{TYPED}')"
    )
    for table, trigger in raw.execute(ours).fetchall():
        name = re.escape(table.replace('"', '""'))
        if re.search(rf"(?<!\w){name}(?!\w)", sql, re.IGNORECASE):
            raw.execute(f"DROP TRIGGER {quoted(trigger)} ON {quoted(table)}")


def exist(raw: duckdb.DuckDBPyConnection) -> bool:
    """Return whether any typed rows are registered; of the driver, as every opening asks it."""
    return bool(raw.execute("SELECT 1 FROM _typed LIMIT 1").fetchall())


def definition(connection: sa.Connection, table: str) -> str:
    """Return the DDL of a table, which tells when it was altered."""
    found = connection.exec_driver_sql(
        f"SELECT sql FROM system.main.duckdb_tables() WHERE database_name = {_database(connection)}"
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
    view, database = _view(connection, table), "system.main.current_database()"
    create_schema(connection)
    _define(
        connection,
        f"CREATE OR REPLACE VIEW {view} AS SELECT {', '.join(listed)}"
        f" FROM main.{quoted(TYPED + table)} WHERE CASE WHEN {len(_EVENTS)} ="
        f" (SELECT system.main.count(*) {_triggers(literal(table), database)}) AND NOT EXISTS"
        f" (SELECT 1 FROM main._touched AS u WHERE u.table_name = {literal(table)})"
        f" THEN true ELSE system.main.error({literal(reason)}) END",
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
        "SELECT trigger_name, table_name FROM system.main.duckdb_triggers()"
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
        " FROM system.main.duckdb_tables()"
        " UNION ALL SELECT database_name, schema_name, view_name, sql"
        f" FROM system.main.duckdb_views()) WHERE database_name = {_database(connection)}"
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
        f"FROM system.main.duckdb_triggers() AS g WHERE g.database_name = {database}"
        f" AND g.table_name = {table} AND system.main.starts_with(g.trigger_name, '{TYPED}')"
    )


def _define(connection: sa.Connection, ddl: str) -> None:
    connection.execute(sa.DDL(ddl.replace("%", "%%")))  # type: ignore[no-untyped-call]
