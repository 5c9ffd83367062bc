"""The calls of StorageEngine that ask: SQL text and SQLAlchemy statements in, results out."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, overload

import sqlalchemy as sa

from mixpanel_data._internal.deferral import Package
from mixpanel_data._internal.display import Rows
from mixpanel_data._internal.duckdb.dialect import count_relation
from mixpanel_data._internal.duckdb.errors import library_edge, query_errors
from mixpanel_data._internal.duckdb.interrupt import interruptible
from mixpanel_data._internal.storage import serving
from mixpanel_data._internal.storage.optimize import OptimizeMixin
from mixpanel_data.types import SQLResult

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from sqlalchemy.sql.selectable import TypedReturnsRows
    from typing_extensions import TypeVarTuple, Unpack

    from mixpanel_data._internal.duckdb import DuckDBPyConnection, DuckDBPyRelation

    _Columns = TypeVarTuple("_Columns")
else:
    pa = Package("pyarrow")

Params = Sequence[Any] | Mapping[str, Any]


class QueryMixin(OptimizeMixin):
    """The calls that query the database, all of a thread on its one connection.

    Each takes SQL text, whose parameters are DuckDB's own (a sequence for ``?`` and ``$1``, a
    mapping for ``$name``), or a SQLAlchemy statement, whose parameters are a mapping by name. SQL
    text runs as it is, and names a DataFrame after ``connection.register("name", frame)``. Times
    are naive and in UTC. All raise QueryError when the database refuses.
    """

    @library_edge
    def execute(self, sql: str | sa.Executable, params: Params | None = None) -> DuckDBPyRelation:
        """Return a lazy DuckDB relation over *sql*, for chaining; it runs when it is read.

        SQL text without a result, as an INSERT, runs at once.
        """
        if isinstance(sql, str):
            text, values = sql, params or None
        else:
            text, values = self.sql_text(serving.parse_once(sql), params), None
        with self._database.text_connection(text) as connection:
            return interruptible(connection, lambda: connection.sql(text, params=values))

    @library_edge
    def execute_df(self, sql: str | sa.Executable, params: Params | None = None) -> pd.DataFrame:
        """Return the result as a pandas DataFrame."""
        with self._result(sql, params) as result:
            frame: pd.DataFrame = interruptible(result, result.df)
            return frame

    @library_edge
    def execute_arrow(self, sql: str | sa.Executable, params: Params | None = None) -> pa.Table:
        """Return the result as a pyarrow Table."""
        if isinstance(sql, str):
            # Of DuckDB's ways to Arrow the relation is the one without an extra copy.
            with self._database.text_connection(sql) as connection:
                return interruptible(connection, lambda: _arrow(connection, sql, params))
        with self._result(sql, params) as result, warnings.catch_warnings():
            # DuckDB warns of that copy; a statement's result cannot do without it.
            warnings.filterwarnings("ignore", "Arrow output on a DB-API result")
            # DuckDB 1.4 has only the older name, 2.0 only the newer.
            newer = hasattr(result, "to_arrow_table")
            read = getattr(result, "to_arrow_table" if newer else "fetch_arrow_table")
            table: pa.Table = interruptible(result, read)
            return table

    @library_edge
    def execute_rows(self, sql: str | sa.Executable, params: Params | None = None) -> SQLResult:
        """Return the result as a list of tuples that knows its column names."""
        with self._result(sql, params) as result:
            columns = [column[0] for column in result.description or ()]
            return SQLResult(columns, interruptible(result, result.fetchall))

    def execute_rows_params(self, sql: str | sa.Executable, params: Params) -> SQLResult:
        """Do the same as ``execute_rows``."""
        return self.execute_rows(sql, params)

    @library_edge
    def execute_scalar(self, sql: str | sa.Executable, params: Params | None = None) -> Any:
        """Return the one value of the result; None for NULL or no row.

        Raises:
            ValueError: the result has more than one row or column.
        """
        with self._result(sql, params) as result:
            width = len(result.description or ())
            rows = interruptible(result, lambda: result.fetchmany(2))
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

    @library_edge
    def query(self, statement: str | sa.Executable, params: Params | None = None) -> list[Any]:
        """Return SQLAlchemy's typed rows of a statement; JSON columns come as Python values.

        A statement that has no rows, as an INSERT, gives none.
        """
        with self._database.statement_connection(statement) as connection:
            if isinstance(statement, str):
                result = connection.exec_driver_sql(statement, _driver_params(params))
                return Rows(result) if result.returns_rows else []
            with self._served(connection, statement) as served:
                result = connection.execute(served, _named(params))
                return Rows(result) if result.returns_rows else []

    @contextmanager
    def _result(self, sql: str | sa.Executable, params: Params | None) -> Iterator[Any]:
        """Run a statement and yield DuckDB's own result of it."""
        if isinstance(sql, str):
            with self._database.text_connection(sql) as connection:
                yield interruptible(connection, lambda: connection.execute(sql, params or None))
        else:
            with (
                self._database.statement_connection(sql) as shared,
                self._served(shared, sql) as served,
            ):
                result = shared.execute(served, _named(params))
                if result.returns_rows:
                    yield result.cursor.driver
                else:
                    yield count_relation(shared, result.rowcount)

    def sql_text(self, statement: sa.Executable, params: Params | None = None) -> str:
        """Return a statement as SQL text, with its values and those of *params* in it."""
        assert isinstance(statement, sa.ClauseElement)
        with query_errors(statement):
            literal = {"literal_binds": True}
            if values := _named(params):
                bind = getattr(statement, "bindparams", statement.params)  # text's has types
                statement = bind(**values)
            return str(statement.compile(self._database.engine, compile_kwargs=literal))


def _arrow(connection: DuckDBPyConnection, sql: str, params: Params | None) -> pa.Table:
    relation: Any = connection.sql(sql, params=params or None)
    return pa.table({}) if relation is None else relation.to_arrow_table()


def _driver_params(params: Params | None) -> tuple[Any, ...] | Mapping[str, Any] | None:
    # A list would mean many executions to SQLAlchemy.
    return params if params is None or isinstance(params, Mapping) else tuple(params)


def _named(params: Params | None) -> Mapping[str, Any] | None:
    if not params:
        return None
    if isinstance(params, Mapping):
        return params
    raise TypeError("A SQLAlchemy statement takes its parameters by name, as a mapping.")
