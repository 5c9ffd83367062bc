"""Batches pulled on the caller's thread, and stored by one statement on a second."""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from time import sleep
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from mixpanel_data._internal.deferral import Package
from mixpanel_data._internal.duckdb.database import claim_memory
from mixpanel_data._internal.duckdb.dialect import arrow_source, driver_of
from mixpanel_data._internal.duckdb.interrupt import worker_thread

if TYPE_CHECKING:
    import pyarrow as pa
else:
    pa = Package("pyarrow")

# What goes over to the thread of the statement at a time, whichever limit comes first.
_HANDED_ROWS = 10_000
_HANDED_BYTES = 8 << 20
# DuckDB reads and writes this many rows of a column at a time, in buffers that it doubles; of long
# documents, that is much.
_VECTOR_ROWS = 2048
_COPIES = 5


def insert(
    connection: sa.Connection,
    table: sa.Table,
    batches: Iterator[pa.RecordBatch],
    report: Callable[[int], object] | None = None,
) -> int:
    """Run one INSERT … SELECT on a second thread, fed by *batches* pulled on this one.

    *report* gets the rows read so far, after each batch. Returns how many there were.
    """
    first = next(batches, None)
    if first is None:
        return 0
    handoff = _Handoff()
    reader = pa.RecordBatchReader.from_batches(first.schema, handoff.batches())
    raw, documents = driver_of(connection), _Vector()
    with arrow_source(connection, reader) as source, worker_thread() as worker:
        statement = sa.insert(table).from_select(list(table.columns), sa.select(source))
        handoff.consumer = worker.submit(connection.execute, statement)
        read = 0
        try:
            batch: pa.RecordBatch | None = first
            while batch is not None:
                claim_memory(connection, _COPIES * documents.add(batch) >> 20)
                handoff.put(batch)
                read += batch.num_rows
                if report is not None:
                    report(read)
                batch = next(batches, None)
            handoff.finish()
        except BaseException as error:
            handoff.abort(error, raw.interrupt)
            raise
    return read


class _Vector:
    """Adds up the bytes of the last rows, as many as DuckDB handles at a time."""

    def __init__(self) -> None:
        self._batches: deque[tuple[int, int]] = deque()
        self._rows = self._bytes = 0

    def add(self, batch: pa.RecordBatch) -> int:
        """Add a batch to the rows, and return their bytes."""
        self._batches.append((batch.num_rows, batch.nbytes))
        self._rows += batch.num_rows
        self._bytes += batch.nbytes
        while self._rows - self._batches[0][0] >= _VECTOR_ROWS:
            rows, size = self._batches.popleft()
            self._rows -= rows
            self._bytes -= size
        return self._bytes


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

    def abort(self, error: BaseException, interrupt: Callable[[], None]) -> None:
        """Make the statement fail, so that its thread ends and the transaction can roll back."""
        with suppress(Exception):
            self._send(error)
        while not self.consumer.done():
            # It may have had all its input; and the user may be impatient.
            with suppress(KeyboardInterrupt):
                interrupt()
                sleep(0.01)

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
