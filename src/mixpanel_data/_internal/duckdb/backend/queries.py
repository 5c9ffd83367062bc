"""How DuckDB is asked: all of a thread on its one connection."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import duckdb
import sqlalchemy as sa
from sqlalchemy.engine.result import IteratorResult, SimpleResultMetaData

from mixpanel_data._internal.deferral import Package
from mixpanel_data._internal.display import Rows
from mixpanel_data._internal.duckdb import DuckDBPyConnection, DuckDBPyRelation
from mixpanel_data._internal.duckdb.backend import serving
from mixpanel_data._internal.duckdb.backend.typed import TypedRowsMixin
from mixpanel_data._internal.duckdb.dialect import count_relation
from mixpanel_data._internal.duckdb.dialect.search_path import system_functions_of
from mixpanel_data._internal.duckdb.errors import query_errors
from mixpanel_data._internal.duckdb.interrupt import interruptible
from mixpanel_data._internal.schema import functions as fn

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
else:
    pa = Package("pyarrow")

Params = Sequence[Any] | Mapping[str, Any]

_SIGNED = ("tinyint", "smallint", "integer", "bigint", "hugeint")
_OF_NAMES = (duckdb.BinderException, duckdb.CatalogException)
_NUMBERS = {*_SIGNED, *(f"u{name}" for name in _SIGNED), "bignum", "decimal", "float", "double"}


class QueryMixin(TypedRowsMixin):
    """Runs SQL text as it is, and SQLAlchemy statements in their fastest form."""

    @property
    def connection(self) -> DuckDBPyConnection:
        """The calling thread's own DuckDB connection."""
        thread = self.database.thread_connection()
        thread.only_reads = False
        self.database.create_wal()
        return thread.driver_connection

    @contextmanager
    def own_functions(self) -> Iterator[None]:
        """Let the thread's statements in the block use DuckDB's own functions."""
        if not self._has_macros:
            yield
            return
        with query_errors("search path"):
            raw = self.database.thread_connection().driver_connection
            with system_functions_of(raw):
                yield

    @cached_property
    def _has_macros(self) -> bool:
        """Whether there are macros in the file, which DuckDB prefers to functions of its own."""
        found = "SELECT 1 FROM system.main.duckdb_functions() WHERE NOT internal LIMIT 1"
        return bool(self.rows(found, None)[1])

    def relation(self, sql: str | sa.Executable, params: Params | None) -> DuckDBPyRelation:
        """Return a lazy relation; SQL text without a result runs at once."""
        if isinstance(sql, str):
            text, values = sql, params or None
        else:
            text, values = self.sql_text(serving.parse_once(sql), params), None
        # It makes temporary views, and runs any SQL.
        self.database.thread_connection().only_reads = False
        with self.database.text_connection(text) as connection:
            return interruptible(connection, lambda: connection.sql(text, params=values))

    def frame(self, sql: str | sa.Executable, params: Params | None) -> pd.DataFrame:
        """Return the result as a pandas DataFrame."""
        with self._result(sql, params) as result:
            frame: pd.DataFrame = interruptible(result, result.df)
            return frame

    def arrow(self, sql: str | sa.Executable, params: Params | None) -> pa.Table:
        """Return the result as a pyarrow Table."""
        if isinstance(sql, str):
            # Of DuckDB's ways to Arrow the relation is the one without an extra copy.
            with self.database.text_connection(sql) as connection:
                return interruptible(connection, lambda: _arrow(connection, sql, params))
        with self._result(sql, params) as result, warnings.catch_warnings():
            # DuckDB warns of that copy; a statement's result cannot do without it.
            warnings.filterwarnings("ignore", "Arrow output on a DB-API result")
            # DuckDB 1.4 has only the older name, 2.0 only the newer.
            newer = hasattr(result, "to_arrow_table")
            read = getattr(result, "to_arrow_table" if newer else "fetch_arrow_table")
            table: pa.Table = interruptible(result, read)
            return table

    def rows(
        self, sql: str | sa.Executable, params: Params | None, most: int | None = None
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Return the names of the columns, and the rows, *most* of them."""
        with self._result(sql, params) as result:
            columns = [column[0] for column in result.description or ()]
            # A relation, which a number of changed rows is, has no fetchmany.
            few = most is not None and hasattr(result, "fetchmany")
            fetch = (lambda: result.fetchmany(most)) if few else result.fetchall
            return columns, interruptible(result, fetch)

    def query(self, sql: str | sa.Executable, params: Params | None) -> list[sa.Row[Any]]:
        """Return SQLAlchemy's rows; a statement without a result gives none."""
        with self.database.statement_connection(sql) as connection:
            if isinstance(sql, str):
                result = connection.exec_driver_sql(sql, _driver_params(params))
                return Rows(result.all()) if result.returns_rows else []
            with self._executed(connection, sql, params) as (result, is_rewritten):
                rows = result.all() if result.returns_rows else []
                return Rows(_with_columns_of(sql, result, rows) if is_rewritten else rows)

    @contextmanager
    def _result(self, sql: str | sa.Executable, params: Params | None) -> Iterator[Any]:
        """Run a statement and yield DuckDB's own result of it."""
        if isinstance(sql, str):
            with self.database.text_connection(sql) as connection:
                yield interruptible(connection, lambda: connection.execute(sql, params or None))
        else:
            with (
                self.database.statement_connection(sql) as shared,
                self._executed(shared, sql, params) as (result, _),
            ):
                if result.returns_rows:
                    yield result.cursor.driver
                else:
                    yield count_relation(shared, result.rowcount)

    @contextmanager
    def _executed(
        self, connection: sa.Connection, statement: sa.Executable, params: Params | None
    ) -> Iterator[tuple[sa.CursorResult[Any], bool]]:
        """Run a statement in its fastest form, and yield its result and whether it was rewritten.

        It runs as it is where the other form cannot say it: names in SQL text, or two tables that
        SQLAlchemy tells apart by their objects alone.
        """
        is_rewritten = is_running = False
        try:
            with self._served(connection, statement) as served:
                is_rewritten = served is not statement
                result = connection.execute(served, _named(params))
                is_running = True
                yield result, is_rewritten
                return
        except sa.exc.SQLAlchemyError as error:
            if is_running or not is_rewritten:
                raise
            if isinstance(error, sa.exc.DBAPIError) and not isinstance(error.orig, _OF_NAMES):
                raise
        yield connection.execute(statement, _named(params)), False

    def sql_text(self, statement: sa.Executable, params: Params | None) -> str:
        """Return a statement as SQL text, with its values and those of *params* in it."""
        assert isinstance(statement, sa.ClauseElement)
        with query_errors(statement):
            literal = {"literal_binds": True}
            if values := _named(params):
                bind = getattr(statement, "bindparams", statement.params)  # text's has types
                statement = bind(**values)
            return str(statement.compile(self.database.engine, compile_kwargs=literal))

    def column_type(self, statement: sa.Executable) -> tuple[str, bool]:
        """Return the type of a statement's column, and whether it is a number."""
        dtype = self.relation(statement, None).types[0]
        return str(dtype), dtype.id in _NUMBERS

    def expression_problem(self, text: str) -> str | None:
        """Return why a text in parentheses is not one expression; None where it is one."""
        tree = self.query(sa.select(fn.parsed_select(sa.literal(f"SELECT {text}"))), None)[0][0]
        if not tree["error"] and len(tree["statements"]) == 1:
            node = tree["statements"][0]["node"]
            if node["type"] == "SELECT_NODE" and node["from_table"]["type"] == "EMPTY":
                return None
        return str(tree.get("error_message", "one expression is needed"))


def _arrow(connection: DuckDBPyConnection, sql: str, params: Params | None) -> pa.Table:
    relation: Any = connection.sql(sql, params=params or None)
    return pa.table({}) if relation is None else relation.to_arrow_table()


def _with_columns_of(
    statement: sa.Executable, result: sa.CursorResult[Any], rows: Sequence[sa.Row[Any]]
) -> Sequence[Any]:
    """Return rows of a rewritten statement that know the columns of the statement itself."""
    columns = list(statement.selected_columns) if isinstance(statement, sa.SelectBase) else []
    keys = list(result.keys())
    if len(columns) != len(keys):
        return rows
    known = [(c, *([c.element] if isinstance(c, sa.Label) else [])) for c in columns]
    metadata = SimpleResultMetaData(keys, extra=known)
    return IteratorResult(metadata, iter(map(tuple, rows))).all()


def _driver_params(params: Params | None) -> tuple[Any, ...] | Mapping[str, Any] | None:
    # A list would mean many executions to SQLAlchemy.
    return params if params is None or isinstance(params, Mapping) else tuple(params)


def _named(params: Params | None) -> Mapping[str, Any] | None:
    if not params:
        return None
    if isinstance(params, Mapping):
        return params
    raise TypeError("A SQLAlchemy statement takes its parameters by name, as a mapping.")
