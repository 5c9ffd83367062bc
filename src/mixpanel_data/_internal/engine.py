"""Where a database lives: a file, a temporary file or memory; its pool, locks and clean-up."""

from __future__ import annotations

import ctypes
import os
import shutil
import tempfile
import threading
import uuid
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import sqlalchemy as sa
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection, QueuePool

from mixpanel_data._internal.dialect.opening import create_private, log_of
from mixpanel_data._internal.errors import open_errors
from mixpanel_data.exceptions import DatabaseNotFoundError, ForkedEngineError

_TEMPORARY_PREFIX = "mixpanel_data_"
_EPHEMERAL_FILE = "ephemeral.db"
_DRIVER = "duckdb+mixpanel_data"
# What DuckDB may use for a load, in MiB: one stream needs little, but each thread that reads files
# has buffers and rows of its own.
_STREAM_MEMORY = 208
_FILES_MEMORY = 512


class _Guard:
    """Whether a database may still be used, known to its pool without a way back to it."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.closed = False

    def check(self) -> None:
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
    """One open database: a SQLAlchemy engine over a pool, and a raw connection for each thread.

    It closes when nothing refers to it any more, or at the interpreter's exit.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        read_only: bool = False,
        alone: bool = False,
        temporary: str | None = None,
    ) -> None:
        self.path = path
        self.read_only = read_only
        self._guard = guard = _Guard()
        self._own = threading.local()
        self._writing = threading.Lock()
        self._needs: list[int] = []
        connections: weakref.WeakSet[duckdb.DuckDBPyConnection] = weakref.WeakSet()
        name = str(path) if path else f":memory:mixpanel_data_{uuid.uuid4().hex}"
        self.engine = sa.create_engine(
            sa.URL.create(_DRIVER, database=name),
            connect_args={
                "read_only": read_only,
                # DuckDB shares an open file only between connections of the same configuration.
                "config": {"custom_user_agent": uuid.uuid4().hex} if alone else {},
            },
            # One pool for any number of threads; last in, first out keeps a thread's connection.
            poolclass=QueuePool,
            max_overflow=-1,
            pool_use_lifo=True,
        )
        sa.event.listen(self.engine, "connect", partial(_connected, connections))
        sa.event.listen(self.engine, "checkout", lambda *_: guard.check())
        existed = path is not None and path.exists()
        with open_errors(path):
            # The first connection opens the file; the memory database lives as long as it does.
            self._anchor = self.engine.raw_connection()
        if path is not None and not existed:
            path.chmod(0o600)
        if path is None and temporary is not None:
            # DuckDB would spill a memory database into the working directory.
            self._set("temp_directory", temporary)
        self.close = weakref.finalize(
            self, _close, guard, self.engine, self._anchor, connections, temporary
        )

    @classmethod
    def at(cls, path: str | Path, *, read_only: bool = False, alone: bool = False) -> Database:
        """Open or create the file at *path*, with the directories above it.

        *alone* shuts out all other connections of this process, too.

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
        return cls(path, read_only=read_only, alone=alone)

    @classmethod
    def ephemeral(cls) -> Database:
        """Open a temporary file, deleted on close and at interpreter exit."""
        folder = _temporary_folder()
        return cls(Path(folder, _EPHEMERAL_FILE), temporary=folder)

    @classmethod
    def memory(cls) -> Database:
        """Open a database without a file, shared by all connections of this object alone."""
        return cls(None, temporary=_temporary_folder())

    def raw(self) -> duckdb.DuckDBPyConnection:
        """Give the calling thread's own DuckDB connection, which it keeps until close.

        Raises:
            RuntimeError: the database is closed.
            ForkedEngineError: it was opened by the process that forked this one.
        """
        self._guard.check()
        connection: duckdb.DuckDBPyConnection | None = getattr(self._own, "connection", None)
        if connection is None:
            pooled = self.engine.raw_connection()
            connection = pooled.driver_connection
            assert isinstance(connection, duckdb.DuckDBPyConnection)
            # Out of the pool: temporary tables and settings stay with the thread.
            pooled.detach()
            connection.execute("SET python_enable_replacements = true")
            self._own.pooled, self._own.connection = pooled, connection
        return connection

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """Give a transaction that commits at the end of the block, or rolls back on any error."""
        self._guard.check()
        with self.engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self, *, files: bool = False) -> Iterator[sa.Connection]:
        """Give a transaction for a change of ours, in little memory, with a private log.

        DuckDB gets more of it where it reads *files* itself, on all its threads.
        """
        with self.lean(files=files), self.begin() as connection:
            yield connection
            self.make_log()
        self.keep_private()

    def make_log(self) -> None:
        """Make the file that the next commit logs to; DuckDB would make it readable by others."""
        if self.path is not None and not self.read_only:
            create_private(log_of(self.path))

    def keep_private(self) -> None:
        """Take from others what SQL of the user's may just have made readable to them."""
        if self.path is not None and not self.read_only:
            with suppress(FileNotFoundError):
                log_of(self.path).chmod(0o600)

    @contextmanager
    def lean(self, *, files: bool = False) -> Iterator[None]:
        """Limit DuckDB's memory, commit included: it would rather cache a load than spill."""
        self._guard.check()
        need = _FILES_MEMORY * int(self._set("threads")) if files else _STREAM_MEMORY
        with self._writing:
            if not self._needs:
                self._memory = self._set("memory_limit")
            self._needs.append(need)
            self._limit_memory()
        try:
            yield
        finally:
            with self._writing:
                self._needs.remove(need)
                if not self._guard.closed:
                    self._limit_memory()

    def _limit_memory(self) -> None:
        """Give DuckDB what the greatest of the loads needs, and no more than it had before."""
        wanted = [f"{max(self._needs)} MiB"] if self._needs else []
        # A query that runs beside may be using more, and keeps it.
        with suppress(duckdb.OutOfMemoryException):
            self._set("memory_limit", min([self._memory, *wanted], key=_bytes))

    def _set(self, setting: str, value: str | None = None) -> str:
        """Give a setting of DuckDB's, and change it if there is a *value*."""
        connection = self.driver
        asked = connection.execute("SELECT current_setting(?)::VARCHAR", [setting])
        before: str = asked.fetchall()[0][0]
        if value is not None:
            connection.execute(f"SET {setting} = '{value.replace(chr(39), chr(39) * 2)}'")
        return before

    @property
    def driver(self) -> duckdb.DuckDBPyConnection:
        """The first connection of the pool, for a look at the database as it is opened."""
        driver = self._anchor.driver_connection
        assert isinstance(driver, duckdb.DuckDBPyConnection)
        return driver

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def check_usable(self) -> None:
        """Refuse a closed database, and one that a fork brought here."""
        self._guard.check()


def _connected(
    connections: weakref.WeakSet[duckdb.DuckDBPyConnection], _: Any, entry: ConnectionPoolEntry
) -> None:
    connection = entry.driver_connection
    assert isinstance(connection, duckdb.DuckDBPyConnection)
    connections.add(connection)
    _all_connections.add(connection)


def _close(
    guard: _Guard,
    engine: sa.Engine,
    anchor: PoolProxiedConnection,
    connections: weakref.WeakSet[duckdb.DuckDBPyConnection],
    temporary: str | None,
) -> None:
    guard.closed = True
    if os.getpid() != guard.pid:
        # A forked child inherits the object, but not the file.
        return
    anchor.close()
    engine.dispose()
    for connection in list(connections):
        connection.close()
    if temporary is not None:
        shutil.rmtree(temporary, ignore_errors=True)


def _bytes(size: str) -> float:
    """Read a size as DuckDB writes it: "18.8 GiB"."""
    number, unit = size.split()
    power: int = ("bytes", "KiB", "MiB", "GiB", "TiB").index(unit)
    return float(number) * 1024.0**power


_all_connections: weakref.WeakSet[duckdb.DuckDBPyConnection] = weakref.WeakSet()


def _leak_in_child() -> None:
    """Keep a forked child from ever destroying its copies of the open databases.

    DuckDB's destructor would write a checkpoint into the file that the parent has open.
    """
    for connection in list(_all_connections):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leak_in_child)


def _temporary_folder() -> str:
    """Make a private directory: what is in it, the WAL and spilled rows too, is its owner's."""
    _sweep_temporary_folders()
    return tempfile.mkdtemp(prefix=f"{_TEMPORARY_PREFIX}{os.getpid()}_")


def _sweep_temporary_folders() -> None:
    """Remove what killed processes left behind; never what a living one may use."""
    if os.name != "posix":
        return
    for folder in Path(tempfile.gettempdir()).glob(f"{_TEMPORARY_PREFIX}*_*"):
        with suppress(OSError, ValueError):
            pid = int(folder.name.removeprefix(_TEMPORARY_PREFIX).partition("_")[0])
            mine = not folder.is_symlink() and folder.stat().st_uid == os.getuid()
            if mine and not _is_alive(pid) and not _is_locked(folder / _EPHEMERAL_FILE):
                shutil.rmtree(folder)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def _is_locked(file: Path) -> bool:
    # A process in another container may share the directory but not our list of processes.
    import fcntl

    try:
        with file.open("r+b") as handle:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
