"""One open database: its pool of connections, its threads' connections, its write transactions."""

from __future__ import annotations

import logging
import os
import shutil
import threading
import uuid
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import duckdb
import sqlalchemy as sa
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from mixpanel_data._internal.duckdb.copy import create_database
from mixpanel_data._internal.duckdb.dialect import driver_of, system_functions
from mixpanel_data._internal.duckdb.dialect.connect import is_open_here
from mixpanel_data._internal.duckdb.dialect.dbapi import READS
from mixpanel_data._internal.duckdb.errors import (
    open_errors,
    query_errors,
    translate_errors_of,
    translate_marked,
)
from mixpanel_data._internal.duckdb.files import create_private, wal_path
from mixpanel_data._internal.duckdb.fork import protect_in_child
from mixpanel_data._internal.duckdb.settings import (
    FILES_MEMORY_PER_THREAD,
    STREAM_MEMORY,
    Settings,
)
from mixpanel_data._internal.duckdb.temp_files import EPHEMERAL_FILE, temporary_directory
from mixpanel_data._internal.duckdb.thread_connection import ThreadConnection
from mixpanel_data._internal.duckdb.wal import torn_bytes
from mixpanel_data.exceptions import DatabaseNotFoundError, ForkedEngineError

_DRIVER = "duckdb+mixpanel_data"

logger = logging.getLogger(__name__)


class _Lifecycle:
    """Whether a database may still be used, known to its pool without a reference back to it."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.closed = False

    def ensure_open(self) -> None:
        """Refuse a closed database, and one that a fork brought here."""
        if self.closed:
            raise RuntimeError("This StorageEngine is closed; open the database again.")
        if os.getpid() != self.pid:
            raise ForkedEngineError(
                f"This StorageEngine was opened in process {self.pid} and came to process"
                f" {os.getpid()} by a fork, where its writes would be lost. Open one in the child,"
                " after the parent closed its own, or use multiprocessing's 'spawn'."
            )


class Database:
    """One open database: a SQLAlchemy engine over a pool, and a connection for each thread.

    It closes when nothing refers to it any more, or at the interpreter's exit.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        read_only: bool = False,
        exclusive: bool = False,
        temporary: str | None = None,
    ) -> None:
        self.path = path
        self.read_only = read_only
        self._lifecycle = lifecycle = _Lifecycle()
        self._local = threading.local()
        connections: weakref.WeakSet[duckdb.DuckDBPyConnection] = weakref.WeakSet()
        self.engine = _create_engine(path, read_only=read_only, exclusive=exclusive)
        sa.event.listen(self.engine, "connect", partial(_connected, connections))
        sa.event.listen(self.engine, "handle_error", translate_marked)
        sa.event.listen(self.engine, "checkout", lambda *_: lifecycle.ensure_open())
        torn = 0
        with open_errors(path):
            if path is not None and not read_only and not path.exists():
                create_database(path)
            if path is not None and not is_open_here(path):
                torn = torn_bytes(wal_path(path))
            # The first connection opens the file; the memory database lives as long as it does.
            self.root = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        if torn:
            logger.warning(
                "The log of %s ends with %d bytes that are no whole transaction, as after a kill or"
                " a full disk. They are ignored; all transactions before them are there.",
                *(path, torn),
            )
        self.settings = Settings(self.root_connection)
        if path is None and temporary is not None:
            # DuckDB would spill a memory database into the working directory.
            self.settings["temp_directory"] = temporary
        self.close = weakref.finalize(
            self, _close, lifecycle, self.engine, self.root, connections, temporary
        )

    @classmethod
    def open(
        cls, path: str | Path, *, read_only: bool = False, exclusive: bool = False
    ) -> Database:
        """Open or create the file at *path*, with the directories above it.

        *exclusive* shuts out all other connections of this process, too.

        Raises:
            DatabaseNotFoundError: *read_only*, and the file is not there.
            DatabaseLockedError: another process holds the file.
            OSError: it cannot be opened or made.
        """
        path = Path(path)
        if read_only:
            if not path.exists():
                raise DatabaseNotFoundError(path)
        else:
            with open_errors(path):
                path.parent.mkdir(parents=True, exist_ok=True)
        return cls(path, read_only=read_only, exclusive=exclusive)

    @classmethod
    def ephemeral(cls) -> Database:
        """Open a temporary file, deleted on close and at interpreter exit."""
        folder = temporary_directory()
        return cls(Path(folder, EPHEMERAL_FILE), temporary=folder)

    @classmethod
    def memory(cls) -> Database:
        """Open a database without a file, shared by all connections of this object alone."""
        return cls(None, temporary=temporary_directory())

    @property
    def root_connection(self) -> duckdb.DuckDBPyConnection:
        """The first connection of the pool, for a look at the database as it is opened."""
        return driver_of(self.root)

    def ensure_open(self) -> None:
        """Refuse a closed database, and one that a fork brought here.

        Raises:
            RuntimeError: the database is closed.
            ForkedEngineError: it was opened by the process that forked this one.
        """
        self._lifecycle.ensure_open()

    def thread_connection(self) -> ThreadConnection:
        """Return the calling thread's own connection, which it keeps until close.

        Raises:
            RuntimeError, ForkedEngineError: as ``ensure_open``.
        """
        self.ensure_open()
        connection: ThreadConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = ThreadConnection(self.engine)
        return connection

    @contextmanager
    def text_connection(self, sql: str) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield the thread's DuckDB connection to run *sql*, with its errors as QueryErrors."""
        with query_errors(sql):
            connection = self.thread_connection().driver_connection
            if not (statements := connection.extract_statements(sql)):
                raise duckdb.ParserException("Parser Error: the text holds no statement")
            with self._private_wal(any(s.type.name not in READS for s in statements)):
                yield connection

    @contextmanager
    def statement_connection(self, statement: str | sa.Executable) -> Iterator[sa.Connection]:
        """Yield the thread's connection to run *statement*, with its errors as QueryErrors."""
        with (
            query_errors(statement),
            self._private_wal(not getattr(statement, "is_select", False)),
            self.thread_connection().statements.connect() as connection,
        ):
            yield connection

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """Yield a transaction of ours, which commits at the end or rolls back on any error.

        Macros in the file do not replace functions in its statements.
        """
        self.ensure_open()
        with self.engine.connect() as connection, system_functions(connection), connection.begin():
            yield connection

    @contextmanager
    def write(self, what: str, *, files: bool = False) -> Iterator[sa.Connection]:
        """Yield a transaction for a change of ours, in little memory, with a private log.

        DuckDB gets more memory where it reads *files* itself, on all its threads. Errors of the
        database are QueryErrors that name *what* it is for; all others leave as they came.
        """
        with self.limit_memory(files=files), self.begin() as connection:
            yield translate_errors_of(connection, what)
            self.create_wal()
        self.restrict_wal_permissions()

    @contextmanager
    def limit_memory(self, *, files: bool = False) -> Iterator[None]:
        """Limit DuckDB's memory in the block to what a load needs; see ``Settings``."""
        self.ensure_open()
        threads = int(self.settings["threads"]) if files else 0
        with self.settings.limit_memory(threads * FILES_MEMORY_PER_THREAD or STREAM_MEMORY):
            yield

    @contextmanager
    def _private_wal(self, writes: bool) -> Iterator[None]:
        """Keep the log private that a statement of the user's writes to."""
        if not writes:
            yield
            return
        self.create_wal()
        try:
            yield
        finally:
            self.restrict_wal_permissions()

    def create_wal(self) -> None:
        """Make the file that the next commit logs to; DuckDB would make it readable by others."""
        if self.path is not None and not self.read_only:
            create_private(wal_path(self.path))

    def restrict_wal_permissions(self) -> None:
        """Take from others what a statement may just have made readable to them."""
        if self.path is not None and not self.read_only:
            with suppress(FileNotFoundError):
                wal_path(self.path).chmod(0o600)

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _create_engine(path: Path | None, *, read_only: bool, exclusive: bool) -> sa.Engine:
    name = str(path) if path else f":memory:mixpanel_data_{uuid.uuid4().hex}"
    return sa.create_engine(
        sa.URL.create(_DRIVER, database=name),
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


def _connected(
    connections: weakref.WeakSet[duckdb.DuckDBPyConnection], _: object, entry: ConnectionPoolEntry
) -> None:
    connection = entry.driver_connection
    assert isinstance(connection, duckdb.DuckDBPyConnection)
    connections.add(connection)
    protect_in_child(connection)


def _close(
    lifecycle: _Lifecycle,
    engine: sa.Engine,
    root: sa.Connection,
    connections: weakref.WeakSet[duckdb.DuckDBPyConnection],
    temporary: str | None,
) -> None:
    lifecycle.closed = True
    if os.getpid() != lifecycle.pid:
        # A forked child inherits the object, but not the file.
        return
    root.close()
    engine.dispose()
    for connection in list(connections):
        connection.close()
    if temporary is not None:
        shutil.rmtree(temporary, ignore_errors=True)
