"""The repository: every call of the library, composed from the modules below it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from mixpanel_data._internal.deferral import deferred_interrupts
from mixpanel_data._internal.display import html_table
from mixpanel_data._internal.storage.copying import CopyMixin
from mixpanel_data._internal.storage.exploration import ExplorationMixin
from mixpanel_data._internal.storage.reports import ReportMixin
from mixpanel_data.exceptions import ForkedEngineError, UnsupportedError

if TYPE_CHECKING:
    from types import ModuleType, TracebackType

    from sqlalchemy.orm import Session

    from mixpanel_data._internal.duckdb.backend import DuckDBBackend
    from mixpanel_data._internal.storage.base import Backend
    from mixpanel_data.types import TableInfo

__all__ = ["StorageEngine"]

_SHOWN = 6  # tables in a repr
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+_.]*://")
# "None" is an id that was not set, made into text.
_PROJECT_ID = re.compile(r"(?!None\Z)[A-Za-z0-9_][A-Za-z0-9_.-]*", re.ASCII)


class StorageEngine(CopyMixin, ReportMixin, ExplorationMixin):
    """A local DuckDB database of Mixpanel events and profiles.

    Threads may share an engine. Each thread has one connection for all that it asks, by text, by
    statement or by session, so its temporary tables and settings stay visible to it; loads take
    connections of their own from the pool. Times are naive and in UTC. Ctrl-C ends a query or a
    load at once; one that comes while a load commits is too late, and the load returns as ever.

    A load from an iterable takes at most 500 MB of memory for events of up to some 4 KB each.
    DuckDB handles 2,048 rows at a time, so that longer ones take up to five times the bytes of
    that many.

    Tables of up to ``index_limit`` rows carry their primary key as an index. DuckDB needs about
    200 MB of memory for a million rows of it, so in a larger table the loads alone keep the key
    unique; ``get_schema`` reports the key either way.
    """

    def __init__(
        self, path: str | Path | None, *, read_only: bool = False, timeout: float = 0.0
    ) -> None:
        """Open or create the file at *path*, which may begin with ``~``.

        A file that is locked is tried again for *timeout* seconds.

        Raises:
            ValueError: *path* is None, empty or ``:memory:``, or *timeout* is negative.
            DatabaseNotFoundError: *read_only*, and the file is not there.
            DatabaseLockedError: another process holds the file, or this one has it open in the
                other mode: engines of one process are all for writing, or all read-only.
            ForkedEngineError: the process that forked this one had the file open.
            SchemaVersionError: its schema is not today's; older ones can be opened read-only.
            OSError: it cannot be opened or made.
        """
        if path is None:
            raise ValueError(
                "A path is needed. Use StorageEngine.ephemeral() or StorageEngine.memory()"
                " for a database that is not kept."
            )
        self._backend = _duckdb().open(path, read_only=read_only, timeout=timeout)

    @classmethod
    def connect(cls, url: str | sa.URL, *, read_only: bool = False) -> StorageEngine:
        """Open a database by its URL, as ``clickhousedb://user:password@host:8123/database``.

        That is the same repository on a ClickHouse server, for more events than a file serves:
        loads, the catalogue, statements, exploration and reports are the same. SQL text is
        ClickHouse's own, ``session()`` only reads, and what there is no counterpart of raises
        UnsupportedError. A missing database is made. ``duckdb:///PATH`` and a path alone open a
        file.

        Raises:
            ImportError: the package of the engine is missing; it names the extra.
            ValueError: *url* is of another engine.
            DatabaseNotFoundError: *read_only*, and the database is not there.
            UnsupportedError: the server is too old, or the database's engine has no exchange.
            OSError: it cannot be reached or made.
        """
        if not isinstance(url, sa.URL) and not _URL.match(str(url)):
            return cls(url, read_only=read_only)
        address = sa.make_url(url)
        name = address.get_backend_name()
        if name == "duckdb":
            if address.database in (None, "", ":memory:"):
                return cls.memory()
            return cls(str(address.database), read_only=read_only)
        if name not in ("clickhousedb", "clickhouse"):
            raise ValueError(
                f"{address.render_as_string()} is no database of this library: use"
                " clickhousedb://HOST/DATABASE, duckdb:///PATH or a path."
            )
        return cls._over(_clickhouse().ClickHouseBackend(address, read_only=read_only))

    @staticmethod
    def unlock(url: str | sa.URL, *, force: bool = False) -> list[str]:
        """Remove what killed loads left on a server, and return the names of the tables.

        Their locks go, and what they had not published. A load that was only slow then fails,
        with nothing stored.

        Raises:
            DatabaseLockedError: a process of this host that has a lock lives, and not *force*.
            UnsupportedError: *url* is no server's: a file's lock ends with its process.
            ImportError, OSError: as ``connect``.
        """
        text = str(url)
        if not text.startswith("clickhouse"):
            raise UnsupportedError(
                f"{text} needs no unlocking: the lock of a DuckDB file ends with its process."
            )
        names: list[str] = _clickhouse().unlock(sa.make_url(url), force=force)
        return names

    @classmethod
    def for_project(
        cls, project_id: str | int, *, read_only: bool = False, timeout: float = 0.0
    ) -> StorageEngine:
        """Open or create ``~/.mixpanel_data/{project_id}.db``; all else as for a path.

        Raises:
            ValueError: the id holds more than letters, digits, ``_``, ``-`` and ``.``.
            OSError: the user has no home directory.
        """
        if not _PROJECT_ID.fullmatch(str(project_id)):
            raise ValueError(f"Invalid project id {project_id!r}: it must be a plain file name.")
        return cls._over(
            _duckdb().for_project(str(project_id), read_only=read_only, timeout=timeout)
        )

    @classmethod
    def ephemeral(cls) -> StorageEngine:
        """Open a temporary file, deleted on close, on leaving ``with`` and at interpreter exit."""
        return cls._over(_duckdb().ephemeral())

    @classmethod
    def memory(cls) -> StorageEngine:
        """Open a database without a file, of this engine alone, shared by its threads."""
        return cls._over(_duckdb().memory())

    @classmethod
    def open_existing(
        cls,
        path: str | Path,
        *,
        read_only: bool = True,
        upgrade: bool = False,
        timeout: float = 0.0,
    ) -> StorageEngine:
        """Open a file that is there, by default for reading; all else as for a path.

        With *upgrade*, one of an older schema revision is first upgraded to today's, after a backup
        beside it: see ``maintenance.upgrade``.

        Raises:
            FileNotFoundError: it is not there.
            SchemaVersionError: its revision is unknown, or older and to be written as it is.
        """
        return cls._over(
            _duckdb().open_existing(path, read_only=read_only, upgrade=upgrade, timeout=timeout)
        )

    @classmethod
    def _over(cls, backend: Backend) -> StorageEngine:
        engine = cls.__new__(cls)
        engine._backend = backend
        return engine

    @property
    def path(self) -> Path | None:
        """The file, or None in memory."""
        return self._backend.path

    @property
    def read_only(self) -> bool:
        """Whether the file was opened for reading only."""
        return self._backend.read_only

    @property
    def engine(self) -> sa.Engine:
        """The SQLAlchemy engine; its errors are SQLAlchemy's own."""
        return self._backend.engine

    def session(self) -> Session:
        """Return an ORM session; its errors are SQLAlchemy's own.

        It uses the thread's connection: what SQL text made temporary, set or registered is there,
        and the thread's other calls see the session's transaction until that ends. A session that
        begins while another of the thread is in a transaction has a connection to itself.
        """
        # The ORM is loaded only when it is needed.
        from sqlalchemy.orm import Session

        return Session(self._backend.sessions)

    def _summary(self) -> tuple[str, list[TableInfo]]:
        """Return a line about the database, and its tables; an engine of any state has one."""
        backend: Backend | None = getattr(self, "_backend", None)
        if backend is None:
            return "not open", []
        place = backend.place
        try:
            backend.ensure_open()
        except RuntimeError as error:
            other = isinstance(error, ForkedEngineError)
            return f"{place}, {'of another process' if other else 'closed'}", []
        mode = "read-only" if backend.read_only else "for writing"
        try:
            return f"{place}, {mode}", self.list_tables()
        except Exception as error:  # a repr never fails
            return f"{place}, {mode}, tables unknown: {type(error).__name__}", []

    def __repr__(self) -> str:
        line, tables = self._summary()
        found = ", ".join(f"{table.name} {table.row_count:,} rows" for table in tables[:_SHOWN])
        more = f", and {len(tables) - _SHOWN} more tables" if len(tables) > _SHOWN else ""
        return f"<StorageEngine {line}{': ' if found else ''}{found}{more}>"

    def _repr_html_(self) -> str:
        line, tables = self._summary()
        names = ["name", "type", "row_count", "fetched_at"]
        rows = [[getattr(table, name) for name in names] for table in tables]
        return html_table(names, rows, f"StorageEngine {line}")

    def close(self) -> None:
        """Close every connection and release the file; closing again does nothing."""
        self._backend.close()

    cleanup = close

    def __enter__(self) -> StorageEngine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _duckdb() -> type[DuckDBBackend]:
    # Loaded with the first file: other engines do without it. An import may swallow Ctrl-C.
    with deferred_interrupts():
        from mixpanel_data._internal.duckdb.backend import DuckDBBackend

    return DuckDBBackend


def _clickhouse() -> ModuleType:
    try:
        with deferred_interrupts():
            from mixpanel_data._internal.clickhouse import backend
    except ModuleNotFoundError as error:
        if not str(error.name).startswith("clickhouse_connect"):
            raise
        raise ImportError(
            "ClickHouse needs another package: pip install 'mixpanel-data[clickhouse]'",
            name=error.name,
        ) from None
    return backend
