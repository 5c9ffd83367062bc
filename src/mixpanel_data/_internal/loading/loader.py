"""The way of a row into DuckDB: one job, one source, one transaction."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import sqlalchemy as sa

from mixpanel_data._internal.duckdb import VERSION
from mixpanel_data._internal.duckdb.database import Database
from mixpanel_data._internal.loading import merge, outcome, receipt, stream
from mixpanel_data._internal.loading.export_source import ExportSource
from mixpanel_data._internal.loading.job import LoadJob, LoadResult
from mixpanel_data._internal.loading.resolution import has_other_resolution
from mixpanel_data._internal.loading.sources import RecordSource
from mixpanel_data._internal.loading.turns import Turn, turns_of
from mixpanel_data._internal.schema import catalog, load_history
from mixpanel_data._internal.schema.tables import EVENTS
from mixpanel_data.exceptions import EmptyLoadError

if TYPE_CHECKING:
    from mixpanel_data.types import TableMetadata


class Loader:
    """Runs load jobs on one database; two jobs on one table take turns."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Two loads into one table would fail at commit, after all their work.
        self._turns = turns_of(database.place or database.engine.url)

    def run(self, job: LoadJob, source: RecordSource | ExportSource) -> LoadResult:
        """Load all records of *source*, and the catalogue's and history's rows with them.

        Raises:
            TableExistsError, TableNotFoundError, ValueError: the table and the job do not fit.
            EmptyLoadError: there is no record, and the job needs one.
            InvalidRecordError: a record cannot be stored, or a replacing load holds one of other
                days or events.
            UnsupportedExport: *source* cannot read its files this way.
            QueryError: the database failed.
        """
        what = f"load into {job.table}"
        memory = source.thread_memory if isinstance(source, ExportSource) else 0
        with (
            self.turn(job.table),
            self._database.write(what, thread_memory=memory) as connection,
        ):
            job, table, before = _resolve(connection, job)
            target = merge.open_target(connection, job, table)
            clock = job.clock()
            if isinstance(source, ExportSource):
                read = source.write_to(connection, target, clock)
            else:
                read = stream.insert(connection, target, source.batches(clock), source.report)
            if read == 0 and job.needs_records:
                raise EmptyLoadError(job.table, job.source)
            if job.dates_from_records:
                job = outcome.dated(connection, job, target)
            offset = receipt.time_offset(connection, target) if job.kind is EVENTS else None
            result = merge.apply(connection, job, table, target, read)
            result = replace(
                result,
                ambiguous_times=clock.ambiguous if clock else 0,
                missing_times=clock.missing if clock else 0,
                time_offset=offset,
            )
            _record(connection, job, table.name, result, before)
            twice = has_other_resolution(connection, job, table, result)
            if isinstance(source, RecordSource):
                source.stored(result.stored)
        outcome.log(job, result, twice)
        return result

    def turn(self, table: str) -> Turn:
        """Return the right to write into *table*."""
        return self._turns.of(table)


def _resolve(
    connection: sa.Connection, job: LoadJob
) -> tuple[LoadJob, sa.Table, TableMetadata | None]:
    """Return the job, its table, and what is known of one that is there.

    A job that may create a missing table creates it.
    """
    if job.if_missing == "create" and catalog.find(connection, job.table) is None:
        job = replace(job, action="create")
    if job.action == "create":
        return job, catalog.new_table(connection, job.table, job.kind), None
    table, before = catalog.known_table(connection, job.table, job.kind)
    return job.for_table(before), table, before


def _record(
    connection: sa.Connection,
    job: LoadJob,
    table: str,
    result: LoadResult,
    before: TableMetadata | None,
) -> None:
    """Write what was loaded into the catalogue and the load history."""
    counts = {"duplicates": result.duplicates, "collisions": result.collisions}
    metadata = job.metadata.model_copy(update=counts)
    if before is None:
        catalog.register(connection, table, metadata)
    else:
        catalog.refresh(connection, table, metadata, before)
    load_history.record(connection, result.history_entry(job, table, VERSION))
