"""The repository: every call of the library, composed from the modules below it."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from mixpanel_data._internal.display import html_table
from mixpanel_data._internal.duckdb import typed_guard
from mixpanel_data._internal.duckdb.database import Database
from mixpanel_data._internal.duckdb.dialect.orm_insert import listen_if_loaded
from mixpanel_data._internal.duckdb.errors import open_errors
from mixpanel_data._internal.duckdb.files import home, resolve_path, wait_for_lock
from mixpanel_data._internal.loading.loader import Loader
from mixpanel_data._internal.schema import catalog, revisions
from mixpanel_data._internal.storage.exploration import ExplorationMixin
from mixpanel_data._internal.storage.loads import LoadMixin
from mixpanel_data._internal.storage.reports import ReportMixin
from mixpanel_data.exceptions import DatabaseNotFoundError, ForkedEngineError

if TYPE_CHECKING:
    from types import TracebackType

    from sqlalchemy.orm import Session

    from mixpanel_data.types import TableInfo

__all__ = ["StorageEngine"]

_SHOWN = 6  # tables in a repr
_PROJECT_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", re.ASCII)


class StorageEngine(LoadMixin, ReportMixin, ExplorationMixin):
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
        self._use(Database.open(path, read_only=read_only, timeout=timeout))

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
        folder = home() / ".mixpanel_data"
        if not read_only:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
        return cls(folder / f"{project_id}.db", read_only=read_only, timeout=timeout)

    @classmethod
    def ephemeral(cls) -> StorageEngine:
        """Open a temporary file, deleted on close, on leaving ``with`` and at interpreter exit."""
        return cls._over(Database.ephemeral())

    @classmethod
    def memory(cls) -> StorageEngine:
        """Open a database without a file, of this engine alone, shared by its threads."""
        return cls._over(Database.memory())

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
        path = resolve_path(path)
        if not path.exists():
            raise DatabaseNotFoundError(path)
        if upgrade:
            # Alembic is loaded only when it is needed.
            from mixpanel_data import maintenance

            wait_for_lock(timeout, partial(maintenance.upgrade, path))
        return cls(path, read_only=read_only, timeout=timeout)

    @classmethod
    def _over(cls, database: Database) -> StorageEngine:
        engine = cls.__new__(cls)
        engine._use(database)
        return engine

    def _use(self, database: Database) -> None:
        self._database = database
        self._loader = Loader(database)
        try:
            with open_errors(database.path):
                root, writes = database.root, not database.read_only
                names = revisions.table_names(root)
                found = revisions.check(root, database.path, read_only=not writes, names=names)
                if new := found is None and writes:
                    with database.write("create internal tables") as connection:
                        catalog.create_internal(connection)
                # An older file has none; a view in their place may read whatever its author liked.
                there = new or names >= typed_guard.REGISTRY
                self._may_have_typed_rows = there and not typed_guard.NO_TRIGGERS
                if self._may_have_typed_rows and typed_guard.exist(database.root_connection):
                    self._drop_changed(typed_guard.state(database.root_connection, database.name))
        except BaseException:
            database.close()
            raise

    @property
    def path(self) -> Path | None:
        """The file, or None in memory."""
        return self._database.path

    @property
    def read_only(self) -> bool:
        """Whether the file was opened for reading only."""
        return self._database.read_only

    @property
    def engine(self) -> sa.Engine:
        """The SQLAlchemy engine; its errors are SQLAlchemy's own."""
        self._database.ensure_open()
        listen_if_loaded()
        return self._database.engine

    def session(self) -> Session:
        """Return an ORM session; its errors are SQLAlchemy's own.

        It uses the thread's connection: what SQL text made temporary, set or registered is there,
        and the thread's other calls see the session's transaction until that ends. A session that
        begins while another of the thread is in a transaction has a connection to itself.
        """
        # The ORM is loaded only when it is needed.
        from sqlalchemy.orm import Session

        listen_if_loaded()
        return Session(self._database.thread_connection().sessions)

    def _summary(self) -> tuple[str, list[TableInfo]]:
        """Return a line about the database, and its tables; an engine of any state has one."""
        database = getattr(self, "_database", None)
        if database is None:
            return "not open", []
        place = "in memory" if database.path is None else str(database.path)
        try:
            database.ensure_open()
        except RuntimeError as error:
            other = isinstance(error, ForkedEngineError)
            return f"{place}, {'of another process' if other else 'closed'}", []
        mode = "read-only" if database.read_only else "for writing"
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
        self._database.close()

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
