"""The load history: one immutable row for every finished load."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from mixpanel_data._internal.duckdb import VERSION as DUCKDB_VERSION
from mixpanel_data._internal.schema.revisions import column_names, row_errors
from mixpanel_data._internal.schema.tables import loads_table
from mixpanel_data._version import __version__
from mixpanel_data.types import LoadInfo, TableInfo, utc_now

if TYPE_CHECKING:
    from mixpanel_data.types import TableMetadata

# NULL, or not there, for loads of earlier versions.
_LATER_COUNTS = ("outside", "invalid_last_seen", "ambiguous_times", "missing_times")


def record(connection: sa.Connection, load: LoadInfo) -> None:
    """Write the row of a load, in the load's own transaction."""
    row = {column.name: getattr(load, column.name) for column in loads_table.columns}
    connection.execute(sa.insert(loads_table).values(row))


def replace(connection: sa.Connection, table: str, loads: list[LoadInfo]) -> None:
    """Write the history of a table that was copied, in place of that of an earlier one."""
    name = sa.func.lower(loads_table.c.table_name)
    connection.execute(sa.delete(loads_table).where(name == table.lower()))
    for load in loads:
        record(connection, load)


def adopt(connection: sa.Connection, table: TableInfo, meta: TableMetadata) -> None:
    """Write the first row of a table that is older than its history."""
    record(
        connection,
        LoadInfo(
            table_name=table.name,
            type=table.type,
            action="adopt",
            source=None,
            started_at=meta.fetched_at,
            finished_at=utc_now(),
            from_date=meta.from_date,
            to_date=meta.to_date,
            filters=meta.filters,
            records=table.row_count,
            stored=table.row_count,
            duplicates=0,
            collisions=0,
            replaced=0,
            library_version=__version__,
            duckdb_version=DUCKDB_VERSION,
        ),
    )


def history(connection: sa.Connection, table: str | None = None) -> list[LoadInfo]:
    """Return the loads of one table, or of all, in the order in which they finished.

    Loads of an earlier table of the same name are among them.
    """
    # An older file, opened for reading, may have no history, or one with fewer columns.
    there = column_names(connection, loads_table.name)
    if not there:
        return []
    columns = [column for column in loads_table.columns if column.name in there]
    rows = sa.select(*columns).order_by(loads_table.c.finished_at)
    if table is not None:
        rows = rows.where(sa.func.lower(loads_table.c.table_name) == table.lower())
    with row_errors(loads_table):
        return [
            LoadInfo(
                **{
                    **row,
                    "filters": dict(row["filters"] or {}),
                    **{name: row.get(name) or 0 for name in _LATER_COUNTS},
                }
            )
            for row in connection.execute(rows).mappings()
        ]
