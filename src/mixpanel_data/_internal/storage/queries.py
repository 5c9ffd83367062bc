"""The calls of StorageEngine that ask: SQL text and SQLAlchemy statements in, results out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

import sqlalchemy as sa

from mixpanel_data._internal.storage.base import Params, library_edge
from mixpanel_data._internal.storage.optimize import OptimizeMixin
from mixpanel_data.types import SQLResult

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from sqlalchemy.sql.selectable import TypedReturnsRows
    from typing_extensions import TypeVarTuple, Unpack

    from mixpanel_data._internal.duckdb import DuckDBPyRelation

    _Columns = TypeVarTuple("_Columns")


class QueryMixin(OptimizeMixin):
    """The calls that query the database, all of a thread on its one connection.

    Each takes SQL text, whose parameters are DuckDB's own (a sequence for ``?`` and ``$1``, a
    mapping for ``$name``), or a SQLAlchemy statement, whose parameters are a mapping by name. SQL
    text runs as it is, and names a DataFrame after ``connection.register("name", frame)``. Times
    are naive and in UTC. All raise QueryError when the database refuses.

    On ClickHouse the text is ClickHouse's SQL, and its parameters a mapping for ``{name:Type}``.
    """

    @library_edge
    def execute(self, sql: str | sa.Executable, params: Params | None = None) -> DuckDBPyRelation:
        """Return a lazy DuckDB relation over *sql*, for chaining; it runs when it is read.

        SQL text without a result, as an INSERT, runs at once.

        Raises:
            UnsupportedError: the database is no DuckDB file.
        """
        return self._backend.relation(sql, params)

    @library_edge
    def execute_df(self, sql: str | sa.Executable, params: Params | None = None) -> pd.DataFrame:
        """Return the result as a pandas DataFrame."""
        return self._backend.frame(sql, params)

    @library_edge
    def execute_arrow(self, sql: str | sa.Executable, params: Params | None = None) -> pa.Table:
        """Return the result as a pyarrow Table."""
        return self._backend.arrow(sql, params)

    @library_edge
    def execute_rows(self, sql: str | sa.Executable, params: Params | None = None) -> SQLResult:
        """Return the result as a list of tuples that knows its column names."""
        return SQLResult(*self._backend.rows(sql, params))

    def execute_rows_params(self, sql: str | sa.Executable, params: Params) -> SQLResult:
        """Do the same as ``execute_rows``."""
        return self.execute_rows(sql, params)

    @library_edge
    def execute_scalar(self, sql: str | sa.Executable, params: Params | None = None) -> Any:
        """Return the one value of the result; None for NULL or no row.

        Raises:
            ValueError: the result has more than one row or column.
        """
        columns, rows = self._backend.rows(sql, params, 2)
        if len(columns) > 1 or len(rows) > 1:
            size = "more than one row" if len(rows) > 1 else f"{len(columns)} columns"
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
        return self._backend.query(statement, params)

    def sql_text(self, statement: sa.Executable, params: Params | None = None) -> str:
        """Return a statement as SQL text, with its values and those of *params* in it."""
        return self._backend.sql_text(statement, params)
