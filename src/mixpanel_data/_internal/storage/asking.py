"""The asking half of StorageEngine: SQL text and SQLAlchemy statements in, results out."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, overload

import duckdb
import pyarrow
import sqlalchemy as sa

from mixpanel_data._internal.errors import query_errors
from mixpanel_data._internal.storage.base import Base
from mixpanel_data.types import SQLResult

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from sqlalchemy.sql.selectable import TypedReturnsRows
    from typing_extensions import TypeVarTuple, Unpack

    _Columns = TypeVarTuple("_Columns")

Params = Sequence[Any] | Mapping[str, Any]


class Asking(Base):
    """The calls that query the database."""

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
            # DuckDB 1.4 has only the older name, 2.0 only the newer.
            newer = hasattr(result, "to_arrow_table")
            table: pa.Table = getattr(result, "to_arrow_table" if newer else "fetch_arrow_table")()
            return table

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
        with self._begin(statement) as connection:
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
            with self._begin(sql) as pooled:
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
