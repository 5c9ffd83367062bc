"""Forks: a child may neither use nor destroy the databases that its parent has open."""

from __future__ import annotations

import ctypes
import os
import weakref

import duckdb

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
