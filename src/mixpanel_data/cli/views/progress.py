"""How far a command is: a line on stderr while it runs, where someone is there to see it."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mixpanel_data.cli.console import count, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Progress, ProgressColumn


class LoadProgress:
    """Takes the counts of a load and shows nothing."""

    def bytes_read(self, number: int) -> None:
        """Take the bytes read so far, from all files."""

    def finished(self, rows: int) -> None:
        """Take the rows read in all."""


class _LiveProgress(LoadProgress):
    def __init__(self, progress: Progress, total: int | None) -> None:
        self._progress = progress
        self._total = total
        self._task = progress.add_task("Reading", total=total)
        self._started = time.monotonic()

    def bytes_read(self, number: int) -> None:
        # What follows the last byte, finding duplicates and building the index, has no measure.
        step = "Storing" if number == self._total else "Reading"
        self._progress.update(self._task, completed=number, description=step)

    def finished(self, rows: int) -> None:
        seconds = time.monotonic() - self._started
        rate = f"{rows / seconds:,.0f}/s"
        self._progress.console.print(f"{count(rows, 'row')} in {seconds:,.1f} s, {rate}")


@contextmanager
def load_progress(total: int | None, *, quiet: bool) -> Iterator[LoadProgress]:
    """Show the progress of a load of *total* bytes (None: not known) until the block ends."""
    if not _is_seen(quiet):
        yield LoadProgress()
        return
    from rich.progress import DownloadColumn, TimeRemainingColumn

    with _shown(DownloadColumn(), TimeRemainingColumn()) as progress:
        yield _LiveProgress(progress, total)


@contextmanager
def work(
    what: str, *, quiet: bool, step: str = "Revision {}"
) -> Iterator[Callable[[str, float], object] | None]:
    """Show on stderr that something goes on, where someone is there to see it.

    The function takes what is being done, as *step* names it, and how far it is, 0 to 1.
    """
    if not _is_seen(quiet):
        yield None
        return
    from rich.progress import TaskProgressColumn

    with _shown(TaskProgressColumn()) as progress:
        task = progress.add_task(printable(what), total=None)

        def report(name: str, done: float) -> None:
            said = printable(step.format(name))
            progress.update(task, description=said, total=1, completed=done)

        yield report


@contextmanager
def part_done(what: str, *, quiet: bool) -> Iterator[Callable[[float], object] | None]:
    """Show how far *what* is; the function takes the part that is done, 0 to 1."""
    with work(what, quiet=quiet, step="{}") as report:
        yield None if report is None else lambda done: report(what, done)


def _is_seen(quiet: bool) -> bool:
    return not quiet and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def _shown(*columns: ProgressColumn) -> Progress:
    # rich is loaded only where someone looks.
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

    first = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
    )
    screen = Console(file=sys.stderr, highlight=False)
    return Progress(*first, *columns, console=screen, transient=True)
