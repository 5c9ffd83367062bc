"""The repository: every call of the library, composed from the modules below it."""

from __future__ import annotations

import logging
import re
import threading
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

import duckdb
import pyarrow
import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.schema import DropTable

from mixpanel_data._internal import catalog, exports, ledger, load
from mixpanel_data._internal.engine import Database
from mixpanel_data._internal.errors import open_errors, query_errors
from mixpanel_data._internal.records import batches
from mixpanel_data._internal.tables import (
    EVENTS,
    KINDS,
    PROFILES,
    Kind,
    check_name,
    quoted,
    user_table,
)
from mixpanel_data._version import __version__
from mixpanel_data.exceptions import DatabaseNotFoundError, InvalidRecordError, QueryError
from mixpanel_data.types import (
    Coverage,
    EventRecord,
    LoadAction,
    LoadInfo,
    ProfileRecord,
    SQLResult,
    TableInfo,
    TableMetadata,
    TableSchema,
)

if TYPE_CHECKING:
    from types import TracebackType

    import pandas as pd
    import pyarrow as pa
    from sqlalchemy.sql.selectable import TypedReturnsRows
    from typing_extensions import TypeVarTuple, Unpack

    _Columns = TypeVarTuple("_Columns")

logger = logging.getLogger(__name__)

Params = Sequence[Any] | Mapping[str, Any]
Progress = Callable[[int], object]
OnConflict = Literal["ignore", "update"]

_PROJECT_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", re.ASCII)


class StorageEngine:
    """A local DuckDB database of Mixpanel events and profiles.

    Threads may share an engine. SQL text runs on a connection of the calling thread, the one that
    ``connection`` gives, so temporary tables and settings stay visible to the thread; SQLAlchemy
    statements and loads take connections from the pool. Times are naive and in UTC.

    Tables of up to ``index_limit`` rows carry their primary key as an index. DuckDB needs about
    200 MB of memory for a million rows of it, so in a larger table the loads alone keep the key
    unique; ``get_schema`` reports the key either way.
    """

    index_limit: int = 1_000_000

    def __init__(self, path: str | Path | None, *, read_only: bool = False) -> None:
        """Open or create the file at *path*.

        Raises:
            ValueError: *path* is None.
            DatabaseNotFoundError: *read_only*, and the file is not there.
            DatabaseLockedError: another process holds the file.
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
    def open_existing(cls, path: str | Path, *, read_only: bool = True) -> StorageEngine:
        """Open a file that is there, by default for reading.

        Raises:
            FileNotFoundError: it is not there.
        """
        if not Path(path).exists():
            raise DatabaseNotFoundError(path)
        return cls(path, read_only=read_only)

    @classmethod
    def _over(cls, database: Database) -> StorageEngine:
        engine = cls.__new__(cls)
        engine._use(database)
        return engine

    def _use(self, database: Database) -> None:
        self._database = database
        self._loading: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)
        if not database.read_only:
            with open_errors(database.path), database.write() as connection:
                catalog.create_missing(connection)

    @property
    def path(self) -> Path | None:
        """The file, or None in memory."""
        return self._database.path

    @property
    def read_only(self) -> bool:
        """Whether the file was opened for reading only."""
        return self._database.read_only

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The calling thread's raw DuckDB connection; its errors are DuckDB's own."""
        return self._database.raw()

    @property
    def engine(self) -> sa.Engine:
        """The SQLAlchemy engine; its errors are SQLAlchemy's own."""
        self._database.check_usable()
        return self._database.engine

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

    # Writing

    def create_events_table(
        self,
        name: str,
        data: Iterable[EventRecord],
        metadata: TableMetadata,
        progress_callback: Progress | None = None,
        batch_size: int = 1000,
    ) -> int:
        """Make a table of events from an iterable, lazily and atomically, and count what it stored.

        *progress_callback* gets the running number of records after every *batch_size* of them,
        and for the last batch the number of rows stored.

        Raises:
            ValueError: a name, batch size or metadata that cannot be.
            TableExistsError: the name is taken; the iterable was not started.
            InvalidRecordError: a record is missing a field, or a field is wrong.
            QueryError: the database failed.
        """
        order = _Order(EVENTS, name, metadata)
        return self._load_records(order, data, progress_callback, batch_size)

    def create_profiles_table(
        self,
        name: str,
        data: Iterable[ProfileRecord],
        metadata: TableMetadata,
        progress_callback: Progress | None = None,
        batch_size: int = 1000,
    ) -> int:
        """Make a table of profiles; all else as ``create_events_table``."""
        order = _Order(PROFILES, name, metadata)
        return self._load_records(order, data, progress_callback, batch_size)

    def append_events_table(
        self,
        name: str,
        data: Iterable[EventRecord],
        metadata: TableMetadata,
        progress_callback: Progress | None = None,
        batch_size: int = 1000,
        *,
        replace: bool = False,
    ) -> int:
        """Add events to a table, skipping those it holds; all else as ``create_events_table``.

        With *replace*, the events from ``metadata.from_date`` to ``to_date`` (both inclusive), of
        ``filter_events`` where that is given, make way for the new ones in the same transaction.

        Raises:
            TableNotFoundError: the table is not there.
            ValueError: it is not a table of events, or *replace* without both dates.
        """
        order = _Order(EVENTS, name, metadata, "replace" if replace else "append")
        return self._load_records(order, data, progress_callback, batch_size)

    def append_profiles_table(
        self,
        name: str,
        data: Iterable[ProfileRecord],
        metadata: TableMetadata,
        progress_callback: Progress | None = None,
        batch_size: int = 1000,
        *,
        on_conflict: OnConflict = "ignore",
    ) -> int:
        """Add profiles to a table; all else as ``append_events_table``.

        *on_conflict* says what becomes of a profile that the table holds: "ignore" keeps the one
        that is there, "update" the one with the later ``last_seen``.
        """
        order = _Order(PROFILES, name, metadata, "append", on_conflict)
        return self._load_records(order, data, progress_callback, batch_size)

    def load_export(
        self,
        name: str,
        paths: str | Path | Iterable[str | Path],
        metadata: TableMetadata,
        *,
        append: bool = False,
        replace: bool = False,
        on_conflict: OnConflict = "ignore",
        progress: Progress | None = None,
    ) -> int:
        """Load Mixpanel's raw files (see ``formats``) into a table, and count the rows stored.

        ``metadata.type`` says what the files hold. *paths* are files or glob patterns, plain, gzip
        or zstd, all of them one load. DuckDB parses them itself, several times as fast as records
        from an iterable, with the same rules and results. *append*, *replace* and *on_conflict* are
        those of the append calls; *progress* gets the bytes read so far, as stored.

        Raises:
            FileNotFoundError: a path is not there, or a pattern fits none.
            InvalidRecordError: a line is no record, or a file is cut short; names file and line.
            ValueError, TableExistsError, TableNotFoundError, QueryError: as for the other loads.
        """
        files = exports.expand(paths)
        action: LoadAction = "replace" if replace else "append" if append else "create"
        kind, source = KINDS[metadata.type], ", ".join(map(str, files))
        order = _Order(kind, name, metadata, action, on_conflict, source)
        if exports.suits_duckdb(files):
            with suppress(exports.Irregular, InvalidRecordError, QueryError):
                # What fails here is done again below, which knows the line that is to blame.
                return self._load(
                    order, lambda to, table: exports.insert(to, table, kind, files, progress)
                )
        records = exports.READERS[kind.name](*files, progress=progress)
        return self._load_records(order, records, None, 1)

    def _load_records(
        self,
        order: _Order,
        data: Iterable[Mapping[str, Any]],
        progress: Progress | None,
        batch_size: int,
    ) -> int:
        if batch_size < 1:
            raise ValueError(f"batch_size must be 1 or more, not {batch_size}.")
        caller = _Caller(progress)
        records = batches(caller.pull(data, batch_size), user_table(order.kind, order.name))
        try:
            return self._load(
                order, lambda to, table: load.insert(to, table, records), caller.report
            )
        except Exception:
            if not caller.errors:
                raise
        # Outside the handler, so that it leaves as it came: no context, no translation.
        raise caller.errors[0]

    def _load(self, order: _Order, feed: load.Feed, report: Progress | None = None) -> int:
        kind, name, meta = order.kind, order.name, order.metadata
        started = ledger.now()
        with self._writing(f"load into {name}", name) as connection:
            if order.action == "create":
                table = catalog.new_table(connection, name, kind)
                counts = load.create(connection, table, kind, feed, self.index_limit)
            else:
                table = catalog.known_table(connection, name, kind)
                counts = load.append(
                    connection,
                    table,
                    kind,
                    feed,
                    self.index_limit,
                    making_way=order.making_way(table),
                    newer_by="last_seen" if order.on_conflict == "update" else None,
                )
            counted = {"duplicates": counts.duplicates, "collisions": counts.collisions}
            enter = catalog.register if order.action == "create" else catalog.refresh
            enter(connection, table.name, meta.model_copy(update=counted))
            ledger.record(connection, order.entry(table.name, started, counts))
            if report is not None and counts.read:
                report(counts.stored)
        logger.info("Loaded %s into %s: %s", kind.name, name, counts)
        return counts.stored

    def drop_table(self, name: str) -> None:
        """Drop a table and its catalogue entry.

        Raises:
            ValueError: users may not have a table of this name.
            TableNotFoundError: it is not there.
        """
        check_name(name)
        with self._writing(f"drop {name}", name) as connection:
            found = catalog.require(connection, name)
            connection.execute(DropTable(sa.Table(quoted(found), sa.MetaData())))
            catalog.forget(connection, found)

    @contextmanager
    def _writing(self, what: str, name: str) -> Iterator[sa.Connection]:
        # Two loads into one table would fail at commit, after all their work: they take turns.
        with self._loading[name.lower()], query_errors(what), self._database.write() as connection:
            yield connection

    # Asking

    def execute(self, sql: str | sa.Executable) -> duckdb.DuckDBPyRelation:
        """Give a lazy DuckDB relation over *sql*, for chaining; it runs when it is read."""
        with self._asking(sql) as connection:
            text = sql if isinstance(sql, str) else self._text(sql)
            relation: duckdb.DuckDBPyRelation = _ran(connection, text, connection.sql(text))
            return relation

    def execute_df(self, sql: str | sa.Executable, params: Params | None = None) -> pd.DataFrame:
        """Give the result as a pandas DataFrame."""
        with self._result(sql, params) as result:
            frame: pd.DataFrame = result.df()
            return frame

    def execute_arrow(self, sql: str | sa.Executable, params: Params | None = None) -> pa.Table:
        """Give the result as a pyarrow Table."""
        if isinstance(sql, str):
            # Of DuckDB's ways to Arrow the relation is the one without an extra copy.
            with self._asking(sql) as connection:
                relation = _ran(connection, sql, connection.sql(sql, params=params or None))
                return pyarrow.table({}) if relation is None else relation.to_arrow_table()
        with self._result(sql, params) as result, warnings.catch_warnings():
            # DuckDB warns of that copy; a transaction's result cannot do without it.
            warnings.filterwarnings("ignore", "Arrow output on a DB-API result")
            return result.to_arrow_table()

    def execute_rows(self, sql: str | sa.Executable, params: Params | None = None) -> SQLResult:
        """Give the result as a list of tuples that knows its column names."""
        with self._result(sql, params) as result:
            columns = [column[0] for column in result.description or ()]
            return SQLResult(columns, result.fetchall())

    def execute_rows_params(self, sql: str | sa.Executable, params: Params) -> SQLResult:
        """Do the same as ``execute_rows``."""
        return self.execute_rows(sql, params)

    def execute_scalar(self, sql: str | sa.Executable, params: Params | None = None) -> Any:
        """Give the one value of the result; None for NULL or no row.

        Raises:
            ValueError: the result has more than one row or column.
        """
        with self._result(sql, params) as result:
            width = len(result.description or ())
            rows = result.fetchmany(2)
        if width > 1 or len(rows) > 1:
            size = "more than one row" if len(rows) > 1 else f"{width} columns"
            raise ValueError(f"execute_scalar needs one value, but the result has {size}.")
        return rows[0][0] if rows else None

    @overload
    def query(
        self, statement: TypedReturnsRows[Unpack[_Columns]], params: Params | None = ...
    ) -> list[sa.Row[Unpack[_Columns]]]: ...

    @overload
    def query(
        self, statement: str | sa.Executable, params: Params | None = ...
    ) -> list[sa.Row[Unpack[tuple[Any, ...]]]]: ...

    def query(self, statement: str | sa.Executable, params: Params | None = None) -> list[Any]:
        """Give SQLAlchemy's typed rows of a statement; JSON columns come as Python values."""
        with query_errors(statement), self._database.begin() as connection:
            if isinstance(statement, str):
                return list(connection.exec_driver_sql(statement, _driver_params(params)))
            return list(connection.execute(statement, _named(params)))

    @contextmanager
    def _result(self, sql: str | sa.Executable, params: Params | None) -> Iterator[Any]:
        """Run a statement and give DuckDB's own result of it.

        Text runs as it is, outside a transaction; an expression runs in one of its own.
        """
        if isinstance(sql, str):
            with self._asking(sql) as connection:
                yield _ran(connection, sql, connection.execute(sql, params or None))
        else:
            with query_errors(sql), self._database.begin() as pooled:
                result = pooled.execute(sql, _named(params))
                if result.returns_rows:
                    yield result.cursor.driver
                else:
                    # As DuckDB answers text that changes rows.
                    count = f'SELECT {result.rowcount}::BIGINT AS "Count"'
                    yield pooled.exec_driver_sql(count).cursor.driver

    @contextmanager
    def _asking(self, sql: str | sa.Executable) -> Iterator[duckdb.DuckDBPyConnection]:
        connection = self.connection
        with query_errors(sql):
            try:
                yield connection
            finally:
                self._database.keep_private()

    def _text(self, statement: sa.Executable) -> str:
        """Give a statement as text that takes its values along, as a relation outlives the call."""
        assert isinstance(statement, sa.ClauseElement)
        literal = {"literal_binds": True}
        return str(statement.compile(self._database.engine, compile_kwargs=literal))

    # Looking

    def table(self, name: str) -> sa.Table:
        """Give the SQLAlchemy table of this name, for ``select``.

        Raises:
            TableNotFoundError: it is not there.
        """
        with self._looking(f"table {name}") as connection:
            found = catalog.require(connection, name)
            kind = catalog.kind_of(connection, found)
            if kind is not None:
                return user_table(kind, found)
            return sa.Table(quoted(found), sa.MetaData(), autoload_with=connection)

    def table_exists(self, name: str) -> bool:
        """Say whether a user's table or view of this name is there."""
        with self._looking(f"table {name}") as connection:
            return catalog.find(connection, name) is not None

    def list_tables(self) -> list[TableInfo]:
        """Give the tables of events and profiles, by name."""
        with self._looking("list tables") as connection:
            return catalog.tables(connection)

    def get_schema(self, name: str) -> TableSchema:
        """Give the columns of a table.

        Raises:
            TableNotFoundError: it is not there.
        """
        with self._looking(f"schema of {name}") as connection:
            return catalog.schema_of(connection, name)

    def get_metadata(self, name: str) -> TableMetadata:
        """Give what a table was loaded with: days, filters, and the last load's counts.

        Raises:
            TableNotFoundError: it is not there, or was not made by this library.
        """
        with self._looking(f"metadata of {name}") as connection:
            return catalog.metadata_of(connection, name)

    def loads(self, table: str | None = None) -> list[LoadInfo]:
        """Give the ledger: the finished loads of one table, or of all, in their order."""
        with self._looking("loads") as connection:
            return ledger.history(connection, table)

    def coverage(self, table: str) -> Coverage:
        """Say which days a table's loads brought, and which between them are missing.

        Raises:
            TableNotFoundError: it is not there.
        """
        with self._looking(f"coverage of {table}") as connection:
            return ledger.coverage(connection, catalog.require(connection, table))

    @contextmanager
    def _looking(self, what: str) -> Iterator[sa.Connection]:
        with query_errors(what), self._database.begin() as connection:
            yield connection


def _ran(connection: duckdb.DuckDBPyConnection, sql: str, result: Any) -> Any:
    """Give *result* on, unless it is nothing because *sql* is nothing."""
    if result is None and not connection.extract_statements(sql):
        raise duckdb.ParserException("Parser Error: the text holds no statement")
    return result


def _driver_params(params: Params | None) -> tuple[Any, ...] | Mapping[str, Any] | None:
    # A list would mean many executions to SQLAlchemy.
    return params if params is None or isinstance(params, Mapping) else tuple(params)


def _named(params: Params | None) -> Mapping[str, Any] | None:
    if not params:
        return None
    if isinstance(params, Mapping):
        return params
    raise TypeError("A SQLAlchemy statement takes its parameters by name, as a mapping.")


@dataclass(frozen=True)
class _Order:
    """What a load is to do, checked before anything is touched."""

    kind: Kind
    name: str
    metadata: TableMetadata
    action: LoadAction = "create"
    on_conflict: OnConflict = "ignore"
    source: str | None = None

    def __post_init__(self) -> None:
        check_name(self.name)
        if self.metadata.type != self.kind.name:
            raise ValueError(
                f"metadata.type is {self.metadata.type!r}, but the records are {self.kind.name}."
            )
        if self.on_conflict not in ("ignore", "update"):
            raise ValueError(f"on_conflict must be 'ignore' or 'update', not {self.on_conflict!r}.")
        if self.action == "replace" and not (self.metadata.from_date and self.metadata.to_date):
            raise ValueError("replace needs metadata with from_date and to_date: what to replace.")

    def making_way(self, table: sa.Table) -> sa.ColumnElement[bool] | None:
        """Select the events that a replacing load is to replace."""
        first, last = self.metadata.from_date, self.metadata.to_date
        if self.action != "replace" or first is None or last is None:
            return None
        end = datetime.fromisoformat(last) + timedelta(days=1)
        chosen = sa.and_(
            table.c.event_time >= datetime.fromisoformat(first), table.c.event_time < end
        )
        names = self.metadata.filter_events
        return chosen if names is None else chosen & table.c.event_name.in_(names)

    def entry(self, table: str, started: datetime, counts: load.Counts) -> LoadInfo:
        """Give the ledger's row of the finished load."""
        return LoadInfo(
            table_name=table,
            type=self.kind.name,
            action=self.action,
            source=self.source,
            started_at=started,
            finished_at=ledger.now(),
            from_date=self.metadata.from_date,
            to_date=self.metadata.to_date,
            filters=self.metadata.filters,
            records=counts.read,
            stored=counts.stored,
            duplicates=counts.duplicates,
            collisions=counts.collisions,
            replaced=counts.replaced,
            library_version=__version__,
            duckdb_version=duckdb.__version__,
        )


class _Caller:
    """The caller's own code: its iterator and its callback, whose errors are theirs."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self.errors: list[BaseException] = []

    def pull(
        self, records: Iterable[Mapping[str, Any]], batch_size: int
    ) -> Iterator[Mapping[str, Any]]:
        """Pass *records* on, and report every full batch that is not the last."""
        try:
            for total, record in enumerate(records):
                if total and total % batch_size == 0:
                    self.report(total)
                yield record
        except Exception as error:
            self.errors.append(error)
            raise

    def report(self, rows: int) -> None:
        """Call the progress callback, where there is one."""
        try:
            if self._progress is not None:
                self._progress(rows)
        except Exception as error:
            self.errors.append(error)
            raise
