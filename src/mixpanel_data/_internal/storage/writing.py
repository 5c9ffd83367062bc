"""The writing half of StorageEngine: loads and drops, each one transaction."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import DropTable

from mixpanel_data._internal import catalog, exports, ledger, load, streaming
from mixpanel_data._internal.errors import query_errors
from mixpanel_data._internal.records import batches
from mixpanel_data._internal.storage.base import Base, Progress
from mixpanel_data._internal.storage.orders import Caller, OnConflict, Order
from mixpanel_data._internal.tables import (
    EVENTS,
    KINDS,
    PROFILES,
    check_name,
    quoted,
    user_table,
)
from mixpanel_data.exceptions import InvalidRecordError, QueryError
from mixpanel_data.types import EventRecord, LoadAction, ProfileRecord, TableMetadata

logger = logging.getLogger(__name__)


class Writing(Base):
    """The calls that change the database."""

    index_limit: int = 1_000_000

    def __init__(self) -> None:
        self._loading: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)

    def create_events_table(
        self,
        name: str,
        data: Iterable[EventRecord],
        metadata: TableMetadata,
        progress_callback: Progress | None = None,
        batch_size: int = 1000,
    ) -> int:
        """Make a table of events from an iterable, lazily and atomically, and count what it stored.

        *progress_callback* gets the running number of records after every *batch_size* of them,
        and for the last batch the number of rows stored.

        Raises:
            ValueError: a name, batch size or metadata that cannot be.
            TableExistsError: the name is taken; the iterable was not started.
            InvalidRecordError: a record is missing a field, or a field is wrong.
            QueryError: the database failed.
        """
        order = Order(EVENTS, name, metadata)
        return self._load_records(order, data, progress_callback, batch_size)

    def create_profiles_table(
        self,
        name: str,
        data: Iterable[ProfileRecord],
        metadata: TableMetadata,
        progress_callback: Progress | None = None,
        batch_size: int = 1000,
    ) -> int:
        """Make a table of profiles; all else as ``create_events_table``."""
        order = Order(PROFILES, name, metadata)
        return self._load_records(order, data, progress_callback, batch_size)

    def append_events_table(
        self,
        name: str,
        data: Iterable[EventRecord],
        metadata: TableMetadata,
        progress_callback: Progress | None = None,
        batch_size: int = 1000,
        *,
        replace: bool = False,
    ) -> int:
        """Add events to a table, skipping those it holds; all else as ``create_events_table``.

        With *replace*, the events from ``metadata.from_date`` to ``to_date`` (both inclusive), of
        ``filter_events`` where that is given, make way for the new ones in the same transaction.

        Raises:
            TableNotFoundError: the table is not there.
            ValueError: it is not a table of events, or *replace* without both dates.
        """
        order = Order(EVENTS, name, metadata, "replace" if replace else "append")
        return self._load_records(order, data, progress_callback, batch_size)

    def append_profiles_table(
        self,
        name: str,
        data: Iterable[ProfileRecord],
        metadata: TableMetadata,
        progress_callback: Progress | None = None,
        batch_size: int = 1000,
        *,
        on_conflict: OnConflict = "ignore",
    ) -> int:
        """Add profiles to a table; all else as ``append_events_table``.

        *on_conflict* says what becomes of a profile that the table holds: "ignore" keeps the one
        that is there, "update" the one with the later ``last_seen``.
        """
        order = Order(PROFILES, name, metadata, "append", on_conflict)
        return self._load_records(order, data, progress_callback, batch_size)

    def load_export(
        self,
        name: str,
        paths: str | Path | Iterable[str | Path],
        metadata: TableMetadata,
        *,
        append: bool = False,
        replace: bool = False,
        on_conflict: OnConflict = "ignore",
        progress: Progress | None = None,
    ) -> int:
        """Load Mixpanel's raw files (see ``formats``) into a table, and count the rows stored.

        ``metadata.type`` says what the files hold. *paths* are files or glob patterns, plain, gzip
        or zstd, all of them one load. DuckDB parses them itself, several times as fast as records
        from an iterable, with the same rules and results. *append*, *replace* and *on_conflict* are
        those of the append calls; *progress* gets the bytes read so far, as stored.

        Raises:
            FileNotFoundError: a path is not there, or a pattern fits none.
            InvalidRecordError: a line is no record, or a file is cut short; names file and line.
            ValueError, TableExistsError, TableNotFoundError, QueryError: as for the other loads.
        """
        files = exports.expand(paths)
        action: LoadAction = "replace" if replace else "append" if append else "create"
        kind, source = KINDS[metadata.type], ", ".join(map(str, files))
        order = Order(kind, name, metadata, action, on_conflict, source)
        if exports.suits_duckdb(files):
            try:
                return self._load(
                    order,
                    lambda to, table: exports.insert(to, table, kind, files, progress),
                    files=True,
                )
            except (exports.IrregularError, InvalidRecordError, QueryError) as error:
                # It is done again below, which takes little memory and knows the line to blame.
                logger.info("Reading %s line by line, for DuckDB did not: %s", source, error)
        records = exports.READERS[kind.name](*files, progress=progress)
        return self._load_records(order, records, None, 1)

    def _load_records(
        self,
        order: Order,
        data: Iterable[Mapping[str, Any]],
        progress: Progress | None,
        batch_size: int,
    ) -> int:
        if batch_size < 1:
            raise ValueError(f"batch_size must be 1 or more, not {batch_size}.")
        caller = Caller(progress)
        records = batches(caller.pull(data, batch_size), user_table(order.kind, order.name))
        try:
            return self._load(
                order, lambda to, table: streaming.insert(to, table, records), caller.report
            )
        except Exception:
            if not caller.errors:
                raise
        # Outside the handler, so that it leaves as it came: no context, no translation.
        raise caller.errors[0]

    def _load(
        self,
        order: Order,
        feed: load.Feed,
        report: Progress | None = None,
        *,
        files: bool = False,
    ) -> int:
        kind, name, meta = order.kind, order.name, order.metadata
        started = ledger.now()
        with self._writing(f"load into {name}", name, files=files) as connection:
            if order.action == "create":
                table = catalog.new_table(connection, name, kind)
                counts = load.create(connection, table, kind, feed, self.index_limit)
            else:
                table = catalog.known_table(connection, name, kind)
                counts = load.append(
                    connection,
                    table,
                    kind,
                    feed,
                    self.index_limit,
                    making_way=order.making_way(table),
                    newer_by="last_seen" if order.on_conflict == "update" else None,
                )
            counted = {"duplicates": counts.duplicates, "collisions": counts.collisions}
            enter = catalog.register if order.action == "create" else catalog.refresh
            enter(connection, table.name, meta.model_copy(update=counted))
            ledger.record(connection, order.entry(table.name, started, counts))
            if report is not None and counts.read:
                report(counts.stored)
        logger.info(
            "Loaded %s into %s: %d records read, %d rows stored, %d duplicates skipped,"
            " %d collisions kept, %d rows replaced",
            *(kind.name, name, counts.read, counts.stored, counts.duplicates),
            *(counts.collisions, counts.replaced),
        )
        return counts.stored

    def drop_table(self, name: str) -> None:
        """Drop a table and its catalogue entry.

        Raises:
            ValueError: users may not have a table of this name.
            TableNotFoundError: it is not there.
        """
        check_name(name)
        with self._writing(f"drop {name}", name) as connection:
            found = catalog.require(connection, name)
            connection.execute(DropTable(sa.Table(quoted(found), sa.MetaData())))
            catalog.forget(connection, found)

    @contextmanager
    def _writing(self, what: str, name: str, *, files: bool = False) -> Iterator[sa.Connection]:
        # Two loads into one table would fail at commit, after all their work: they take turns.
        turn = self._loading[name.lower()]
        with turn, query_errors(what), self._database.write(files=files) as connection:
            yield connection
