"""A bar for a load that asks for one: one line on stderr, in a terminal or a notebook."""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import monotonic

__all__ = ["with_bar"]

Progress = Callable[[int], object]

_WIDTH = 30
_PAUSE = 0.1  # seconds between two drawings


class _Bar:
    """One line that is drawn over and over; where nobody sees that, only its end."""

    def __init__(self, table: str, total: int | None) -> None:
        self._table = table
        self._total = total
        self._started = monotonic()
        self._drawn = -_PAUSE
        self._length = 0
        # A notebook's stream is no terminal, but draws over a line as one does.
        notebook = type(sys.stderr).__module__.partition(".")[0] == "ipykernel"
        self._is_live = notebook or sys.stderr.isatty()

    def update(self, number: int) -> None:
        """Draw how far it is, in bytes where *total* is given, else in records."""
        if not self._is_live or monotonic() - self._drawn < _PAUSE:
            return
        self._drawn = monotonic()
        if self._total is None:
            self._write(f"reading, {number:,} records")
        elif self._total == 0:
            self._write(f"reading, {number / 1e6:,.1f} MB")
        else:
            share = min(1.0, number / self._total)
            full = round(share * _WIDTH)
            size = f"{number / 1e6:,.1f} of {self._total / 1e6:,.1f} MB"
            # What follows the last byte, finding duplicates and building the index, has no measure.
            what = "storing" if share == 1.0 else "reading"
            spent = f"{monotonic() - self._started:,.0f} s"
            bar = "█" * full + "░" * (_WIDTH - full)
            self._write(f"{what} {bar} {share:4.0%}  {size}  {spent}")

    def finish(self, rows: int) -> None:
        """Draw what the load did."""
        self._write(f"{rows:,} rows stored in {monotonic() - self._started:,.1f} s", "\n")

    def stop(self) -> None:
        """Leave the line as it is: it shows how far a load came that failed."""
        if self._length:
            sys.stderr.write("\n")

    def _write(self, text: str, end: str = "") -> None:
        encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
        line = f"{self._table}: {text}".encode(encoding, "replace").decode(encoding)
        sys.stderr.write("\r" * bool(self._length) + line.ljust(self._length) + end)
        sys.stderr.flush()
        self._length = 0 if end else len(line)


def with_bar(
    table: str,
    total: int | None,
    wanted: bool,
    callback: Progress | None,
    work: Callable[[Progress | None], int],
) -> int:
    """Do the *work* of a load, and draw how far it is if that is *wanted*; return what it returns.

    Its argument calls *callback*, too. *total* are the bytes to read: 0 where that is
    not known, None for a load of records.
    """
    if not wanted:
        return work(callback)
    bar = _Bar(table, total)

    def update(number: int) -> None:
        if callback is not None:
            callback(number)
        bar.update(number)

    try:
        stored = work(update)
    except BaseException:
        bar.stop()
        raise
    bar.finish(stored)
    return stored
