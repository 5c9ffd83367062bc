"""DuckDB's settings: read, changed, and the memory limit lowered while loads run.

The limit belongs to a database, not to a connection: all engines of a process that have one file
open share it, so there is one ``MemoryLimit`` for them.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Hashable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from weakref import WeakValueDictionary

import duckdb

from mixpanel_data._internal.deferral import deferred_interrupts
from mixpanel_data._internal.duckdb import MAJOR

logger = logging.getLogger(__name__)

# What DuckDB may use for a load, in MiB: one stream needs little, part of it for the rows at hand.
STREAM_MEMORY = 208
STREAM_ROWS_MEMORY = 64

_MIB = 1 << 20
_UNITS = {"bytes": 1, **{f"{prefix}iB": 1 << 10 * (n + 1) for n, prefix in enumerate("KMGTPE")}}
# Units that people write limits in.
_WRITTEN = (1 << 30, 10**9, _MIB, 10**6, 1 << 10, 10**3)
# More than any machine has: DuckDB's "unlimited".
_UNLIMITED = 1 << 60

_Reading = tuple[str, ...]


class Claim:
    """The memory that one load needs, in MiB; it may grow."""

    def __init__(self, limit: MemoryLimit, size: int) -> None:
        self._limit = limit
        self.size = size

    def raise_to(self, size: int) -> None:
        """Claim *size* MiB, if that is more."""
        if size > self.size:
            self.size = size
            self._limit.apply()


class MemoryLimit:
    """The memory limit of one open database, shared by everything that has it open."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._claims: list[Claim] = []
        self._connections: list[duckdb.DuckDBPyConnection] = []
        # What the user set, as DuckDB tells it, and what it tells of the limit set here.
        self._found: _Reading = ()
        self._lowered: _Reading | None = None
        self._exact: dict[_Reading, str] = {}

    def add_connection(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Use *connection*, too, until it is closed."""
        with self._lock:
            self._connections.append(connection)

    def execute(self, sql: str, *parameters: str) -> list[tuple[object, ...]]:
        """Run a statement on a connection that is open, without another one beside it."""
        with self._lock:
            while len(self._connections) > 1:
                with suppress(duckdb.ConnectionException):
                    return self._connections[0].execute(sql, parameters).fetchall()
                del self._connections[0]
            return self._connections[0].execute(sql, parameters).fetchall()

    def add(self, claim: Claim) -> None:
        """Grant a claim."""
        with deferred_interrupts(), self._lock:
            self._claims.append(claim)
            self.apply()

    def remove(self, claim: Claim) -> None:
        """Take a claim back, if it was granted; with the last one the user's own limit is back."""
        with deferred_interrupts(), self._lock:
            if claim in self._claims:
                self._claims.remove(claim)
                self.apply()

    def apply(self) -> None:
        """Set the limit to the greatest claim, and never above the user's own.

        It is for memory alone: a load does not fail because of it.
        """
        with self._lock:
            try:
                self._apply()
            except duckdb.Error as error:
                logger.debug("The memory limit stays as it is: %s", error)

    def _apply(self) -> None:
        now = self._read()
        if now != self._lowered:
            # Set by the user: before the first load, or beside one.
            self._found, self._lowered = now, None
        wanted = max((claim.size for claim in self._claims), default=None)
        if wanted is not None and wanted * _MIB < _least(self._found[0]):
            # A query that runs beside may be using more, and keeps it.
            with suppress(duckdb.OutOfMemoryException):
                self._set(f"{wanted * _MIB}B")
                self._lowered = self._read()
        elif self._lowered is not None:
            self._restore()
            self._lowered = None

    def _restore(self) -> None:
        """Set the limit that the user had, to the byte as far as DuckDB tells it."""
        if self._found not in self._exact:
            # Before 2.0 RESET changes what DuckDB tells, and leaves the limit as it is.
            sizes = [size for size in _candidates(self._found[0]) if size or MAJOR >= 2]
            self._exact[self._found] = next(filter(self._gives_found, sizes), sizes[-1])
        self._set(self._exact[self._found])

    def _gives_found(self, candidate: str) -> bool:
        self._set(candidate)
        return self._read() == self._found

    def _set(self, value: str) -> None:
        self.execute(f"SET memory_limit = '{value}'" if value else "RESET memory_limit")

    def _read(self) -> _Reading:
        """Return the limit as DuckDB tells it, rounded, and what it derives from it, rounded too.

        Together they tell more of the limit; DuckDB before 1.5 tells the first alone.
        """
        found = []
        for name in ("memory_limit", "write_buffer_row_group_memory_limit"):
            with suppress(duckdb.CatalogException):
                # duckdb_settings() takes ten times as long, and has the first as max_memory in 1.4.
                found += self.execute("SELECT current_setting(?)::VARCHAR", name)
        return tuple(str(value) for (value,) in found)


_limits: WeakValueDictionary[Hashable, MemoryLimit] = WeakValueDictionary()


class Settings:
    """The settings of one database, as text; *key* is the same for all that share it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, key: Hashable) -> None:
        self._limit = _limits.setdefault(key, MemoryLimit())
        self._limit.add_connection(connection)

    def __getitem__(self, name: str) -> str:
        return str(
            self._limit.execute("SELECT system.main.current_setting(?)::VARCHAR", name)[0][0]
        )

    def __setitem__(self, name: str, value: str) -> None:
        escaped = value.replace("'", "''")
        self._limit.execute(f"SET {name} = '{escaped}'")

    @property
    def database(self) -> str:
        """DuckDB's name of the database that they are the settings of."""
        return str(self._limit.execute("SELECT system.main.current_database()")[0][0])

    @contextmanager
    def limit_memory(self, size: int) -> Iterator[Claim]:
        """Limit DuckDB's memory to *size* MiB, or to the greatest claim of loads that run.

        DuckDB would rather cache a load than spill. The limit that was there is not exceeded, and
        comes back with the last claim.
        """
        claim = Claim(self._limit, size)
        try:
            self._limit.add(claim)
            yield claim
        finally:
            self._limit.remove(claim)


def _least(size: str) -> int:
    """Return the least number of bytes that DuckDB writes as *size*, "18.8 GiB", cut to a digit."""
    number, _, unit = size.partition(" ")
    return math.ceil(Fraction(number) * _UNITS.get(unit, _UNLIMITED))


def _candidates(size: str) -> Iterator[str]:
    """Yield limits that DuckDB may write as *size*, those that people write first; "" is none."""
    least = _least(size)
    yield ""
    if least >= _UNLIMITED:
        yield "-1"
    most = least + _UNITS.get(size.partition(" ")[2], 1) // 10
    for digits in range(1, 5):
        for unit in _WRITTEN:
            step = unit * Fraction(10) ** (len(str(least // unit)) - digits)
            for number in range(math.ceil(least / step), math.floor(most / step) + 1):
                yield f"{math.ceil(number * step)}B"
    yield f"{least}B"
