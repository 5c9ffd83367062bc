"""Work on a second thread, so that the first can report and be interrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from time import monotonic, sleep
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import duckdb

Result = TypeVar("Result")

# Seconds between two reports.
_PAUSE = 0.1


@contextmanager
def worker_thread() -> Iterator[ThreadPoolExecutor]:
    """Yield one that runs already: an interrupt while it starts would leave it running."""
    with ThreadPoolExecutor(1) as worker:
        worker.submit(int).result()
        yield worker


def run_interruptible(
    raw: duckdb.DuckDBPyConnection,
    work: Callable[[], Result],
    report: Callable[[float], object] | None = None,
    meanwhile: Iterable[object] = (),
) -> Result:
    """Do *work* on a connection; *report* gets how far its statement of the moment is, 0 to 1.

    *meanwhile* is gone through here beside it, to its end. An exception here, Ctrl-C included,
    ends the work with one of its own, so that it rolls back.
    """
    raw.execute("SET enable_progress_bar = true")
    raw.execute("SET enable_progress_bar_print = false")
    ended: SimpleQueue[None] = SimpleQueue()

    def run() -> Result:
        try:
            return work()
        finally:
            ended.put(None)

    with worker_thread() as worker:
        running = worker.submit(run)
        try:
            for _ in _ticks(ended, meanwhile):
                if report is not None:
                    report(max(0.0, raw.query_progress()) / 100)
        except BaseException:
            # Again and again, should it be between two statements.
            while not running.done():
                raw.interrupt()
                sleep(_PAUSE / 10)
            raise
    return running.result()


def _ticks(ended: SimpleQueue[None], meanwhile: Iterable[object]) -> Iterator[None]:
    """Yield ten times a second until the work has ended and *meanwhile* is through.

    Not by ``concurrent.futures.wait``: an interrupt in it may leave a lock of the future's held.
    """
    beat = monotonic()
    for _ in meanwhile:
        if monotonic() - beat > _PAUSE:
            yield
            beat = monotonic()
    while not _finished(ended):
        yield


def _finished(ended: SimpleQueue[None]) -> bool:
    try:
        ended.get(timeout=_PAUSE)
    except Empty:
        return False
    return True
