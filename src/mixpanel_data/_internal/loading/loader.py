"""The way of a row: one job, one source, one transaction."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from dataclasses import replace

import sqlalchemy as sa

from mixpanel_data._internal.duckdb.database import Database
from mixpanel_data._internal.loading import merge, receipt
from mixpanel_data._internal.loading.job import LoadJob, LoadResult
from mixpanel_data._internal.loading.resolution import has_other_resolution
from mixpanel_data._internal.loading.sources import Source
from mixpanel_data._internal.schema import catalog, load_history
from mixpanel_data._internal.schema.tables import EVENTS
from mixpanel_data.exceptions import EmptyLoadError

logger = logging.getLogger(__name__)


class Loader:
    """Runs load jobs on one database; two jobs on one table take turns."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Two loads into one table would fail at commit, after all their work.
        self._turns: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)

    def run(self, job: LoadJob, source: Source) -> LoadResult:
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
        with (
            self.turn(job.table),
            self._database.write(what, files=source.reads_files) as connection,
        ):
            job, table = _resolve(connection, job)
            target = merge.open_target(connection, job, table)
            clock = job.clock()
            read = source.write_to(connection, target, clock)
            if read == 0 and job.needs_records:
                raise EmptyLoadError(job.table, job.source)
            if job.dates_from_records:
                job = _dated(connection, job, target)
            offset = receipt.time_offset(connection, target) if job.kind is EVENTS else None
            result = merge.apply(connection, job, table, target, read)
            result = replace(
                result,
                ambiguous_times=clock.ambiguous if clock else 0,
                missing_times=clock.missing if clock else 0,
                time_offset=offset,
            )
            _record(connection, job, table.name, result)
            twice = has_other_resolution(connection, job, table, result)
            source.stored(result.stored)
        _log(job, result, twice)
        return result

    def turn(self, table: str) -> threading.RLock:
        """Return the lock that those who write into *table* hold in turn."""
        return self._turns[table.lower()]


def _resolve(connection: sa.Connection, job: LoadJob) -> tuple[LoadJob, sa.Table]:
    """Return the job and its table; one that may create a missing table creates it."""
    if job.if_missing == "create" and catalog.find(connection, job.table) is None:
        job = replace(job, action="create")
    if job.action == "create":
        return job, catalog.new_table(connection, job.table, job.kind)
    table = catalog.known_table(connection, job.table, job.kind)
    return job.for_table(catalog.metadata_of(connection, table.name)), table


def _log(job: LoadJob, result: LoadResult, twice: bool) -> None:
    """Log what became of the records, and warn of what looks like a mistake."""
    if twice:
        one = result.stored == 1
        logger.warning(
            "%s stored in %s %s from what it held only within the second: one export is in"
            " seconds, the other in milliseconds (time_in_ms). Each event is there twice now; load"
            " these days again with replace.",
            "The one event" if one else f"All {result.stored:,} events",
            *(job.table, "differs" if one else "differ"),
            # Nothing in the history of loads tells it.
            extra={"note": True},
        )
    if result.outside:
        logger.warning(
            "%d of the records loaded into %s are of other days or events than its metadata says.",
            *(result.outside, job.table),
        )
    if result.ambiguous_times or result.missing_times:
        logger.warning(
            "Of the times loaded into %s, %d come twice in %s and are taken for the first of the"
            " two, %d are skipped by its clock and are read by the offset before the change.",
            *(job.table, result.ambiguous_times, job.time_zone, result.missing_times),
        )
    if result.time_offset:
        logger.warning(
            "The times loaded into %s, taken as %s, are %+g hours off UTC, as those show at which"
            " Mixpanel received the events. Load them again with the project's zone as time_zone of"
            " the metadata, such as 'US/Pacific'.",
            *(job.table, job.time_zone, result.time_offset / 3600),
        )
    logger.info(
        "Loaded %s into %s: %d records read, %d rows stored, %d duplicates skipped,"
        " %d collisions kept, %d rows replaced",
        *(job.kind.name, job.table, result.read, result.stored, result.duplicates),
        *(result.collisions, result.replaced),
    )


def _dated(connection: sa.Connection, job: LoadJob, target: sa.Table) -> LoadJob:
    """Return the job with the days of the events in *target*; profiles have none."""
    if "event_time" not in target.c:
        return job
    time = target.c.event_time
    first, last = connection.execute(sa.select(sa.func.min(time), sa.func.max(time))).one()
    if first is None:
        return job
    days = {"from_date": first.date().isoformat(), "to_date": last.date().isoformat()}
    return replace(job, metadata=job.metadata.model_copy(update=days))


def _record(connection: sa.Connection, job: LoadJob, table: str, result: LoadResult) -> None:
    """Write what was loaded into the catalogue and the load history."""
    counts = {"duplicates": result.duplicates, "collisions": result.collisions}
    metadata = job.metadata.model_copy(update=counts)
    enter = catalog.register if job.action == "create" else catalog.refresh
    enter(connection, table, metadata)
    load_history.record(connection, result.history_entry(job, table))
