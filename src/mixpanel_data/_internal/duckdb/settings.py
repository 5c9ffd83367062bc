"""DuckDB's settings: read, changed, and the memory limit lowered while loads run."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import duckdb

# What DuckDB may use for a load, in MiB: one stream needs little, but each thread that reads files
# has buffers and rows of its own.
STREAM_MEMORY = 208
FILES_MEMORY_PER_THREAD = 512


class Settings:
    """The settings of one database, as text."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._memory_claims: list[int] = []
        self._memory_limit = ""

    def __getitem__(self, name: str) -> str:
        found = self._connection.execute("SELECT system.main.current_setting(?)::VARCHAR", [name])
        return str(found.fetchall()[0][0])

    def __setitem__(self, name: str, value: str) -> None:
        escaped = value.replace("'", "''")
        self._connection.execute(f"SET {name} = '{escaped}'")

    @contextmanager
    def limit_memory(self, claim: int) -> Iterator[None]:
        """Limit DuckDB's memory to *claim* MiB, or to the greatest claim of loads that run.

        DuckDB would rather cache a load than spill. The limit that was there is not exceeded, and
        comes back with the last claim.
        """
        with self._lock:
            if not self._memory_claims:
                self._memory_limit = self["memory_limit"]
            self._memory_claims.append(claim)
            self._apply_memory_limit()
        try:
            yield
        finally:
            with self._lock:
                self._memory_claims.remove(claim)
                with suppress(duckdb.ConnectionException):  # closed meanwhile
                    self._apply_memory_limit()

    def _apply_memory_limit(self) -> None:
        wanted = [f"{max(self._memory_claims)} MiB"] if self._memory_claims else []
        # A query that runs beside may be using more, and keeps it.
        with suppress(duckdb.OutOfMemoryException):
            self["memory_limit"] = min([self._memory_limit, *wanted], key=_bytes)


def _bytes(size: str) -> float:
    """Return a size as DuckDB writes it, "18.8 GiB", in bytes."""
    number, unit = size.split()
    power: int = ("bytes", "KiB", "MiB", "GiB", "TiB").index(unit)
    return float(number) * 1024.0**power
