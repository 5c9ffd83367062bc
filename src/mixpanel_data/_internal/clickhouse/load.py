"""A load: records into a staging table, the table as it will be beside it, and one exchange.

Before the exchange nothing that readers see has changed; after it everything has, the catalogue's
entry too, which is the comment of the new table.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import sqlalchemy as sa

from mixpanel_data._internal.clickhouse import merge
from mixpanel_data._internal.clickhouse.catalog import Catalog, Entry
from mixpanel_data._internal.clickhouse.database import Database, literal, quoted
from mixpanel_data._internal.clickhouse.errors import (
    DRIVER_ERRORS,
    TABLE_EXISTS,
    code_of,
    query_error,
    query_errors,
)
from mixpanel_data._internal.clickhouse.locks import Lock, locked
from mixpanel_data._internal.clickhouse.merge import POSITION
from mixpanel_data._internal.deferral import Package, late_interrupts
from mixpanel_data._internal.loading import outcome, receipt
from mixpanel_data._internal.loading.job import LoadJob, LoadResult
from mixpanel_data._internal.loading.sources import RecordSource
from mixpanel_data._internal.schema.tables import EVENTS, check_kind, days_of_both
from mixpanel_data._internal.zones import WallClock
from mixpanel_data.exceptions import (
    EmptyLoadError,
    QueryError,
    TableExistsError,
    UnsupportedError,
)
from mixpanel_data.types import TableMetadata

if TYPE_CHECKING:
    import pyarrow as pa
else:
    pa = Package("pyarrow")

logger = logging.getLogger(__name__)

# What is sent at a time, whichever limit comes first.
_SENT_ROWS = 65_536
_SENT_BYTES = 32 << 20
# The times at which Mixpanel received events are looked up in these.
_FIRST_RECORDS = 4_000


class Loader:
    """Runs load jobs on one database; two jobs of this engine on one table take turns."""

    def __init__(self, database: Database, catalog: Catalog) -> None:
        self._database = database
        self._catalog = catalog
        self._turns: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)

    def run(self, job: LoadJob, source: RecordSource) -> LoadResult:
        """Load all records of *source*, and the catalogue's and history's entries with them.

        Raises:
            TableExistsError, TableNotFoundError, ValueError: the table and the job do not fit.
            DatabaseLockedError: another process loads into the table.
            EmptyLoadError: there is no record, and the job needs one.
            InvalidRecordError: a record cannot be stored, or a replacing load holds one of other
                days or events.
            UnsupportedError: the table is one of several servers.
            QueryError: the database failed.
        """
        with self._turns[job.table]:
            # Before the lock, too: what cannot be needs none.
            self._resolved(job)
            with locked(self._database, job.table) as lock:
                job, before = self._resolved(job)
                result, twice = self._load(job, source, lock, before)
        outcome.log(job, result, twice)
        return result

    @contextmanager
    def turn(self, name: str) -> Iterator[None]:
        """Keep loads of this table waiting, and other processes' out."""
        with self._turns[name], locked(self._database, name):
            yield

    def drop(self, name: str) -> None:
        """Drop a table, unless somebody loads into it.

        Raises:
            TableNotFoundError: it is not there.
            DatabaseLockedError: another process loads into it.
        """
        self._catalog.require(name)
        with self.turn(name):
            found = self._catalog.require(name)
            is_view = "View" in self._catalog.engine_of(found)
            with query_errors(f"drop {name}"):
                self._database.command(
                    f"DROP {'VIEW' if is_view else 'TABLE'} {quoted(found)} SYNC"
                )

    def _resolved(self, job: LoadJob) -> tuple[LoadJob, Entry | None]:
        """Return the job and the entry of the table that it adds to, None if it is to be made."""
        found = self._catalog.find(job.table)
        if job.if_missing == "create" and found is None:
            job = replace(job, action="create")
        if job.action == "create":
            if found is not None:
                raise TableExistsError(job.table)
            return job, None
        found = self._catalog.require(job.table)
        self._check_alone(found)
        entry = self._catalog.entry(found)
        check_kind(job.kind, found, None if entry is None else entry.kind)
        assert entry is not None
        return job.for_table(entry.metadata), entry

    def _check_alone(self, name: str) -> None:
        engine = self._catalog.engine_of(name)
        if engine == "Distributed":
            raise UnsupportedError(
                f"'{name}' is a Distributed table of ClickHouse, into which a load cannot be"
                " published in one step. Load on each shard the users that belong to it, into the"
                " table that it distributes; reading and reports go over all shards."
            )
        if engine.startswith("Replicated") and self._database.database_engine == "Atomic":
            raise UnsupportedError(
                f"'{name}' is replicated, in a database with the engine Atomic, whose replicas a"
                " load would make differ. Use a database with the engine Replicated."
            )

    def _load(
        self, job: LoadJob, source: RecordSource, lock: Lock, before: Entry | None
    ) -> tuple[LoadResult, bool]:
        """Return what became of the records, and whether they look like those that are there."""
        what = f"load into {job.table}"
        clock = job.clock()
        with query_errors(what):
            merge.create_staging(self._database, job.kind, lock)
        read = self._stage(lock, source, clock, what)
        if read == 0 and job.needs_records:
            raise EmptyLoadError(job.table, job.source)
        with self._database.connect(what) as connection:
            fresh = merge.staged(job.kind, lock)
            if job.dates_from_records:
                job = outcome.dated(connection, job, fresh)
            result = self._counted(connection, job, fresh, read, clock)
        with query_errors(what):
            merged = merge.merge(self._database, job, lock, self._catalog)
            twice = merge.has_other_resolution(self._database, job, lock)
        result = replace(result, stored=merged.stored, replaced=merged.replaced)
        source.stored(result.stored)
        entry = self._entry(job, result, lock, before, merged.rows)
        self.publish(job, lock, entry)
        return result, twice

    def _stage(self, lock: Lock, source: RecordSource, clock: WallClock | None, what: str) -> int:
        """Send the records in numbered batches, and return how many there were."""
        read = sent = 0
        waiting = Waiting()
        # No generator in between: what the caller's own code raises must leave as it is.
        for batch in source.batches(clock):
            read += batch.num_rows
            sent += self._send(lock, waiting.add(batch), sent, what)
            source.report(read)
        self._send(lock, waiting.rest(), sent, what)
        return read

    def _send(self, lock: Lock, table: pa.Table | None, position: int, what: str) -> int:
        if table is None:
            return 0
        positions = pa.array(range(position, position + table.num_rows), pa.uint64())
        with query_errors(what), self._database.client() as client:
            client.insert_arrow(quoted(lock.staging), table.append_column(POSITION, positions))
        return int(table.num_rows)

    def _counted(
        self,
        connection: sa.Connection,
        job: LoadJob,
        fresh: sa.Table,
        read: int,
        clock: WallClock | None,
    ) -> LoadResult:
        """Return what the records are, before any is stored."""
        outside = outcome.count_outside(connection, job, fresh)
        if outside and job.needs_window:
            raise outcome.outside_refusal(connection, job, fresh, POSITION, outside)
        offset = None
        if job.kind is EVENTS:
            first = sa.select(fresh).where(fresh.c[POSITION] < _FIRST_RECORDS).subquery()
            offset = receipt.time_offset(connection, first)
        warn_of_unreadable(connection, fresh, job.table)
        return LoadResult(
            read,
            0,
            0,
            0,
            outside,
            outcome.count_invalid_last_seen(connection, job, fresh),
            ambiguous_times=clock.ambiguous if clock else 0,
            missing_times=clock.missing if clock else 0,
            time_offset=offset,
        )

    def _entry(
        self, job: LoadJob, result: LoadResult, lock: Lock, before: Entry | None, rows: int
    ) -> Entry:
        """Return the catalogue's entry after the load.

        The days widen to cover all loads. The filters stay those of the first load.
        """
        counts = {"duplicates": result.duplicates, "collisions": result.collisions}
        metadata = job.metadata.model_copy(update=counts)
        if before is not None:
            old = before.metadata
            filters = {
                name: getattr(old, name)
                for name in TableMetadata.model_fields
                if name.startswith("filter_")
            }
            metadata = metadata.model_copy(update={**days_of_both(old, metadata), **filters})
        load = result.history_entry(job, job.table, self._database.version)
        return Entry(metadata, load, lock.load_id, rows)

    def publish(self, job: LoadJob, lock: Lock, entry: Entry) -> None:
        """Put the new table in the place of the old one: before it nothing is changed.

        Ctrl-C comes too late from here on.
        """
        new, name = quoted(lock.next), quoted(job.table)
        create = job.action == "create"
        swap = f"RENAME TABLE {new} TO {name}" if create else f"EXCHANGE TABLES {new} AND {name}"
        comment = f"ALTER TABLE {new} MODIFY COMMENT {literal(entry.comment())}"
        with late_interrupts(f"load into {job.table}") as complete:
            complete()
            try:
                self._database.command(comment)
                self._database.command(swap)
            except DRIVER_ERRORS as error:
                # The answer may be lost, and not the exchange.
                if not self._is_published(job.table, lock):
                    raise _refusal(error, job) from None
            self._catalog.enter_load(entry)

    def _is_published(self, table: str, lock: Lock) -> bool:
        try:
            entry = self._catalog.entry(table)
        except QueryError:
            return False
        return entry is not None and entry.load_id == lock.load_id


def _refusal(error: BaseException, job: LoadJob) -> Exception:
    if code_of(error) == TABLE_EXISTS and job.action == "create":
        return TableExistsError(job.table)
    return query_error(error, f"load into {job.table}")


def warn_of_unreadable(connection: sa.Connection, rows: sa.Table, table: str) -> None:
    """Log how many documents, stored as they are, ClickHouse's JSON functions cannot read."""
    if unreadable := merge.count_unreadable(connection, rows):
        logger.warning(
            "%d of the records loaded into %s have properties that ClickHouse's JSON functions"
            " cannot read (a number beyond DOUBLE; of older servers an integer past 64"
            " bits): they are stored as they are, and every property of them reads as missing.",
            *(unreadable, table),
            extra={"note": True},
        )


class Waiting:
    """Batches that are sent together, as many as one statement takes."""

    def __init__(self, most_rows: int = _SENT_ROWS, most_bytes: int = _SENT_BYTES) -> None:
        self._most = most_rows, most_bytes
        self._gathered: list[pa.RecordBatch] = []
        self._rows = self._bytes = 0

    def add(self, batch: pa.RecordBatch) -> pa.Table | None:
        """Take a batch, and return those that are to be sent now."""
        self._gathered.append(batch)
        self._rows += batch.num_rows
        self._bytes += batch.nbytes
        full = self._rows >= self._most[0] or self._bytes >= self._most[1]
        return self.rest() if full else None

    def rest(self) -> pa.Table | None:
        """Return all that wait, None for none."""
        table = pa.Table.from_batches(self._gathered) if self._gathered else None
        self._gathered, self._rows, self._bytes = [], 0, 0
        return table


def sendable(
    batches: Iterator[pa.RecordBatch], most_rows: int, most_bytes: int
) -> Iterator[pa.Table]:
    """Yield batches together, as many as one statement takes."""
    waiting = Waiting(most_rows, most_bytes)
    for batch in batches:
        if (table := waiting.add(batch)) is not None:
            yield table
    if (table := waiting.rest()) is not None:
        yield table
