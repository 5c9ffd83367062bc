"""The catalogue: `_metadata` rows, and what is in the database."""

from __future__ import annotations

from datetime import date, datetime, timezone
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateTable

from mixpanel_data._internal.schema.revisions import FIRST_CATALOG, head, version_table
from mixpanel_data._internal.schema.tables import (
    EVENTS,
    INTERNAL,
    KINDS,
    Kind,
    metadata_table,
    quoted,
    user_table,
)
from mixpanel_data.exceptions import TableExistsError, TableNotFoundError
from mixpanel_data.types import ColumnInfo, TableInfo, TableMetadata, TableSchema

_relations = sa.text(
    """
    SELECT table_name FROM duckdb_tables()
    WHERE database_name = current_database() AND schema_name = current_schema() AND NOT temporary
    UNION ALL
    SELECT view_name FROM duckdb_views()
    WHERE database_name = current_database() AND schema_name = current_schema()
      AND NOT temporary AND NOT internal
    """
).columns(sa.column("table_name", sa.String)).subquery("relations")  # fmt: skip

_columns = sa.text(
    """
    SELECT c.table_name, c.column_name, c.data_type, c.is_nullable, c.column_index,
           EXISTS (FROM duckdb_constraints() AS k
                   WHERE k.table_oid = c.table_oid AND k.database_oid = c.database_oid
                     AND k.constraint_type = 'PRIMARY KEY'
                     AND list_contains(k.constraint_column_names, c.column_name)) AS primary_key
    FROM duckdb_columns() AS c
    WHERE c.database_name = current_database() AND c.schema_name = current_schema()
    """
).columns(
    sa.column("table_name", sa.String),
    sa.column("column_name", sa.String),
    sa.column("data_type", sa.String),
    sa.column("is_nullable", sa.Boolean),
    sa.column("column_index", sa.Integer),
    sa.column("primary_key", sa.Boolean),
).subquery("columns")  # fmt: skip


def create_internal(connection: sa.Connection) -> None:
    """Make the internal tables of a new database, at the head of the revisions."""
    for table in (*INTERNAL, version_table):
        connection.execute(CreateTable(table))
    connection.execute(sa.insert(version_table).values(version_num=head()))


def names(connection: sa.Connection) -> list[str]:
    """Return the names of all tables and views that are not internal."""
    found = sa.select(_relations.c.table_name).order_by(_relations.c.table_name)
    return [name for name in connection.scalars(found) if not name.startswith("_")]


def find(connection: sa.Connection, name: str) -> str | None:
    """Return the name of a user's table or view as the database spells it, or None.

    DuckDB's names keep their case but do not differ by it.
    """
    spelled = sa.select(_relations.c.table_name).where(_same(_relations.c.table_name, name))
    return None if str(name).startswith("_") else connection.scalar(spelled)


def require(connection: sa.Connection, name: str) -> str:
    """Return the name of a user's table as the database spells it.

    Raises:
        TableNotFoundError: it is not there.
    """
    found = find(connection, name)
    if found is None:
        raise TableNotFoundError(name)
    return found


def new_table(connection: sa.Connection, name: str, kind: Kind) -> sa.Table:
    """Return the table that a create call is to make.

    Raises:
        TableExistsError: the name is taken.
    """
    if find(connection, name) is not None:
        raise TableExistsError(name)
    return user_table(kind, name)


def known_table(connection: sa.Connection, name: str, kind: Kind) -> sa.Table:
    """Return the registered table that an append call is to grow.

    Raises:
        ValueError: it holds the other kind.
        TableNotFoundError: it is not there.
    """
    found = require(connection, name)
    registered = kind_of(connection, found)
    if registered is None:
        raise ValueError(
            f"Cannot append {kind.name} to table '{found}': it was not made by this library."
        )
    if registered is not kind:
        raise ValueError(
            f"Cannot append {kind.name} to {registered.name} table '{found}'."
            f" Use append_{registered.name}_table, or another table."
        )
    return user_table(kind, found)


def kind_of(connection: sa.Connection, name: str) -> Kind | None:
    """Return the kind a table is registered as, or None."""
    rows = _entries(connection)
    kind = connection.scalar(sa.select(rows.c.type).where(_same(rows.c.table_name, name)))
    return KINDS.get(kind) if kind else None


def register(connection: sa.Connection, name: str, meta: TableMetadata) -> None:
    """Write the catalogue row of a table that was just made and filled."""
    connection.execute(sa.delete(metadata_table).where(_same(metadata_table.c.table_name, name)))
    connection.execute(
        sa.insert(metadata_table).values(table_name=name, **_row(connection, name, meta))
    )


def refresh(connection: sa.Connection, name: str, meta: TableMetadata) -> None:
    """Bring the catalogue row of a table up to date with what was just appended.

    The days widen to cover both loads. The filters stay those of the first load.
    """
    before = metadata_of(connection, name)
    row = _row(connection, name, meta)
    row["from_date"] = min(filter(None, (_day(before.from_date), row["from_date"])), default=None)
    row["to_date"] = max(filter(None, (_day(before.to_date), row["to_date"])), default=None)
    del row["filters"], row["type"]
    connection.execute(
        sa.update(metadata_table).where(metadata_table.c.table_name == name).values(row)
    )


def infer_metadata(connection: sa.Connection, name: str, kind: Kind) -> TableMetadata:
    """Return the metadata of a table that nothing else is known of than its rows."""
    known: dict[str, Any] = {"type": kind.name, "fetched_at": datetime.now(timezone.utc)}
    if kind is EVENTS:
        table = user_table(kind, name)
        for key, end in (("from_date", sa.func.min), ("to_date", sa.func.max)):
            day = sa.cast(sa.cast(end(table.c.event_time), sa.Date), sa.String)
            known[key] = connection.scalar(sa.select(day))
    return TableMetadata(**known)


def forget(connection: sa.Connection, name: str) -> None:
    """Remove a table's catalogue row."""
    connection.execute(sa.delete(metadata_table).where(_same(metadata_table.c.table_name, name)))


def metadata_of(connection: sa.Connection, name: str) -> TableMetadata:
    """Return what a table was registered with.

    Raises:
        TableNotFoundError: it is not there, or not in the catalogue.
    """
    found = require(connection, name)
    rows = _entries(connection)
    row = connection.execute(sa.select(rows).where(_same(rows.c.table_name, found))).one_or_none()
    if row is None:
        raise TableNotFoundError(name)
    return TableMetadata(
        type=row.type,
        fetched_at=row.fetched_at,
        from_date=row.from_date and row.from_date.isoformat(),
        to_date=row.to_date and row.to_date.isoformat(),
        duplicates=row.duplicates or 0,
        collisions=row.collisions or 0,
        **(row.filters or {}),
    )


def tables(connection: sa.Connection) -> list[TableInfo]:
    """Return the registered tables that are in the database, by name."""
    rows = _entries(connection)
    listed = (
        sa.select(rows)
        .where(rows.c.table_name.in_(sa.select(_relations.c.table_name)))
        .order_by(rows.c.table_name)
    )
    return [
        TableInfo(
            name=row.table_name,
            type=row.type,
            row_count=row.row_count,
            fetched_at=row.fetched_at.replace(tzinfo=timezone.utc),
        )
        for row in connection.execute(listed)
    ]


def schema_of(connection: sa.Connection, name: str) -> TableSchema:
    """Return the columns of a user's table, with DuckDB's names for their types.

    Raises:
        TableNotFoundError: it is not there.
    """
    found = require(connection, name)
    kind = kind_of(connection, found)
    columns = connection.execute(
        sa.select(_columns).where(_columns.c.table_name == found).order_by(_columns.c.column_index)
    )
    return TableSchema(
        table_name=found,
        columns=[
            ColumnInfo(
                name=column.column_name,
                type=column.data_type,
                nullable=column.is_nullable,
                # A large table has its key without an index.
                primary_key=column.primary_key
                or (kind is not None and column.column_name == kind.key),
            )
            for column in columns
        ],
    )


def _entries(connection: sa.Connection) -> sa.Subquery:
    """Return the rows of the catalogue, as any revision keeps them.

    A file that was opened for reading may be older: what it lacks is NULL, or no row at all.
    """
    named = sa.select(_columns.c.column_name).where(_columns.c.table_name == metadata_table.name)
    there = set(connection.scalars(named))
    columns = [
        column if column.name in there else sa.cast(sa.null(), column.type).label(column.name)
        for column in metadata_table.columns
    ]
    rows = sa.select(*columns)
    return (rows if there >= FIRST_CATALOG else sa.select(*columns).where(sa.false())).subquery()


def _same(column: sa.ColumnElement[str], name: str) -> sa.ColumnElement[bool]:
    # A quoted_name gives itself for lower().
    return sa.func.lower(column) == str.lower(str(name))


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _row(connection: sa.Connection, name: str, meta: TableMetadata) -> dict[str, Any]:
    count = sa.select(sa.func.count()).select_from(sa.table(quoted(name)))
    return {
        "type": meta.type,
        "fetched_at": meta.fetched_at,
        "from_date": _day(meta.from_date),
        "to_date": _day(meta.to_date),
        "row_count": connection.scalar(count),
        "filters": meta.filters,
        "duplicates": meta.duplicates,
        "collisions": meta.collisions,
    }
