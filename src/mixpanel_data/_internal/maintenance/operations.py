"""The operations that revisions may use beside Alembic's own; importing this registers them.

``op.managed_tables``, ``op.rebuild_table`` and ``op.drop_typed_rows``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Literal

import sqlalchemy as sa
from alembic.operations import BatchOperations, MigrateOperation, Operations
from alembic.util.exc import CommandError

from mixpanel_data._internal.duckdb import typed_guard
from mixpanel_data._internal.schema.revisions import (
    FIRST_CATALOG,
    row_errors,
    tables_with_columns,
)
from mixpanel_data._internal.schema.tables import KINDS, metadata_table


def registered(connection: sa.Connection) -> list[tuple[str, str]]:
    """Return the name and kind of every table in the catalogue that is also in the database.

    Raises:
        DamagedDatabaseError: one is of a kind that is not known.
    """
    if not _has_catalog(connection):
        return []
    names = sa.select(metadata_table.c.table_name, metadata_table.c.type).order_by(
        metadata_table.c.table_name
    )
    there = set(sa.inspect(connection).get_table_names())
    found = [(name, kind) for name, kind in connection.execute(names) if name in there]
    for name, kind in found:
        with row_errors(metadata_table, name):
            if kind not in KINDS:
                raise ValueError(f"its type is {kind!r:.60}")
    return found


def _has_catalog(connection: sa.Connection) -> bool:
    name = metadata_table.name
    if connection.dialect.name != "duckdb":
        inspector = sa.inspect(connection)
        return name in {*inspector.get_table_names(), *inspector.get_view_names()}
    # A view of that name may read whatever its author liked.
    columns = tables_with_columns(connection, [name]).get(name, ())
    return {column.column_name for column in columns} >= FIRST_CATALOG


@Operations.register_operation("managed_tables")
class ManagedTables(MigrateOperation):
    """The users' tables, for revisions that change their shape."""

    @classmethod
    def managed_tables(cls, operations: Operations, kind: str | None = None) -> list[sa.Table]:
        """Return the tables in the catalogue, of *kind* or of both, as they are in the database.

        ``table.info`` holds the ``kind`` and the number of ``rows``.
        """
        live = _connection(operations)
        tables = []
        for name, its_kind in registered(live):
            if kind in (None, its_kind):
                table = sa.Table(name, sa.MetaData(), autoload_with=live)
                rows = live.scalar(sa.select(sa.func.count()).select_from(table))
                table.info.update(kind=its_kind, rows=rows)
                tables.append(table)
        return tables


@Operations.register_operation("rebuild_table")
class RebuildTable(MigrateOperation):
    """A table that is rebuilt in the same transaction, where DuckDB cannot alter it.

    Other engines alter it as it is, and have no keys.
    """

    @classmethod
    def rebuild_table(
        cls, operations: Operations, table: sa.Table | str, *, primary_key: str | bool = True
    ) -> AbstractContextManager[BatchOperations]:
        """Rebuild a table, or that of a name, with the changes made to the batch in the block.

        Rows, their order, key, indexes and comments stay. *primary_key* names the column of a new
        key, or is False for none.
        """
        if isinstance(table, str):
            table = sa.Table(table, sa.MetaData(), autoload_with=_connection(operations))
        wanted = table.to_metadata(sa.MetaData())
        if primary_key is not True:
            for column in wanted.columns:
                column.primary_key = column.name == primary_key
            wanted.append_constraint(sa.PrimaryKeyConstraint())
        return _batch(operations, wanted)


def _connection(operations: Operations) -> sa.Connection:
    """Return a connection to look at the database with, even where statements are only printed."""
    context = operations.migration_context
    connection: sa.Connection | None = context.opts.get("live_connection", context.connection)
    if connection is None:
        raise CommandError("This operation looks at the database, which --sql does not open.")
    return connection


@Operations.register_operation("drop_typed_rows")
class DropTypedRows(MigrateOperation):
    """The end of the typed rows beside all tables, with their views and triggers."""

    @classmethod
    def drop_typed_rows(cls, operations: Operations) -> None:
        """Drop them, and the schema of the views where nothing else is in it."""
        live = _connection(operations)
        if live.dialect.name != "duckdb":
            return
        for statement in typed_guard.removal(live):
            operations.execute(statement)


@contextmanager
def _batch(operations: Operations, table: sa.Table) -> Iterator[BatchOperations]:
    try:
        is_duckdb = _connection(operations).dialect.name == "duckdb"
        recreate: Literal["always", "never"] = "always" if is_duckdb else "never"
        with operations.batch_alter_table(table.name, recreate=recreate, copy_from=table) as batch:
            yield batch
    except sa.exc.DBAPIError as error:
        # After an error Alembic drops its new table, which the aborted transaction refuses: that
        # second error would hide the first.
        first: BaseException | None = error.__context__
        while first is not None and not isinstance(first, sa.exc.DBAPIError):
            first = first.__context__
        raise (first or error) from None
