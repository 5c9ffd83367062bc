"""What the parts of StorageEngine share: one open database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

import sqlalchemy as sa

from mixpanel_data._internal.duckdb.errors import query_errors

if TYPE_CHECKING:
    from mixpanel_data._internal.duckdb import DuckDBPyConnection
    from mixpanel_data._internal.duckdb.database import Database


class StorageBase:
    """An open database."""

    _database: Database

    @property
    def connection(self) -> DuckDBPyConnection:
        """The calling thread's own DuckDB connection; its errors are DuckDB's own.

        Every call of this thread uses it: temporary tables, settings, and DataFrames that
        ``connection.register(name, frame)`` names are seen by all of them.
        """
        connection = self._database.thread_connection().driver_connection
        self._database.create_wal()
        return connection

    def query_errors(self, what: str) -> AbstractContextManager[None]:
        """Turn the driver's errors inside the block into QueryErrors that name *what* it is for.

        For code that works with relations or with ``connection``.
        """
        return query_errors(what, self._database.begin)

    @contextmanager
    def _begin(self, what: str) -> Iterator[sa.Connection]:
        """Yield a transaction on the pool; *what* it is for goes into its errors."""
        with query_errors(what), self._database.begin() as connection:
            yield connection
