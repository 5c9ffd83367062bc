"""An open DuckDB database: how it is opened, what loads and what describes it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.schema import DropTable

from mixpanel_data._internal.duckdb import typed_guard
from mixpanel_data._internal.duckdb.backend.copying import CopyMixin
from mixpanel_data._internal.duckdb.backend.queries import QueryMixin
from mixpanel_data._internal.duckdb.database import Database
from mixpanel_data._internal.duckdb.dialect import system_functions
from mixpanel_data._internal.duckdb.dialect.orm_insert import listen_if_loaded
from mixpanel_data._internal.duckdb.errors import open_errors, query_errors
from mixpanel_data._internal.duckdb.export_query import can_read
from mixpanel_data._internal.duckdb.files import home, resolve_path, wait_for_lock
from mixpanel_data._internal.loading.export_source import ExportSource, UnsupportedExport
from mixpanel_data._internal.loading.job import LoadJob, Progress
from mixpanel_data._internal.loading.loader import Loader
from mixpanel_data._internal.loading.sources import RecordSource
from mixpanel_data._internal.schema import catalog, load_history, revisions, typed
from mixpanel_data._internal.schema.tables import Kind, quoted
from mixpanel_data.exceptions import DatabaseNotFoundError

if TYPE_CHECKING:
    from mixpanel_data.types import LoadInfo, TableInfo, TableMetadata, TableSchema

logger = logging.getLogger(__name__)


class DuckDBBackend(QueryMixin, CopyMixin):
    """An open DuckDB database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.loader = Loader(database)
        try:
            with open_errors(database.path):
                root, writes = database.root, not database.read_only
                names = revisions.table_names(root)
                found = revisions.check(root, database.path, read_only=not writes, names=names)
                if new := found is None and writes:
                    # Empty tables need no limit of memory.
                    database.create_wal()
                    with database.transaction("create internal tables") as connection:
                        catalog.create_internal(connection)
                # An older file has none; a view in their place may read whatever its author liked.
                there = new or names >= typed_guard.REGISTRY
                self._may_have_typed_rows = there and not typed_guard.NO_TRIGGERS
                if self._may_have_typed_rows and typed_guard.exist(database.root_connection):
                    self._drop_changed(typed_guard.state(database.root_connection, database.name))
        except BaseException:
            database.close()
            raise

    @classmethod
    def open(cls, path: str | Path, *, read_only: bool, timeout: float) -> DuckDBBackend:
        """Open or create the file at *path*, as ``StorageEngine``."""
        return cls(Database.open(path, read_only=read_only, timeout=timeout))

    @classmethod
    def open_existing(
        cls, path: str | Path, *, read_only: bool, upgrade: bool, timeout: float
    ) -> DuckDBBackend:
        """Open a file that is there, as ``StorageEngine.open_existing``."""
        path = resolve_path(path)
        if not path.exists():
            raise DatabaseNotFoundError(path)
        if upgrade:
            # Alembic is loaded only when it is needed.
            from mixpanel_data import maintenance

            wait_for_lock(timeout, partial(maintenance.upgrade, path))
        return cls.open(path, read_only=read_only, timeout=timeout)

    @classmethod
    def for_project(cls, name: str, *, read_only: bool, timeout: float) -> DuckDBBackend:
        """Open or create the file of a project in the user's home directory."""
        folder = home() / ".mixpanel_data"
        if not read_only:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
        return cls.open(folder / f"{name}.db", read_only=read_only, timeout=timeout)

    @classmethod
    def ephemeral(cls) -> DuckDBBackend:
        """Open a temporary file that goes with it."""
        return cls(Database.ephemeral())

    @classmethod
    def memory(cls) -> DuckDBBackend:
        """Open a database without a file."""
        return cls(Database.memory())

    @property
    def path(self) -> Path | None:
        """The file, or None in memory."""
        return self.database.path

    @property
    def place(self) -> str:
        """The file, for people."""
        return "in memory" if self.database.path is None else str(self.database.path)

    @property
    def read_only(self) -> bool:
        """Whether the file was opened for reading only."""
        return self.database.read_only

    @property
    def engine(self) -> sa.Engine:
        """The SQLAlchemy engine over the pool."""
        self.database.ensure_open()
        listen_if_loaded()
        return self.database.engine

    @property
    def sessions(self) -> sa.Engine:
        """The engine for sessions of the calling thread."""
        listen_if_loaded()
        return self.database.thread_connection().sessions

    def ensure_open(self) -> None:
        """Refuse a closed database, and one of the process that forked this one."""
        self.database.ensure_open()

    def close(self) -> None:
        """Close every connection and release the file."""
        self.database.close()

    def query_errors(self, what: str) -> AbstractContextManager[None]:
        """Turn the driver's errors inside the block into QueryErrors."""
        return query_errors(what, self.database.begin)

    def load(self, job: LoadJob, source: RecordSource) -> int:
        """Load records, and return how many rows were stored."""
        return self.loader.run(job, source).stored

    def load_files(
        self, job: LoadJob, files: Sequence[Path], progress: Progress | None
    ) -> int | None:
        """Load files by DuckDB's own reader; None where it is not made for them."""
        if not all(map(can_read, files)):
            return None
        try:
            return self.loader.run(job, ExportSource(files, job.kind, progress)).stored
        except UnsupportedExport as reason:
            logger.info("Reading %s line by line: %s", job.source, reason)
            return None

    def drop(self, name: str) -> None:
        """Drop a table, its typed rows and its catalogue entry."""
        with self.loader.turn(name), self.database.write(f"drop {name}") as connection:
            found = catalog.require(connection, name)
            typed.drop(connection, found)
            connection.execute(DropTable(sa.Table(quoted(found), sa.MetaData())))
            catalog.forget(connection, found)

    def find(self, name: str) -> str | None:
        """Return the name of a table or view, an internal one included, as DuckDB spells it."""
        with self.database.transaction(f"table {name}") as connection:
            return catalog.find(connection, name, internal=True)

    def require(self, name: str) -> str:
        """Return the name of a user's table as DuckDB spells it."""
        with self.database.transaction(f"table {name}") as connection:
            return catalog.require(connection, name)

    def table(self, name: str) -> sa.Table:
        """Return a table or view, a temporary one of the calling thread before others."""
        engine = self.database.thread_connection().statements
        with (
            query_errors(f"table {name}"),
            engine.connect() as connection,
            system_functions(connection),
        ):
            return catalog.table(connection, name)

    def kind_of(self, name: str) -> Kind | None:
        """Return the kind a table is registered as, or None."""
        with self.database.transaction(f"metadata of {name}") as connection:
            return catalog.kind_of(connection, name)

    def tables(self) -> list[TableInfo]:
        """Return the tables of events and profiles, by name."""
        with self.database.transaction("list tables") as connection:
            return catalog.tables(connection)

    def schema(self, name: str) -> TableSchema:
        """Return the columns of a table."""
        with self.database.transaction(f"schema of {name}") as connection:
            return catalog.schema_of(connection, name)

    def metadata(self, name: str) -> TableMetadata:
        """Return what a table was loaded with."""
        with self.database.transaction(f"metadata of {name}") as connection:
            return catalog.metadata_of(connection, name)

    def history(self, table: str | None) -> list[LoadInfo]:
        """Return the finished loads of one table, or of all."""
        with self.database.transaction("load history") as connection:
            return load_history.history(connection, table)

    def size(self) -> tuple[int, datetime | None]:
        """Return the size of the file, and its age."""
        if self.database.path is None:
            return 0, None
        status = self.database.path.stat()
        changed = getattr(status, "st_birthtime", status.st_ctime)
        return status.st_size, datetime.fromtimestamp(changed, timezone.utc)
