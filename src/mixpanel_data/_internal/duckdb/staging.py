"""Staging tables, and tables rebuilt where DuckDB cannot alter them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateTable, DropTable

POSITION = "_position"


def create_staging(
    connection: sa.Connection, name: str, columns: Iterable[sa.Column[Any]]
) -> sa.Table:
    """Make a temporary table with *columns* and no key, in place of one that an error left."""
    table = _without_key(name, columns, prefixes=["OR REPLACE TEMPORARY"])
    connection.execute(CreateTable(table))
    return table


def create_without_key(connection: sa.Connection, table: sa.Table) -> None:
    """Make *table* without its primary key: DuckDB builds an index faster afterwards, in bulk."""
    connection.execute(CreateTable(_without_key(table.name, table.columns)))


def add_positions(connection: sa.Connection, table: sa.Table) -> sa.Table:
    """Add a column with the order of insertion, from 0 on, and return the table with it."""
    spelled = connection.dialect.identifier_preparer.format_table(table)
    connection.execute(sa.text(f"ALTER TABLE {spelled} ADD COLUMN {POSITION} BIGINT"))
    numbered = _without_key(table.name, [*table.columns, sa.Column(POSITION, sa.BigInteger)])
    rowid: sa.ColumnElement[int] = sa.literal_column("rowid")
    # Rows that are not committed yet have large ones.
    first = sa.select(sa.func.min(rowid)).select_from(table).scalar_subquery()
    connection.execute(sa.update(numbered).values({POSITION: rowid - first}))
    return numbered


def drop_positions(connection: sa.Connection, table: sa.Table) -> None:
    """Take the column that ``add_positions`` added away again."""
    spelled = connection.dialect.identifier_preparer.format_table(table)
    connection.execute(sa.text(f"ALTER TABLE {spelled} DROP COLUMN {POSITION}"))


def drop_primary_key(connection: sa.Connection, table: sa.Table) -> None:
    """Rebuild *table* without its primary key, which DuckDB cannot drop.

    What users added (columns, comments, indexes of their own) stays.
    """
    found = sa.Table(str(table.name), sa.MetaData(), autoload_with=connection)
    if not found.primary_key.columns:
        return
    bare = found.to_metadata(
        sa.MetaData(), name=sa.quoted_name(f"_unkeyed_{table.name}", quote=True)
    )
    for column in bare.primary_key.columns:
        column.primary_key = False
    bare.append_constraint(sa.PrimaryKeyConstraint())
    bare.indexes.clear()
    bare.create(connection)
    connection.execute(sa.insert(bare).from_select(list(bare.columns), sa.select(found)))
    connection.execute(DropTable(table))
    quote = connection.dialect.identifier_preparer.quote_identifier
    connection.execute(sa.text(f"ALTER TABLE {quote(bare.name)} RENAME TO {quote(table.name)}"))
    # Names of indexes are the schema's, and a table with an index cannot be renamed.
    for index in found.indexes:
        index.create(connection)


def _without_key(
    name: str, columns: Iterable[sa.Column[Any]], prefixes: Iterable[str] = ()
) -> sa.Table:
    copies = [sa.Column(c.name, c.type, nullable=c.nullable) for c in columns]
    return sa.Table(name, sa.MetaData(), *copies, quote=True, prefixes=list(prefixes))
