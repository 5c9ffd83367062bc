"""How ClickHouse is asked: SQL text as it is, and SQLAlchemy statements."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa
from clickhouse_connect.driver.binding import external_bind_re
from clickhouse_connect.driver.client import Client
from sqlalchemy.engine.result import IteratorResult, SimpleResultMetaData

from mixpanel_data._internal.clickhouse.database import Database
from mixpanel_data._internal.clickhouse.dialect import ClickHouseDialect
from mixpanel_data._internal.clickhouse.dialect.served import serving
from mixpanel_data._internal.clickhouse.dialect.types import time_text
from mixpanel_data._internal.clickhouse.errors import UNKNOWN_COLUMNS, code_of, query_errors
from mixpanel_data._internal.clickhouse.properties import Lookup
from mixpanel_data._internal.deferral import Package
from mixpanel_data._internal.display import Rows
from mixpanel_data.exceptions import QueryError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
else:
    pa = Package("pyarrow")

_Result = TypeVar("_Result")

Params = Sequence[Any] | Mapping[str, Any]

_NUMBER = re.compile(r"(Nullable\()?(U?Int\d+|Float\d+|Decimal|BFloat16)")


class Queries:
    """Runs statements on one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def frame(self, sql: str | sa.Executable, params: Params | None) -> pd.DataFrame:
        """Return the result as a pandas DataFrame."""
        frame: pd.DataFrame = self.arrow(sql, params).to_pandas(date_as_object=False)
        return frame

    def arrow(self, sql: str | sa.Executable, params: Params | None) -> pa.Table:
        """Return the result as a pyarrow Table, with naive times in UTC."""
        if not isinstance(sql, str):
            statement = sql
            return self._served(lambda: self._arrow(self.sql_text(statement, params), None))
        return self._arrow(sql, params)

    def _arrow(self, sql: str, params: Params | None) -> pa.Table:
        with query_errors(sql), self._database.client() as client:
            bound = _bound(sql, params)
            if _is_command(client, sql, bound):
                return pa.table({})
            return naive(client.query_arrow(sql, parameters=bound, use_strings=True))

    def _served(self, run: Callable[[], _Result]) -> _Result:
        """Run a statement that reads properties out of columns, where its tables have such."""
        lookup = Lookup(self._database)
        with serving(lookup):
            try:
                return run()
            except QueryError as error:
                # Another process has taken them away meanwhile.
                cause = error.driver_error
                if not lookup.found or cause is None or code_of(cause) not in UNKNOWN_COLUMNS:
                    raise
        return run()

    def rows(
        self, sql: str | sa.Executable, params: Params | None, most: int | None = None
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Return the names of the columns, and the rows, *most* of them; JSON is text."""
        if isinstance(sql, str):
            columns, rows = self._text_rows(sql, params)
            return columns, rows[:most]
        statement = sql

        def run() -> tuple[list[str], list[tuple[Any, ...]]]:
            with self._database.connect(statement) as connection:
                result = connection.execute(statement, _named(params))
                if not result.returns_rows:
                    return [], []
                assert result.cursor is not None
                fetched = result.cursor.fetchall()
                return list(result.keys()), [tuple(row) for row in fetched[:most]]

        return self._served(run)

    def query(self, sql: str | sa.Executable, params: Params | None) -> list[sa.Row[Any]]:
        """Return SQLAlchemy's rows; a statement without a result gives none."""
        if isinstance(sql, str):
            columns, found = self._text_rows(sql, params)
            return Rows(IteratorResult(SimpleResultMetaData(columns), iter(found)))
        statement = sql

        def run() -> list[sa.Row[Any]]:
            with self._database.connect(statement) as connection:
                result = connection.execute(statement, _named(params))
                return Rows(result.all()) if result.returns_rows else []

        return self._served(run)

    def _text_rows(
        self, sql: str, params: Params | None
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        with query_errors(sql), self._database.client() as client:
            bound = _bound(sql, params)
            if _is_command(client, sql, bound):
                return [], []
            result = client.query(sql, parameters=bound)
            columns = list(result.column_names)
            if not columns and not result.result_rows:
                # In-process, an empty result has no columns; in Arrow it has.
                columns = client.query_arrow(sql, parameters=bound, use_strings=True).column_names
            return columns, [tuple(row) for row in result.result_rows]

    def sql_text(self, statement: sa.Executable, params: Params | None) -> str:
        """Return a statement as SQL text, with its values and those of *params* in it."""
        assert isinstance(statement, sa.ClauseElement)
        with query_errors(statement):
            if values := _named(params):
                bind = getattr(statement, "bindparams", statement.params)  # text's has types
                statement = bind(**values)
            # Of the driver's parameter style a percent sign would be doubled.
            dialect: sa.Dialect = ClickHouseDialect(paramstyle="named")
            return str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))

    def column_type(self, statement: sa.Executable) -> tuple[str, bool]:
        """Return the type of a statement's column, and whether it is a number."""
        text = f"DESCRIBE TABLE ({self.sql_text(statement, None)})"
        type_ = str(self._text_rows(text, None)[1][0][1])
        return type_, bool(_NUMBER.match(type_))

    def expression_problem(self, text: str) -> str | None:
        """Return why a text in parentheses is not one expression; None where it is one."""
        with self._database.client() as client:
            try:
                tree = [row[0] for row in client.query(f"EXPLAIN AST SELECT {text}").result_rows]
            except Exception as error:
                return str(error)
        # A query of one column, and of nothing else.
        one = ["  SelectQuery (children 1)", "   ExpressionList (children 1)"]
        return None if tree[2:4] == one else "one expression is needed"


def _bound(sql: str, params: Params | None) -> dict[str, Any] | None:
    """Return parameters for ClickHouse's own ``{name:Type}``, times with their microseconds."""
    if not params:
        return None
    if not isinstance(params, Mapping):
        raise TypeError("ClickHouse takes its parameters by name: {name:Type}, and a mapping.")
    asked = {match[0] for match in external_bind_re.findall(sql)}
    if unknown := sorted(set(params) - asked):
        raise ValueError(f"The statement has no {{{unknown[0]}:Type}}.")
    return {name: time_text(value) for name, value in params.items()}


def _is_command(client: Client, sql: str, bound: dict[str, Any] | None) -> bool:
    """Run a statement that has no result, and return whether it was one."""
    context = client.create_query_context(query=sql, parameters=bound)
    if not (context.is_command or context.is_insert):
        return False
    client.command(sql, parameters=bound)
    return True


def naive(table: pa.Table) -> pa.Table:
    """Return Arrow data with its times without their zone, which is UTC."""
    columns = [
        column.cast(pa.timestamp(column.type.unit))
        if pa.types.is_timestamp(column.type) and column.type.tz is not None
        else column
        for column in table.columns
    ]
    return pa.table(columns, names=table.column_names)


def _named(params: Params | None) -> Mapping[str, Any] | None:
    if not params:
        return None
    if isinstance(params, Mapping):
        return params
    raise TypeError("A SQLAlchemy statement takes its parameters by name, as a mapping.")
