"""Work on a second thread, so that the first can report and be interrupted."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import duckdb

Result = TypeVar("Result")

# Seconds between two reports.
_PAUSE = 0.1


def watched(
    raw: duckdb.DuckDBPyConnection,
    work: Callable[[], Result],
    report: Callable[[float], object] | None = None,
) -> Result:
    """Do *work* on a connection; *report* gets how far its statement of the moment is, 0 to 1.

    An exception here, Ctrl-C included, ends the work with one of its own, so that it rolls back.
    """
    raw.execute("SET enable_progress_bar = true")
    raw.execute("SET enable_progress_bar_print = false")
    with ThreadPoolExecutor(1) as worker:
        running = worker.submit(work)
        try:
            while wait([running], timeout=_PAUSE).not_done:
                if report is not None:
                    report(max(0.0, raw.query_progress()) / 100)
        except BaseException:
            # Again, should it be between two statements.
            while wait([running], timeout=_PAUSE / 10).not_done:
                raw.interrupt()
            raise
    return running.result()
