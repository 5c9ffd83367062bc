"""Statements on a second thread, so that the first can report and be interrupted."""

from __future__ import annotations

import contextvars
import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from time import monotonic, sleep
from typing import Any, Generic, TypeVar

import duckdb

from mixpanel_data._internal.duckdb.dialect.connect import can_set_bar

logger = logging.getLogger(__name__)

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
    if can_set_bar():
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
                with suppress(KeyboardInterrupt):
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


def _finished(ended: SimpleQueue[None], pause: float = _PAUSE) -> bool:
    try:
        ended.get(timeout=pause)
    except Empty:
        return False
    return True


class _Task(Generic[Result]):
    """Work for the second thread, done once however often it is handed over."""

    def __init__(self, work: Callable[[], Result]) -> None:
        self._work = work
        self._context = contextvars.copy_context()
        self._result: list[Result] = []
        self._error: BaseException | None = None
        self._cancelled = self._done = False
        self._ended: SimpleQueue[None] = SimpleQueue()

    def run(self) -> None:
        """Do the work, on the second thread."""
        if not (self._done or self._cancelled):
            try:
                self._result.append(self._context.run(self._work))
            except BaseException as error:
                self._error = error
        self._done = True
        self._ended.put(None)

    def wait(self) -> Result:
        """Return what the work returned, or raise what it raised."""
        while not _finished(self._ended):
            pass
        try:
            if self._error is not None:
                raise self._error
            return self._result.pop()
        finally:
            # The error's traceback leads back here.
            self._error = None

    def cancel(self, raw: duckdb.DuckDBPyConnection, tasks: SimpleQueue[_Task[Any]]) -> None:
        """Interrupt the work, or keep it from beginning, and wait for its end."""
        self._cancelled = True
        # The exception may have come before it was handed over.
        tasks.put(self)
        while not self._done:
            # Again and again: it may be between two statements, and the user impatient.
            with suppress(KeyboardInterrupt, duckdb.Error):
                raw.interrupt()
                _finished(self._ended, _PAUSE / 10)


class _SecondThread:
    """Does what the main thread would wait for, one task at a time."""

    def __init__(self) -> None:
        self._tasks: SimpleQueue[_Task[Any]] | None = None
        self.busy = False

    def run(self, raw: duckdb.DuckDBPyConnection, work: Callable[[], Result]) -> Result:
        """Return what *work* returns; see ``interruptible``."""
        if self._tasks is None:
            tasks: SimpleQueue[_Task[Any]] = SimpleQueue()
            threading.Thread(target=_serve, args=[tasks], daemon=True).start()
            self._tasks = tasks
        task = _Task(work)
        try:
            self.busy = True
            self._tasks.put(task)
            return task.wait()
        except BaseException:
            task.cancel(raw, self._tasks)
            raise
        finally:
            self.busy = False


def _serve(tasks: SimpleQueue[_Task[Any]]) -> None:
    while True:
        tasks.get().run()


_second_thread = _SecondThread()


def _forked() -> None:
    global _second_thread
    _second_thread = _SecondThread()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def interruptible(raw: duckdb.DuckDBPyConnection, work: Callable[[], Result]) -> Result:
    """Return what *work* returns, which runs statements on *raw*; Ctrl-C ends it at once.

    The main thread alone gets signals, and not while it waits for DuckDB. So a second thread does
    the work, and the main one waits where a signal wakes it.
    """
    if threading.current_thread() is not threading.main_thread() or _second_thread.busy:
        return work()
    return _second_thread.run(raw, work)
