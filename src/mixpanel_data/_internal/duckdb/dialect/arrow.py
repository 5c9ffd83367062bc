"""Arrow data as a table of a SQLAlchemy statement."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from uuid import uuid4

import duckdb
import sqlalchemy as sa

from mixpanel_data._internal.deferral import Package
from mixpanel_data._internal.duckdb.dialect.search_path import before_statement, driver_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa
else:
    pa = Package("pyarrow")


@contextmanager
def arrow_source(
    connection: sa.Connection, data: pa.RecordBatchReader | pa.Table
) -> Iterator[sa.TableClause]:
    """Register Arrow data for the connection's statements, as a table within the block.

    A reader is read once, lazily, from a thread of DuckDB's. A ``pa.Table`` registered in a
    transaction stays in memory until that ends: DuckDB keeps the dropped view in its undo log.
    """
    name, raw = f"arrow_{uuid4().hex}", driver_of(connection)
    # DuckDB reads it by a function of its own, which a macro in the file could replace.
    before_statement(raw, "", ddl=False)
    raw.register(name, data)
    try:
        yield sa.table(name, *(sa.column(column) for column in data.schema.names))
    finally:
        # In an aborted transaction nothing can run; the rollback drops the view.
        with suppress(duckdb.TransactionException):
            driver_of(connection).unregister(name)


def count_relation(connection: sa.Connection, rows: int) -> duckdb.DuckDBPyRelation:
    """Return a number of changed rows as DuckDB answers text that changes rows."""
    return driver_of(connection).from_arrow(pa.table({"Count": pa.array([rows], pa.int64())}))
