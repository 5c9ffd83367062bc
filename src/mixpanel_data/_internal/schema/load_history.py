"""The load history: one immutable row for every finished load, and what they say together."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import sqlalchemy as sa

from mixpanel_data._internal.duckdb import VERSION as DUCKDB_VERSION
from mixpanel_data._internal.schema.revisions import row_errors, tables_with_columns
from mixpanel_data._internal.schema.tables import loads_table
from mixpanel_data._version import __version__
from mixpanel_data.types import Coverage, LoadInfo, TableInfo, utc_now

if TYPE_CHECKING:
    from mixpanel_data.types import TableMetadata

# What a table's history starts with: a load, or its adoption with the rows that it had.
_BEGINNINGS = ("create", "adopt")
# NULL, or not there, for loads of earlier versions.
_LATER_COUNTS = ("outside", "invalid_last_seen", "ambiguous_times", "missing_times")


def record(connection: sa.Connection, load: LoadInfo) -> None:
    """Write the row of a load, in the load's own transaction."""
    row = {column.name: getattr(load, column.name) for column in loads_table.columns}
    connection.execute(sa.insert(loads_table).values(row))


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
    found = tables_with_columns(connection, [loads_table.name])
    if not found:
        return []
    there = {column.column_name for column in found[loads_table.name]}
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


def coverage(connection: sa.Connection, table: str) -> Coverage:
    """Return which days the loads of *table* covered since it was made.

    A load whose filters are narrower than those the table was made with covers no whole day.
    """
    past = history(connection, table)
    made = max((i for i, load in enumerate(past) if load.action in _BEGINNINGS), default=0)
    # Days as numbers: a load may say that it covers millions.
    loaded: set[int] = set()
    undated = 0
    for load in past[made:]:
        if load.from_date is None or load.to_date is None:
            undated += 1
        elif not load.filters or load.filters == past[made].filters:
            first, last = date.fromisoformat(load.from_date), date.fromisoformat(load.to_date)
            loaded.update(range(first.toordinal(), last.toordinal() + 1))
    whole = range(min(loaded), max(loaded) + 1) if loaded else range(0)
    return Coverage(
        table_name=table,
        loaded=[date.fromordinal(day) for day in whole if day in loaded],
        missing=[date.fromordinal(day) for day in whole if day not in loaded],
        undated=undated,
    )
