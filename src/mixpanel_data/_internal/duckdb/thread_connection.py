"""The connection of one thread: its SQL text, its statements and its session see the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa
from sqlalchemy.pool import NullPool, StaticPool

from mixpanel_data._internal.duckdb.dialect.shared_connection import SharedConnection

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

    from mixpanel_data._internal.duckdb.dialect.dbapi import Connection


class ThreadConnection:
    """One connection of the database, under three names.

    Temporary tables, settings and registered frames belong to a connection of DuckDB's, so all
    that a thread asks goes through this one. ``statements`` runs each SQLAlchemy statement on its
    own, within a transaction that SQL text or a session has begun. ``sessions`` has transactions:
    the first lends the connection until it ends, and one that begins meanwhile gets another.
    """

    def __init__(self, engine: sa.Engine, prepare: Callable[[sa.Engine], object]) -> None:
        """Connect; *prepare* gets each of the two engines."""
        self._engine: sa.Engine = engine
        self._pooled = engine.raw_connection()
        # The dialect's own class, whatever the pool may call it.
        self._connection: Connection = cast("Connection", self._pooled.dbapi_connection)
        # Out of the pool, for as long as the thread lives.
        self._pooled.detach()
        self._lent: bool = False
        self.only_reads: bool = True
        """Whether none but single queries have run on it: no transaction is open then."""
        self.statements: sa.Engine = self._engine_over(
            StaticPool(self._share, reset_on_return=None, dialect=engine.dialect)
        )
        self.sessions: sa.Engine = self._engine_over(NullPool(self._lend, dialect=engine.dialect))
        prepare(self.statements)
        prepare(self.sessions)

    @property
    def driver_connection(self) -> duckdb.DuckDBPyConnection:
        """DuckDB's own connection, with no result open on it."""
        return self._connection.idle_driver_connection

    def _engine_over(self, pool: sa.Pool) -> sa.Engine:
        return sa.Engine(pool, self._engine.dialect, self._engine.url)

    def _share(self) -> Any:
        return SharedConnection(self._connection, autocommit=True)

    def _lend(self) -> Any:
        if self._lent:
            pooled = self._engine.raw_connection()
            pooled.detach()
            return pooled.dbapi_connection
        self._lent, self.only_reads = True, False
        return SharedConnection(self._connection, on_close=self._take_back)

    def _take_back(self) -> None:
        self._lent = False
