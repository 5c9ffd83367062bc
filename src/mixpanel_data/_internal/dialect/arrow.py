"""Arrow data as a table of a SQLAlchemy statement."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from uuid import uuid4

import duckdb
import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa


@contextmanager
def arrow_source(
    connection: sa.Connection, data: pa.RecordBatchReader | pa.Table
) -> Iterator[sa.TableClause]:
    """Lend Arrow data to the connection's statements, as a table known within the block.

    A reader is read once, lazily, from a thread of DuckDB's. A ``pa.Table`` lent inside a
    transaction stays in memory until that ends: DuckDB keeps the dropped name for undoing.
    """
    raw = driver_of(connection)
    name = f"arrow_{uuid4().hex}"
    raw.register(name, data)
    try:
        yield sa.table(name, *(sa.column(column) for column in data.schema.names))
    finally:
        # In an aborted transaction nothing can run; the name goes with the rollback.
        with suppress(duckdb.TransactionException):
            raw = driver_of(connection)
            if hasattr(raw, "complete"):
                # DuckDB 2.0 wants a result that nobody read to its end out of the way first.
                raw.complete()
            raw.unregister(name)


def driver_of(connection: sa.Connection) -> duckdb.DuckDBPyConnection:
    """Give the driver's connection, a result still being read on it taken in."""
    raw = connection.connection.driver_connection
    assert isinstance(raw, duckdb.DuckDBPyConnection)
    return raw
