"""Forks: a child may neither use nor destroy the databases that its parent has open."""

from __future__ import annotations

import ctypes
import os
import weakref

import duckdb

from mixpanel_data.exceptions import ForkedEngineError

_all_connections: weakref.WeakSet[duckdb.DuckDBPyConnection] = weakref.WeakSet()


def protect_in_child(connection: duckdb.DuckDBPyConnection) -> None:
    """Keep a forked child from ever destroying its copy of *connection*.

    DuckDB's destructor would write a checkpoint into the file that the parent has open.
    """
    _all_connections.add(connection)


def _leak_connections() -> None:
    for connection in list(_all_connections):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leak_connections)


class Lifecycle:
    """Whether a database may still be used, known to its pool without a reference back to it."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.closed = False

    def ensure_open(self) -> None:
        """Refuse a closed database, and one of the process that forked this one."""
        if self.closed:
            raise RuntimeError("This StorageEngine is closed; open the database again.")
        if os.getpid() != self.pid:
            raise ForkedEngineError(
                f"This StorageEngine was opened in process {self.pid} and came to process"
                f" {os.getpid()} by a fork, where its writes would be lost. Open one in the child,"
                " after the parent closed its own, or use multiprocessing's 'spawn'."
            )
