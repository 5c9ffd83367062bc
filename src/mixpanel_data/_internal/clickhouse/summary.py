"""ClickHouse's spelling of ``SUMMARIZE``: one pass over the rows, a row for each column."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from clickhouse_connect.driver.binding import format_str
from sqlalchemy import types as sqltypes
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from mixpanel_data._internal.clickhouse.dialect import texts
from mixpanel_data._internal.schema import functions as fn

_NAMES = (
    *("column_name", "column_type", "min", "max", "approx_unique", "avg", "std"),
    *("q25", "q50", "q75", "count", "null_percentage"),
)
_TEXT = "CAST({} AS Nullable(String))"
_NUMBER = "CAST({} AS Nullable(Float64))"


@compiles(fn.summarize, "clickhousedb")
def _compile_summarize(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    found = element.rows.subquery("summarized")
    rows = ", ".join(_described(column, compiler) for column in found.c)
    inner = compiler.process(element.rows, **kw)
    each = f"SELECT arrayJoin([{rows}]) AS r FROM ({inner}) AS summarized"
    names = ", ".join(f"tupleElement(r, {n}) AS {name}" for n, name in enumerate(_NAMES, 1))
    return f"SELECT {names} FROM ({each})"


def _described(column: sa.ColumnElement[Any], compiler: SQLCompiler) -> str:
    """Return the tuple of a column's aggregates."""
    name = compiler.preparer.quote(str(column.name))
    type_ = column.type
    is_time = isinstance(type_, (sqltypes.DateTime, sqltypes.Date))
    is_number = isinstance(type_, (sqltypes.Integer, sqltypes.Numeric, sqltypes.Float))
    least, greatest = _text(f"min({name})", type_), _text(f"max({name})", type_)
    wanted = "quantileExact({})({})" if is_time else "quantile({})({})"
    quantiles = [
        _text(wanted.format(part, name), sa.Double() if is_number else type_)
        if is_number or is_time
        else "NULL"
        for part in (0.25, 0.5, 0.75)
    ]
    mean = f"avg({name})" if is_number else "NULL"
    deviation = f"if(count({name}) > 1, stddevSamp({name}), NULL)" if is_number else "NULL"
    described = str(compiler.dialect.type_compiler_instance.process(type_))
    values = [
        format_str(str(column.name)),
        format_str(described),
        *(_TEXT.format(value) for value in (least, greatest)),
        f"toInt64(uniq({name}))",
        *(_NUMBER.format(value) for value in (mean, deviation)),
        *(_TEXT.format(value) for value in quantiles),
        "toInt64(count())",
        f"if(count() = 0, 0, round(100 * countIf({name} IS NULL) / count(), 2))",
    ]
    return f"({', '.join(values)})"


def _text(value: str, type_: sa.types.TypeEngine[Any]) -> str:
    if isinstance(type_, sqltypes.DateTime):
        return texts.of_time(value)
    return texts.of_float(value) if isinstance(type_, sqltypes.Float) else f"toString({value})"
