"""Where names are looked up: macros in a file must not replace functions in our own statements.

DuckDB looks into the file's schema before its own ``system.main``, for operators too. Our
statements run with ``system.main`` in front of it. DDL cannot: without a schema, it would create in
``system.main``.
"""

from __future__ import annotations

import re
import weakref
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from mixpanel_data._internal.deferral import deferred_interrupts
from mixpanel_data._internal.duckdb.dialect.system_catalog import Place
from mixpanel_data._internal.duckdb.quoting import literal, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    import sqlalchemy as sa

# The views of system.main; where a user's table is named like one, it is the table that is meant.
_SYSTEM_VIEW = re.compile(
    r'"(?:sqlite_(?:temp_)?(?:master|schema)|pragma_database_list|'
    r'duckdb_(?:columns|constraints|databases|indexes|logs|schemas|tables|types|views))"',
    re.IGNORECASE,
)


_ATTEMPTS = 5


@dataclass
class _Paths:
    """The search paths of one connection, and the place where it creates tables."""

    home: Place
    users: str
    ours: str
    current: str | None

    def use(self, raw: duckdb.DuckDBPyConnection, path: str) -> None:
        if path != self.current:
            # An interrupt may end it when the path is set already.
            self.current = None
            raw.execute(f"SET search_path = {literal(path)}")
            self.current = path


_paths: weakref.WeakKeyDictionary[duckdb.DuckDBPyConnection, _Paths] = weakref.WeakKeyDictionary()


@contextmanager
def system_functions(connection: sa.Connection) -> Iterator[sa.Connection]:
    """Let the connection's statements use DuckDB's own functions, whatever the file defines."""
    raw = driver_of(connection)
    with system_functions_of(raw):
        yield connection


@contextmanager
def system_functions_of(raw: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Do the same as ``system_functions`` for statements on the driver's connection."""
    if raw in _paths:
        yield
        return
    ((database, schema, users),) = raw.execute(
        "SELECT system.main.current_database(), system.main.current_schema(),"
        " system.main.current_setting('search_path')"
    ).fetchall()
    ours = f"system.main,{quoted(database)}.{quoted(schema)}"
    paths = _paths[raw] = _Paths(Place(database, schema), users, ours, users)
    try:
        paths.use(raw, ours)
        yield
    finally:
        with deferred_interrupts():
            del _paths[raw]
            _restore(raw, paths)


def _restore(raw: duckdb.DuckDBPyConnection, paths: _Paths) -> None:
    """Set the user's path again, or all that the connection creates would go to ``system.main``."""
    # An interrupt that was meant for the statement before may end one attempt. A connection that
    # takes none of them cannot run anything else either.
    for _ in range(_ATTEMPTS):
        with suppress(duckdb.Error):
            paths.use(raw, paths.users)
            return


def before_statement(raw: duckdb.DuckDBPyConnection, sql: str, *, ddl: bool) -> None:
    """Set the search path for a statement, on a connection in ``system_functions``."""
    if (paths := _paths.get(raw)) is not None:
        paths.use(raw, paths.users if ddl or _SYSTEM_VIEW.search(sql) else paths.ours)


def driver_of(connection: sa.Connection) -> duckdb.DuckDBPyConnection:
    """Return the driver's connection, with no result open on it."""
    raw = connection.connection.driver_connection
    assert isinstance(raw, duckdb.DuckDBPyConnection)
    return raw


def home(connection: sa.Connection) -> Place:
    """Return where a connection's unqualified tables are."""
    paths = _paths.get(driver_of(connection))
    return Place(None, None) if paths is None else paths.home
