"""The repository: every call of the library, composed from the modules below it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mixpanel_data._internal import catalog, revisions
from mixpanel_data._internal.engine import Database
from mixpanel_data._internal.errors import open_errors
from mixpanel_data._internal.storage.asking import Asking
from mixpanel_data._internal.storage.looking import Looking
from mixpanel_data._internal.storage.writing import Writing
from mixpanel_data.exceptions import DatabaseNotFoundError

if TYPE_CHECKING:
    from types import TracebackType

    from mixpanel_data.reports import Reports

__all__ = ["StorageEngine"]

_PROJECT_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", re.ASCII)


class StorageEngine(Writing, Asking, Looking):
    """A local DuckDB database of Mixpanel events and profiles.

    Threads may share an engine. SQL text runs on a connection of the calling thread, the one that
    ``connection`` gives, so temporary tables and settings stay visible to the thread; SQLAlchemy
    statements and loads take connections from the pool. Times are naive and in UTC.

    Tables of up to ``index_limit`` rows carry their primary key as an index. DuckDB needs about
    200 MB of memory for a million rows of it, so in a larger table the loads alone keep the key
    unique; ``get_schema`` reports the key either way.
    """

    def __init__(self, path: str | Path | None, *, read_only: bool = False) -> None:
        """Open or create the file at *path*.

        Raises:
            ValueError: *path* is None.
            DatabaseNotFoundError: *read_only*, and the file is not there.
            DatabaseLockedError: another process holds the file.
            SchemaVersionError: its schema is not today's; older ones can be opened read-only.
            OSError: it cannot be opened or made.
        """
        if path is None:
            raise ValueError(
                "A path is needed. Use StorageEngine.ephemeral() or StorageEngine.memory()"
                " for a database that is not kept."
            )
        self._use(Database.at(path, read_only=read_only))

    @classmethod
    def for_project(cls, project_id: str | int, *, read_only: bool = False) -> StorageEngine:
        """Open or create ``~/.mixpanel_data/{project_id}.db``.

        Raises:
            ValueError: the id holds more than letters, digits, ``_``, ``-`` and ``.``.
        """
        if not _PROJECT_ID.fullmatch(str(project_id)):
            raise ValueError(f"Invalid project id {project_id!r}: it must be a plain file name.")
        folder = Path.home() / ".mixpanel_data"
        if not read_only:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
        return cls(folder / f"{project_id}.db", read_only=read_only)

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
        cls, path: str | Path, *, read_only: bool = True, upgrade: bool = False
    ) -> StorageEngine:
        """Open a file that is there, by default for reading.

        With *upgrade*, one of an older schema revision is first brought to today's, after a backup
        beside it: see ``maintenance.upgrade``.

        Raises:
            FileNotFoundError: it is not there.
            SchemaVersionError: its revision is unknown, or older and to be written as it is.
        """
        if not Path(path).exists():
            raise DatabaseNotFoundError(path)
        if upgrade:
            # Alembic is loaded only when it is needed.
            from mixpanel_data import maintenance

            maintenance.upgrade(path)
        return cls(path, read_only=read_only)

    @classmethod
    def _over(cls, database: Database) -> StorageEngine:
        engine = cls.__new__(cls)
        engine._use(database)
        return engine

    def _use(self, database: Database) -> None:
        self._database = database
        super().__init__()
        try:
            with open_errors(database.path):
                found = revisions.check(
                    database.driver, database.path, read_only=database.read_only
                )
                if found is None and not database.read_only:
                    with database.write() as connection:
                        catalog.create_internal(connection)
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
        self._database.check_usable()
        return self._database.engine

    def reports(
        self,
        table: str,
        *,
        timezone: str = "UTC",
        identity: str = "stored",
        profiles: str | None = None,
        excluded_events: Sequence[str] = (),
        as_of: date | datetime | None = None,
    ) -> Reports:
        """Return Mixpanel's reports over a table of events; see ``mixpanel_data.reports``.

        *timezone* is the project's zone, an IANA name: days, weeks and months are its. *identity*
        is "stored", "simplified", "original", or the name of a table of distinct_id and
        resolved_distinct_id. *profiles* names the table to join by the resolved user. "Any event"
        leaves *excluded_events* out. *as_of* is the end of what was loaded: a day of the zone, or a
        time in UTC; by default what the table and its metadata say.

        Raises:
            TableNotFoundError: a table is not there.
            NotEventsTableError: it has not the columns of events (of profiles, of mappings).
            ValueError: there is no such zone.
        """
        # pandas and the reports are loaded only when they are needed.
        from mixpanel_data.reports import Reports

        return Reports(
            self,
            table,
            timezone=timezone,
            identity=identity,
            profiles=profiles,
            excluded_events=excluded_events,
            as_of=as_of,
        )

    def session(self) -> Session:
        """Give an ORM session on the pool; its errors are SQLAlchemy's own."""
        return Session(self.engine)

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
