"""What the parts of StorageEngine share: one open database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import sqlalchemy as sa

from mixpanel_data._internal.errors import query_errors

if TYPE_CHECKING:
    import duckdb

    from mixpanel_data._internal.engine import Database

Progress = Callable[[int], object]


class Base:
    """An open database."""

    _database: Database

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The calling thread's raw DuckDB connection; its errors are DuckDB's own."""
        return self._database.raw()

    @contextmanager
    def _begin(self, what: str | sa.Executable) -> Iterator[sa.Connection]:
        """Give a transaction on the pool; *what* it is for goes into its errors."""
        with query_errors(what), self._database.begin() as connection:
            yield connection
