"""The pool of connections of one open database."""

from __future__ import annotations

import logging
import uuid
import weakref
from functools import partial
from pathlib import Path

import duckdb
import sqlalchemy as sa
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from mixpanel_data._internal.duckdb.errors import translate_marked
from mixpanel_data._internal.duckdb.fork import Lifecycle, protect_in_child

_DRIVER = "duckdb+mixpanel_data"

# Ctrl-C while a connection is given back is raised as ever, and no failure of the pool to report.
logging.getLogger(f"{QueuePool.__module__}.{QueuePool.__name__}").addFilter(
    lambda record: not (record.exc_info and isinstance(record.exc_info[1], KeyboardInterrupt))
)

Connections = weakref.WeakSet[duckdb.DuckDBPyConnection]
"""All connections of a pool that are still there."""


def create(path: Path | None, *, read_only: bool, exclusive: bool) -> sa.Engine:
    """Return an engine over a file, or over a database of its own without one."""
    name = str(path) if path else f":memory:mixpanel_data_{uuid.uuid4().hex}"
    return sa.create_engine(
        sa.URL.create(_DRIVER, database=name),
        starts_in_main=True,
        connect_args={
            "read_only": read_only,
            # DuckDB shares an open file only between connections of the same configuration.
            "config": {"custom_user_agent": uuid.uuid4().hex} if exclusive else {},
        },
        # One pool for any number of threads; last in, first out keeps a thread's connection.
        poolclass=QueuePool,
        max_overflow=-1,
        pool_use_lifo=True,
    )


def listen(engine: sa.Engine, lifecycle: Lifecycle, connections: Connections) -> None:
    """Note the engine's new *connections*, and look after its errors and its life."""
    sa.event.listen(engine, "handle_error", translate_marked)
    sa.event.listen(engine, "connect", partial(_connected, connections))
    sa.event.listen(engine, "checkout", lambda *_: lifecycle.ensure_open())


def _connected(connections: Connections, _: object, entry: ConnectionPoolEntry) -> None:
    connection = entry.driver_connection
    assert isinstance(connection, duckdb.DuckDBPyConnection)
    connections.add(connection)
    protect_in_child(connection)
