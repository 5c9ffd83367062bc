"""Tables of a DuckDB database: read for a copy, and stored as one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.schema import AddConstraint

from mixpanel_data._internal.duckdb import staging
from mixpanel_data._internal.duckdb.database import Database
from mixpanel_data._internal.duckdb.dialect import driver_of
from mixpanel_data._internal.duckdb.interrupt import run_interruptible
from mixpanel_data._internal.loading import merge, stream
from mixpanel_data._internal.loading.copy_job import DERIVED, CopyJob, Fingerprint
from mixpanel_data._internal.loading.loader import Loader
from mixpanel_data._internal.schema import catalog, load_history
from mixpanel_data._internal.schema.tables import EVENTS, KINDS, user_table
from mixpanel_data.exceptions import CopyMismatchError

# DuckDB's own: more at a time is more memory, and no faster.
_ROWS = 2048

if TYPE_CHECKING:
    import pyarrow as pa


class CopyMixin:
    """Reads tables for a copy, and stores them as one."""

    has_unique_keys = True

    database: Database
    loader: Loader

    @contextmanager
    def _table(self, name: str, what: str) -> Iterator[tuple[sa.Connection, sa.Table]]:
        """Yield a registered table in a transaction, in little memory."""
        with (
            self.database.limit_memory(),
            self.database.transaction(f"{what} {name}") as connection,
        ):
            found = catalog.require(connection, name)
            kind = KINDS[catalog.metadata_of(connection, found).type]
            yield connection, user_table(kind, found)

    def fingerprint(self, name: str) -> Fingerprint:
        """Return the fingerprint of a registered table."""
        with self._table(name, "checksum of") as (connection, table):
            return _fingerprint(connection, table)

    @contextmanager
    def read(self, name: str, *, own_keys: bool) -> Iterator[pa.RecordBatchReader]:
        """Yield the rows of a registered table, in little memory."""
        with self._table(name, "read") as (connection, table):
            statement = _select(table, own_keys=own_keys)
            sql = statement.compile(connection, compile_kwargs={"literal_binds": True})
            relation: Any = driver_of(connection).sql(str(sql))
            # DuckDB 2 has only the first name, 1.4 only the second.
            start = getattr(relation, "to_arrow_reader", None) or relation.fetch_record_batch
            reader: pa.RecordBatchReader = start(_ROWS)
            try:
                yield reader
            finally:
                # With a result open on it the connection could not roll back.
                reader.close()

    def store_copy(self, job: CopyJob, batches: Iterator[pa.RecordBatch]) -> None:
        """Make a table of *batches*, with its load history, in one transaction."""
        with (
            self.loader.turn(job.name),
            self.database.write(f"copy {job.name}") as connection,
        ):
            table = catalog.new_table(connection, job.name, job.kind)
            staging.create_without_key(connection, table)
            stream.insert(connection, table, batches)
            job.check(_fingerprint(connection, table))
            _assign_keys(connection, job, table)
            if job.fingerprint.rows <= job.index_limit:
                connection.execute(AddConstraint(table.primary_key))
            catalog.register(connection, job.name, job.metadata)
            load_history.replace(connection, job.name, job.history)


def _assign_keys(connection: sa.Connection, job: CopyJob, table: sa.Table) -> None:
    """Make the keys unique, where they come from an engine on which they need not be."""
    if merge.any_repeated(connection, job.kind, table):
        merge.deduplicate(connection, job.kind, table, None)
        stored = connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
        if equal := job.fingerprint.rows - stored:
            raise CopyMismatchError(
                f"Table '{job.name}' holds {equal:,} rows that others equal in"
                f" {', '.join(job.kind.identity)}, which a load would have skipped. Nothing of it"
                " was stored. Delete them from the source, and copy again.",
                table_name=job.name,
                duplicates=equal,
            )


def _select(table: sa.Table, *, own_keys: bool) -> sa.Select[Any]:
    columns: list[sa.ColumnElement[Any]] = []
    for column in table.columns:
        if isinstance(column.type, sa.JSON):
            columns.append(sa.cast(column, sa.String).label(column.name))
        elif own_keys and column.primary_key and "event_name" in table.c:
            columns.append(merge.original_key(EVENTS, table).label(column.name))
        else:
            columns.append(column)
    return sa.select(*columns)


def _fingerprint(connection: sa.Connection, table: sa.Table) -> Fingerprint:
    row: sa.ColumnElement[str] = sa.literal("")
    for column in table.columns:
        row += sa.func.coalesce(_as_text(column), "-")
    total = sa.func.sum(sa.func.md5_number_lower(row))
    statement = sa.select(sa.func.count(), sa.func.coalesce(total, 0)).select_from(table)
    found = run_interruptible(driver_of(connection), lambda: connection.execute(statement).one())
    return Fingerprint(found[0], int(found[1]))


def _as_text(column: sa.Column[Any]) -> sa.ColumnElement[str]:
    if isinstance(column.type, sa.DateTime):
        return sa.cast(sa.func.epoch_us(column), sa.String)
    text: sa.ColumnElement[str] = sa.cast(column, sa.String)
    if column.name == "insert_id":
        text = sa.func.regexp_replace(text, DERIVED, "", type_=sa.String)
    return sa.cast(sa.func.strlen(text), sa.String) + ":" + text
