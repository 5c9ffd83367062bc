"""What a measurement is, and the list of them all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

Run = Callable[[Path, int], float]
"""Does one thing with a number of rows, in a directory of its own, and returns a figure."""

# The directory's link to what was prepared once for all measurements.
SHARED = "shared"


@dataclass(frozen=True)
class Measure:
    """One measurement, run in a process of its own."""

    name: str
    run: Run
    unit: str
    # How many rows, in parts of --rows: what is slow gets fewer.
    share: float
    needs: tuple[str, ...]
    large: bool

    @property
    def group(self) -> str:
        """The module that it is in."""
        return self.run.__module__.rpartition(".")[2]

    def rows(self, asked: int) -> int:
        """Return the number of rows when *asked* were asked for."""
        return max(round(asked * self.share), 100)


MEASURES: dict[str, Measure] = {}


def measure(
    name: str, *, unit: str = "rows/s", share: float = 1, needs: str = "", large: bool = False
) -> Callable[[Run], Run]:
    """Register a function under the name that the tables show.

    It gives the seconds that it took for all its rows where *unit* is "rows/s". *needs* names
    the files that must be prepared.
    """

    def register(run: Run) -> Run:
        MEASURES[name] = Measure(name, run, unit, share, tuple(needs.split()), large)
        return run

    return register


def timed(action: Callable[[], object]) -> float:
    """Return the seconds that *action* takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def net(action: Callable[[], object], iterator: Iterable[object], count: int) -> float:
    """Return the seconds that *action* takes beyond its iterator's own, of *count* items."""
    sample = min(count, 1_000_000)
    alone = timed(lambda: sum(1 for _ in islice(iterator, sample)))
    return timed(action) - alone * count / sample
