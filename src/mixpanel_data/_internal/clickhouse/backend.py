"""A database on a ClickHouse server, or in this process, as StorageEngine asks it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import NoReturn

import sqlalchemy as sa

from mixpanel_data._internal.clickhouse import locks
from mixpanel_data._internal.clickhouse import properties as property_columns
from mixpanel_data._internal.clickhouse.catalog import Catalog
from mixpanel_data._internal.clickhouse.copying import Copies
from mixpanel_data._internal.clickhouse.database import Database
from mixpanel_data._internal.clickhouse.errors import query_errors
from mixpanel_data._internal.clickhouse.load import Loader
from mixpanel_data._internal.clickhouse.queries import Params, Queries
from mixpanel_data._internal.loading.job import LoadJob, Progress
from mixpanel_data._internal.loading.sources import RecordSource
from mixpanel_data._internal.schema.tables import Kind
from mixpanel_data.exceptions import UnsupportedError
from mixpanel_data.types import ColumnInfo, LoadInfo, TableInfo, TableMetadata, TableSchema

PropertyPath = str | tuple[str, ...]


class ClickHouseBackend(Queries, Copies):
    """An open database of ClickHouse."""

    path = None

    def __init__(self, url: sa.URL, *, read_only: bool) -> None:
        self.database = Database(url, read_only=read_only)
        super().__init__(self.database)
        self._catalog = Catalog(self.database)
        self._loader = Loader(self.database, self._catalog)
        try:
            self._catalog.check_revision()
            if not read_only:
                self._catalog.prepare()
        except BaseException:
            self.close()
            raise

    @property
    def place(self) -> str:
        """The URL, without the password."""
        return self.database.place

    @property
    def read_only(self) -> bool:
        """Whether the server refuses what is no query."""
        return self.database.read_only

    @property
    def engine(self) -> sa.Engine:
        """The SQLAlchemy engine; what it does is committed at once."""
        self.database.ensure_open()
        return self.database.engine

    @property
    def sessions(self) -> sa.Engine:
        """An engine that only reads."""
        self.database.ensure_open()
        return self.database.sessions

    @property
    def connection(self) -> NoReturn:
        """Refuse: there is no DuckDB."""
        self._refuse("a DuckDB connection", "engine, execute_arrow() or execute_rows()")

    def relation(self, sql: str | sa.Executable, params: Params | None) -> NoReturn:
        """Refuse: there is no DuckDB."""
        self._refuse("a DuckDB relation", "execute_arrow(), execute_df() or execute_rows()")

    def _refuse(self, what: str, instead: str) -> NoReturn:
        raise UnsupportedError(
            f"ClickHouse has no {what.removeprefix('a ')}: {self.place} is no DuckDB file."
            f" Use {instead}.",
            engine="clickhouse",
            suggestion=f"Use {instead}.",
        )

    def ensure_open(self) -> None:
        """Refuse a closed database."""
        self.database.ensure_open()

    def close(self) -> None:
        """Close every connection."""
        self.database.close()

    def query_errors(self, what: str) -> AbstractContextManager[None]:
        """Turn the driver's errors inside the block into QueryErrors."""
        return query_errors(what)

    def own_functions(self) -> AbstractContextManager[None]:
        """Do nothing: no name of a database hides a function here."""
        return nullcontext()

    def load(self, job: LoadJob, source: RecordSource) -> int:
        """Load records, and return how many rows were stored."""
        return self._loader.run(job, source).stored

    def load_files(
        self, job: LoadJob, files: Sequence[Path], progress: Progress | None
    ) -> int | None:
        """Return None: files are read as records."""
        return None

    def drop(self, name: str) -> None:
        """Drop a table, and with it its catalogue entry."""
        self._loader.drop(name)

    def optimize(
        self,
        name: str,
        properties: Sequence[PropertyPath] | None,
        limit: int,
        progress: Callable[[float], object] | None,
    ) -> list[PropertyPath]:
        """Make columns of properties, and return of which."""
        found = self._catalog.require(name)
        if self.kind_of(found) is None:
            raise ValueError(f"Cannot optimize '{found}': it was not made by this library.")
        with self._loader.turn(found), query_errors(f"optimize {found}"):
            chosen = property_columns.choose(self.database, found, properties, limit)
            property_columns.change(self.database, found, chosen)
        if progress is not None:
            progress(1.0)
        return [path[0] if len(path) == 1 else path for path in chosen]

    def typed_columns(self, name: str) -> list[ColumnInfo]:
        """Return a table's columns with those of properties; none where it has none of these."""
        found = self._catalog.require(name)
        with query_errors(f"typed columns of {found}"):
            names = property_columns.columns_of(self.database, found).values()
        made = [ColumnInfo(c, "Nullable(String)", nullable=True, primary_key=False) for c in names]
        return [*self._catalog.schema(found).columns, *made] if made else []

    def find(self, name: str) -> str | None:
        """Return the name of a table or view, an internal one included."""
        return self._catalog.find(name)

    def require(self, name: str) -> str:
        """Return the name of a user's table."""
        return self._catalog.require(name)

    def table(self, name: str) -> sa.Table:
        """Return a table or view, for statements."""
        return self._catalog.table(name)

    def kind_of(self, name: str) -> Kind | None:
        """Return the kind of a table, None for one that is not this library's."""
        entry = self._catalog.entry(name)
        return None if entry is None else entry.kind

    def tables(self) -> list[TableInfo]:
        """Return the tables of events and profiles, by name."""
        return self._catalog.tables()

    def schema(self, name: str) -> TableSchema:
        """Return the columns of a table."""
        return self._catalog.schema(name)

    def metadata(self, name: str) -> TableMetadata:
        """Return what a table was loaded with."""
        return self._catalog.metadata(name)

    def history(self, table: str | None) -> list[LoadInfo]:
        """Return the finished loads of one table, or of all."""
        return self._catalog.history(table)

    def size(self) -> tuple[int, datetime | None]:
        """Return the bytes of all tables; since when there are some, their loads say."""
        return self._catalog.size(), None


def unlock(url: sa.URL, *, force: bool) -> list[str]:
    """Drop what killed loads left at *url*, complete the load history, and return the names."""
    database = Database(url, read_only=False)
    try:
        names = locks.unlock(database, force=force)
        Catalog(database).prepare()
        return names
    finally:
        database.close()
