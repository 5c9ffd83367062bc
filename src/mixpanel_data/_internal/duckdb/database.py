"""One open database: its pool of connections, its threads' connections, its write transactions."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property, partial
from pathlib import Path

import duckdb
import sqlalchemy as sa

from mixpanel_data._internal.deferral import late_interrupts
from mixpanel_data._internal.duckdb import files, pool, typed_guard
from mixpanel_data._internal.duckdb.dialect import driver_of, system_functions
from mixpanel_data._internal.duckdb.dialect.connect import is_open_here
from mixpanel_data._internal.duckdb.dialect.dbapi import READS, kind_of
from mixpanel_data._internal.duckdb.errors import (
    open_errors,
    query_errors,
    translate_errors_of,
)
from mixpanel_data._internal.duckdb.fork import Lifecycle
from mixpanel_data._internal.duckdb.settings import (
    STREAM_MEMORY,
    STREAM_ROWS_MEMORY,
    Claim,
    Settings,
)
from mixpanel_data._internal.duckdb.temp_files import EPHEMERAL_FILE, PrivateDirectory
from mixpanel_data._internal.duckdb.thread_connection import ThreadConnection
from mixpanel_data._internal.duckdb.wal import warn_of_torn_log
from mixpanel_data.exceptions import DatabaseLockedError, DatabaseNotFoundError

_CLAIM = "mixpanel_data_claim"

_databases: weakref.WeakSet[Database] = weakref.WeakSet()


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
        directory: PrivateDirectory | None = None,
    ) -> None:
        """Open *path*, whose file is there, or a database without one.

        *directory* is for it alone, and goes with it.
        """
        self.path = path
        self.read_only = read_only
        # DuckDB before 2.0 takes two spellings of a path for two databases.
        self._file = None if path is None else Path(os.path.realpath(path))
        self._lifecycle = lifecycle = Lifecycle()
        self._local = threading.local()
        connections: pool.Connections = weakref.WeakSet()
        if directory is None and self._file is not None:
            directory = PrivateDirectory.for_spilling(self._file)
        self.engine = pool.create(self._file, read_only=read_only, exclusive=exclusive)
        self._wal = None if self._file is None or read_only else files.wal_path(self._file)
        pool.listen(self.engine, lifecycle, connections)
        self._prepare(self.engine)
        try:
            with open_errors(path):
                self.place = None if path is None else files.place_of(path)
            self.root = self._connect_root()
        except BaseException:
            _release(directory)
            raise
        self.settings = Settings(self.root_connection, self.place or self.engine.url)
        self._spill_into(directory)
        _databases.add(self)
        self.close = weakref.finalize(
            self,
            _close,
            *(lifecycle, self.engine, self.root, connections, self._wal),
            partial(_release, directory),
        )

    def _prepare(self, engine: sa.Engine) -> None:
        """Let statements of *engine* write as all that is ours does."""
        if not self.read_only:
            files.keep_wal_private(self._wal, engine)
            typed_guard.release_before_statements(engine)

    def _connect_root(self) -> sa.Connection:
        """Open the first connection, with which the file is open, or the memory database lives."""
        with open_errors(self.path, self._refuse_second_name()):
            if self._file is not None and not is_open_here(self._file):
                warn_of_torn_log(self._file)
            return self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")

    def _spill_into(self, directory: PrivateDirectory | None) -> None:
        if directory is None:
            return
        # DuckDB would spill a memory database into the working directory.
        if self._file is None or not directory.is_known_for(self._file):
            place = str(directory.path)
            # It stays once it was used, and other objects on the file may have done that.
            if self.settings["temp_directory"] != place:
                self.settings["temp_directory"] = place
        if self._file is not None and not self.read_only:
            directory.remove_leftovers()

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        read_only: bool = False,
        exclusive: bool = False,
        timeout: float = 0.0,
    ) -> Database:
        """Open or create the file at *path*, with the directories above it.

        *exclusive* shuts out all other connections of this process, too. *timeout* is how many
        seconds to wait for the file while it is locked.

        Raises:
            ValueError: *path* is that of no file.
            DatabaseNotFoundError: *read_only*, and the file is not there.
            DatabaseLockedError: another process holds the file, or this one in another mode.
            ForkedEngineError: the process that forked this one had it open.
            OSError: it cannot be opened or made.
        """
        path = files.resolve_path(path)

        def once() -> Database:
            if read_only and not path.exists():
                raise DatabaseNotFoundError(path)
            with open_errors(path):
                if not path.exists():
                    path.parent.mkdir(parents=True, exist_ok=True)
                    files.create_database(Path(os.path.realpath(path)))
            return cls(path, read_only=read_only, exclusive=exclusive)

        return files.wait_for_lock(timeout, once)

    @classmethod
    def ephemeral(cls) -> Database:
        """Open a temporary file, deleted on close and at interpreter exit."""
        directory = PrivateDirectory.temporary()
        path = directory.path / EPHEMERAL_FILE
        with open_errors(path):
            files.create_database(path)
        return cls(path, directory=directory)

    @classmethod
    def memory(cls) -> Database:
        """Open a database without a file, shared by all connections of this object alone."""
        return cls(None, directory=PrivateDirectory.temporary())

    def _refuse_second_name(self) -> bool | None:
        """Return whether this process has the file open read-only, None if it does not have it.

        Raises:
            DatabaseLockedError: it has, under another name: DuckDB would not notice.
        """
        for other in list(_databases):
            if self.place is not None and other.place == self.place and other.close.alive:
                if other._file != self._file:
                    raise DatabaseLockedError(
                        str(self.path), os.getpid(), read_only=other.read_only
                    )
                return other.read_only
        return None

    @property
    def root_connection(self) -> duckdb.DuckDBPyConnection:
        """The first connection of the pool, for a look at the database as it is opened."""
        return driver_of(self.root)

    @cached_property
    def name(self) -> str:
        """DuckDB's name of the database, which stays where a thread uses another one."""
        return self.settings.database

    def ensure_open(self) -> None:
        """Refuse a closed database, and one of the process that forked this one.

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
            with query_errors("connect"):
                connection = ThreadConnection(self.engine, self._prepare)
            self._local.connection = connection
        return connection

    @contextmanager
    def text_connection(self, sql: str) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield the thread's DuckDB connection to run *sql*, with its errors as QueryErrors."""
        with query_errors(sql, self.begin):
            kinds = self._kinds(sql)
            connection = self.thread_connection().driver_connection
            if not kinds <= READS:
                self.create_wal()
                if not kinds.isdisjoint(typed_guard.REFUSED) and not self.read_only:
                    typed_guard.release(connection, sql)
            yield connection

    @contextmanager
    def statement_connection(self, statement: str | sa.Executable) -> Iterator[sa.Connection]:
        """Yield the thread's connection to run *statement*, with its errors as QueryErrors."""
        with query_errors(statement, self.begin):
            thread = self.thread_connection()
            if isinstance(statement, str):
                self._kinds(statement)
            elif not isinstance(statement, (sa.Select, sa.CompoundSelect)):
                thread.only_reads = False
            with thread.statements.connect() as connection:
                yield connection

    def _kinds(self, sql: str) -> set[str]:
        """Return the kinds of the statements in a text that the thread's connection will run."""
        if sql != sql.encode(errors="replace").decode():
            raise duckdb.ParserException("Parser Error: a lone surrogate is no Unicode text")
        thread = self.thread_connection()
        kinds = set(map(kind_of, thread.driver_connection.extract_statements(sql)))
        if not kinds:
            raise duckdb.ParserException("Parser Error: the text holds no statement")
        if kinds != {"SELECT"}:
            thread.only_reads = False
        return kinds

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """Yield a transaction of ours, which commits at the end or rolls back on any error.

        Macros in the file do not replace functions in its statements.
        """
        self.ensure_open()
        with self.engine.connect() as connection, system_functions(connection), connection.begin():
            yield connection

    @contextmanager
    def transaction(self, what: str) -> Iterator[sa.Connection]:
        """Yield a transaction as ``begin``; *what* it is for goes into its errors."""
        with query_errors(what), self.begin() as connection:
            yield connection

    @contextmanager
    def write(self, what: str, *, thread_memory: int = 0) -> Iterator[sa.Connection]:
        """Yield a transaction for a change of ours, in little memory, with a private log.

        Where DuckDB reads files itself it gets *thread_memory* MiB for each of its threads. Errors
        of the database are QueryErrors that name *what* it is for; all others leave as they came.
        Nothing is raised any more, not for Ctrl-C either, once the commit has begun and succeeds.
        """
        with (
            late_interrupts(what) as complete,
            self.limit_memory(thread_memory) as claim,
            ExitStack() as opened,
        ):
            with query_errors(what):
                connection = opened.enter_context(self.engine.connect())
                opened.enter_context(system_functions(connection))
            connection = connection.execution_options(**{_CLAIM: claim})
            with translate_errors_of(connection, what).begin():
                yield connection
                complete()

    @contextmanager
    def limit_memory(self, thread_memory: int = 0) -> Iterator[Claim]:
        """Limit DuckDB's memory in the block to what a load needs; see ``Settings``."""
        self.ensure_open()
        size = STREAM_MEMORY
        if thread_memory:
            with query_errors("how many threads"):
                size = max(size, int(self.settings["threads"]) * thread_memory)
        with self.settings.limit_memory(size) as claim:
            yield claim

    def create_wal(self) -> None:
        """Make the file that the next commit logs to; DuckDB would make it readable by others."""
        if self._wal is not None:
            files.create_private(self._wal)

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def claim_memory(connection: sa.Connection, size: int) -> None:
    """Let DuckDB use *size* MiB for the rows at hand, on the connection of a ``Database.write``."""
    claim: Claim = connection.get_execution_options()[_CLAIM]
    claim.raise_to(STREAM_MEMORY - STREAM_ROWS_MEMORY + size)


def _release(directory: PrivateDirectory | None) -> None:
    if directory is not None:
        directory.remove()


def _close(
    lifecycle: Lifecycle,
    engine: sa.Engine,
    root: sa.Connection,
    connections: pool.Connections,
    wal: Path | None,
    release: Callable[[], None],
) -> None:
    lifecycle.closed = True
    if os.getpid() != lifecycle.pid:
        # A forked child inherits the object, but not the file.
        return
    if wal is not None and not any(d._wal == wal and d.close.alive for d in list(_databases)):
        # Made for a commit that did not come.
        with suppress(OSError):
            if wal.stat().st_size == 0:
                wal.unlink()
    # Closed, not given back to the pool: after a fatal error nothing can be rolled back any more.
    root.invalidate()
    for connection in list(connections):
        with suppress(duckdb.Error):
            connection.close()
    engine.dispose()
    files.close_unused()
    release()
