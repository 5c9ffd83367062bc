"""Batches pulled on the caller's thread, and stored by one statement on a second."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from mixpanel_data._internal.duckdb.dialect import arrow_source
from mixpanel_data._internal.duckdb.interrupt import worker_thread

# What goes over to the thread of the statement at a time, whichever limit comes first.
_HANDED_ROWS = 10_000
_HANDED_BYTES = 8 << 20


def insert(
    connection: sa.Connection,
    table: sa.Table,
    batches: Iterator[pa.RecordBatch],
    report: Callable[[int], object],
) -> int:
    """Run one INSERT … SELECT on a second thread, fed by *batches* pulled on this one.

    *report* gets the rows read so far, after each batch.
    """
    first = next(batches, None)
    if first is None:
        return 0
    handoff = _Handoff()
    reader = pa.RecordBatchReader.from_batches(first.schema, handoff.batches())
    with arrow_source(connection, reader) as source, worker_thread() as worker:
        statement = sa.insert(table).from_select(list(table.columns), sa.select(source))
        handoff.consumer = worker.submit(connection.execute, statement)
        read = 0
        try:
            batch: pa.RecordBatch | None = first
            while batch is not None:
                handoff.put(batch)
                read += batch.num_rows
                report(read)
                batch = next(batches, None)
            handoff.finish()
        except BaseException as error:
            handoff.abort(error)
            raise
    return read


class _Handoff:
    """Hands batches from the thread that pulls the records to the one that runs the statement."""

    consumer: Future[Any]

    def __init__(self) -> None:
        self._queue: queue.Queue[list[pa.RecordBatch] | BaseException | None] = queue.Queue(2)
        self._gathered: list[pa.RecordBatch] = []
        self._rows = self._bytes = 0

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield what comes out, on the thread of the statement."""
        while (item := self._queue.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield from pa.Table.from_batches(item).combine_chunks().to_batches()

    def put(self, batch: pa.RecordBatch) -> None:
        """Take a batch; many go over together, as each time waits for the interpreter's lock."""
        self._gathered.append(batch)
        self._rows += batch.num_rows
        self._bytes += batch.nbytes
        if self._rows >= _HANDED_ROWS or self._bytes >= _HANDED_BYTES:
            self._hand_over()

    def finish(self) -> None:
        """Hand over the rest, and wait for the statement to end."""
        self._hand_over()
        self._send(None)
        self.consumer.result()

    def abort(self, error: BaseException) -> None:
        """Make the statement fail, so that its thread ends and the transaction can roll back."""
        with suppress(Exception):
            self._send(error)
            self.consumer.result()

    def _hand_over(self) -> None:
        if self._gathered:
            self._send(self._gathered)
            self._gathered = []
            self._rows = self._bytes = 0

    def _send(self, item: list[pa.RecordBatch] | BaseException | None) -> None:
        while not self.consumer.done():
            with suppress(queue.Full):
                self._queue.put(item, timeout=0.1)
                return
        # The statement ended before its input did: it failed, and says why.
        self.consumer.result()
