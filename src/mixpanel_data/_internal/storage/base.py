"""What StorageEngine asks of a database, whichever engine it is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import wraps
from traceback import walk_tb
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar

from mixpanel_data.exceptions import MixpanelDataError

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    import pandas as pd
    import pyarrow as pa
    import sqlalchemy as sa

    from mixpanel_data._internal.duckdb import DuckDBPyConnection, DuckDBPyRelation
    from mixpanel_data._internal.loading.copy_job import CopyJob, Fingerprint
    from mixpanel_data._internal.loading.job import LoadJob, Progress
    from mixpanel_data._internal.loading.sources import RecordSource
    from mixpanel_data._internal.schema.tables import Kind
    from mixpanel_data.types import ColumnInfo, LoadInfo, TableInfo, TableMetadata, TableSchema

Params = Sequence[Any] | Mapping[str, Any]
PropertyPath = str | tuple[str, ...]

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


class Backend(Protocol):
    """One open database; its driver's errors are QueryErrors, but those of ``engine``.

    ``place`` names it for people. What its engine cannot do is an UnsupportedError.
    """

    @property
    def path(self) -> Path | None: ...
    @property
    def place(self) -> str: ...
    @property
    def read_only(self) -> bool: ...
    @property
    def engine(self) -> sa.Engine: ...
    @property
    def sessions(self) -> sa.Engine: ...
    @property
    def connection(self) -> DuckDBPyConnection: ...
    def ensure_open(self) -> None: ...
    def close(self) -> object: ...
    def query_errors(self, what: str) -> AbstractContextManager[None]: ...
    def own_functions(self) -> AbstractContextManager[None]: ...

    # Each load and each drop happens as a whole, or not at all.
    def load(self, job: LoadJob, source: RecordSource) -> int: ...
    def load_files(
        self, job: LoadJob, files: Sequence[Path], progress: Progress | None
    ) -> int | None:
        """Load files that the database reads by itself; None where they must be read as records."""

    def drop(self, name: str) -> None: ...

    has_unique_keys: bool
    """Whether an event whose ``insert_id`` is taken gets another one."""

    def fingerprint(self, name: str) -> Fingerprint:
        """Return what tells whether a registered table holds the same rows as another one."""

    def read(
        self, name: str, *, own_keys: bool
    ) -> AbstractContextManager[Iterable[pa.RecordBatch]]:
        """Yield the rows of a registered table: texts, and times that are naive and in UTC.

        With *own_keys* events have the ``insert_id`` that they came with, where they got another.
        """

    def store_copy(self, job: CopyJob, batches: Iterator[pa.RecordBatch]) -> None:
        """Make a table of rows as *read* yields them, with its metadata and history.

        Raises:
            TableExistsError: the name is taken.
            CopyMismatchError: they are not the rows of the source, or some of them are equal.
        """

    def optimize(
        self,
        name: str,
        properties: Sequence[PropertyPath] | None,
        limit: int,
        progress: Callable[[float], object] | None,
    ) -> list[PropertyPath]: ...

    def frame(self, sql: str | sa.Executable, params: Params | None) -> pd.DataFrame: ...
    def arrow(self, sql: str | sa.Executable, params: Params | None) -> pa.Table: ...
    def rows(
        self, sql: str | sa.Executable, params: Params | None, most: int | None = None
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Return the names of the columns, and the rows, *most* of them."""

    def query(self, sql: str | sa.Executable, params: Params | None) -> list[sa.Row[Any]]: ...
    def relation(self, sql: str | sa.Executable, params: Params | None) -> DuckDBPyRelation: ...
    def sql_text(self, statement: sa.Executable, params: Params | None) -> str: ...

    def column_type(self, statement: sa.Executable) -> tuple[str, bool]:
        """Return the type of a statement's column, and whether it is a number."""

    def expression_problem(self, text: str) -> str | None:
        """Return why a text in parentheses is not one expression; None where it is one."""

    def find(self, name: str) -> str | None:
        """Return a table or view, an internal one too, as the database spells it."""

    def table(self, name: str) -> sa.Table: ...
    def kind_of(self, name: str) -> Kind | None: ...
    def tables(self) -> list[TableInfo]: ...
    def schema(self, name: str) -> TableSchema: ...
    def metadata(self, name: str) -> TableMetadata: ...
    def history(self, table: str | None) -> list[LoadInfo]: ...
    def require(self, name: str) -> str: ...
    def typed_columns(self, name: str) -> list[ColumnInfo]: ...
    def size(self) -> tuple[int, datetime | None]:
        """Return the bytes on disk, and since when there are some."""


_DRIVERS = {"sqlalchemy", "duckdb", "pyarrow", "clickhouse_connect"}
_INSIDE = {"mixpanel_data"} | _DRIVERS | sys.stdlib_module_names


def library_edge(call: Callable[_Given, _Result]) -> Callable[_Given, _Result]:
    """Return a public call whose errors have no traceback from inside the library.

    Those that came through the caller's own code, as an iterator that is loaded, stay as they are.
    """

    @wraps(call)
    def edge(*args: _Given.args, **kwargs: _Given.kwargs) -> _Result:
        try:
            return call(*args, **kwargs)
        except MixpanelDataError as error:
            names = [f.f_globals.get("__name__", "") for f, _ in walk_tb(error.__traceback__)]
            if any(name.partition(".")[0] not in _INSIDE for name in names):
                raise
            raise error.with_traceback(None) from None

    return edge


class StorageBase:
    """An open database."""

    _backend: Backend

    @property
    def connection(self) -> DuckDBPyConnection:
        """The calling thread's own DuckDB connection; its errors are DuckDB's own.

        Every call of this thread uses it: temporary tables, settings, and DataFrames that
        ``connection.register(name, frame)`` names are seen by all of them.

        Raises:
            UnsupportedError: the database is no DuckDB file.
        """
        return self._backend.connection

    def query_errors(self, what: str) -> AbstractContextManager[None]:
        """Turn the driver's errors inside the block into QueryErrors that name *what* it is for.

        For code that works with relations or with ``connection``.
        """
        return self._backend.query_errors(what)

    def own_functions(self) -> AbstractContextManager[None]:
        """Let the statements in the block use the database's own functions.

        Macros in a file, whose author need not be its reader, would replace them. Exploration and
        reports ask this way.
        """
        return self._backend.own_functions()
