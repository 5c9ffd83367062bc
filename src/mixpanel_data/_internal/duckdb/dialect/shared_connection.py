"""One DB-API connection under several names."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

    from mixpanel_data._internal.duckdb.dialect.dbapi import Connection, Cursor


class SharedConnection:
    """A connection that others use, too, in a transaction of its own or as *autocommit* in theirs.

    Closing it closes nothing, and calls *on_close*.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        autocommit: bool = False,
        on_close: Callable[[], object] = lambda: None,
    ) -> None:
        self._connection = connection
        self._on_close = on_close
        self.autocommit = autocommit
        self.temporary_tables = connection.temporary_tables

    @property
    def closed(self) -> bool:
        """Whether the connection itself is closed."""
        return self._connection.closed

    @property
    def idle_driver_connection(self) -> duckdb.DuckDBPyConnection:
        """The driver's own connection, with no result open."""
        return self._connection.idle_driver_connection

    def cursor(self) -> Cursor:
        """Return a cursor with a result of its own."""
        return self._connection.cursor()

    def begin(self) -> None:
        """Start a transaction, unless every statement is to be its own."""
        if not self.autocommit:
            self._connection.begin()

    def commit(self) -> None:
        """Commit what :meth:`begin` started."""
        if not self.autocommit:
            self._connection.commit()

    def rollback(self) -> None:
        """Undo what was done since :meth:`begin`."""
        if not self.autocommit:
            self._connection.rollback()

    def close(self) -> None:
        """Stop using the connection, which stays open for the others."""
        try:
            # SQLAlchemy closes without a rollback what Ctrl-C has interrupted.
            if not self.closed:
                self.rollback()
        finally:
            self._on_close()
