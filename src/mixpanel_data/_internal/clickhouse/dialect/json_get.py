"""SQL that reads values out of JSON documents, each as DuckDB reads it.

ClickHouse writes 1.0 as 1. The value's type tells the two apart, and the zero is put back: at the
value itself, and at the items of a list. Deeper inside of lists and objects it is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from clickhouse_connect.driver.binding import format_str
from sqlalchemy import types as sqltypes

Step = str | int

_WHOLE = "'^-?[0-9]+$'"


def get(document: str, path: Sequence[Step], wanted: sa.types.TypeEngine[Any]) -> str:
    """Return the SQL of a value inside a document: its JSON text, its text, or a number."""
    if isinstance(wanted, sqltypes.JSON):
        return raw(document, path)
    return _converted(text(document, path), wanted)


def of_raw(found: str, wanted: sa.types.TypeEngine[Any]) -> str:
    """Return the same from the SQL of a value's JSON text."""
    if isinstance(wanted, sqltypes.JSON):
        return found
    unquoted = f"startsWith({found}, '\"'), JSONExtractString({found})"
    return _converted(f"multiIf({unquoted}, {found} = 'null', NULL, {found})", wanted)


def _converted(value: str, wanted: sa.types.TypeEngine[Any]) -> str:
    if isinstance(wanted, sqltypes.Boolean):
        return f"CAST({value} AS Bool)"
    if isinstance(wanted, sqltypes.Integer):
        return number_of_text(value, "Int64")
    is_number = isinstance(wanted, (sqltypes.Numeric, sqltypes.Float))
    return number_of_text(value, "Float64") if is_number else value


def path_of(steps: Any) -> list[Step]:
    """Return what is inside the brackets of ``column[...]`` as a path."""
    return [steps] if isinstance(steps, (str, int)) else list(steps)


def raw(document: str, path: Sequence[Step]) -> str:
    """Return the SQL of a value's JSON text, NULL where there is none, ``null`` for null."""
    steps = _steps(path)
    found = f"nullIf(JSONExtractRaw({document}{steps}), '')"
    return _guarded(document, path, _exact(found, document, steps))


def text(document: str, path: Sequence[Step]) -> str:
    """Return the SQL of a value's text; NULL where there is none, and for null."""
    steps = _steps(path)
    found = plain_text(document, path)
    kind = f"JSONType({document}{steps})"
    listed = f"startsWith({found}, '[') AND {kind} = 'Array'"
    exact = _exact(f"JSONExtractRaw({document}{steps})", document, steps)
    fixed = f"concat({found}, {_zero(found, kind)})"
    return _guarded(document, path, f"if({listed}, {exact}, {fixed})")


def plain_text(document: str, path: Sequence[Step]) -> str:
    """Return the SQL of a value's text, without the zeros of whole fractions."""
    return f"JSONExtract({document}{_steps(path)}, 'Nullable(String)')"


def member(document: str, pair: str) -> str:
    """Return the SQL of the JSON text of an object's member, from a *pair* of key and JSON text."""
    steps = f", tupleElement({pair}, 1)"
    return _exact(f"tupleElement({pair}, 2)", f"ifNull({document}, '')", steps)


def _exact(found: str, document: str, steps: str) -> str:
    """Return the SQL of JSON text with the zeros of whole fractions put back."""
    items = f"JSONExtractArrayRaw(ifNull({document}, ''){steps})"
    each = f"concat(_x, {_zero('_x', f'JSONType({document}{steps}, _n)')})"
    listed = f"arrayMap((_x, _n) -> {each}, {items}, arrayEnumerate({items}))"
    fixed = f"concat({found}, {_zero(found, f'JSONType({document}{steps})')})"
    # Not by let(): documents would be copied into it.
    return (
        f"if(startsWith({found}, '['), concat('[', arrayStringConcat({listed}, ','), ']'), {fixed})"
    )


def _zero(found: str, kind: str) -> str:
    return f"if(match({found}, {_WHOLE}) AND {kind} = 'Double', '.0', '')"


def let(name: str, value: str, body: str) -> str:
    """Return the SQL of *body* in which *name* stands for a value, whose SQL is there once."""
    return f"arrayMap({name} -> {body}, [{value}])[1]"


def exact_items(items: str, kind: Any) -> str:
    """Return the SQL of the items of a list, with the zeros of whole fractions put back."""
    fixed = f"concat(_x, {_zero('_x', kind('_n'))})"
    each = f"arrayMap((_x, _n) -> {fixed}, _i, arrayEnumerate(_i))"
    # Outside of a list it would be one of lists, as an item is.
    return f"arrayFlatten(arrayMap(_i -> {each}, [{items}]))"


def number_of_text(value: str, type_: str) -> str:
    """Return the SQL that converts text to a number, and refuses what is none."""
    # Of nullable text ClickHouse would make NULL of what it cannot read.
    present = "ifNull(_v, '0')"
    number = f"toFloat64({present})"
    if type_ != "Float64":
        # Beyond 2**53 a fraction is not exact.
        rounded = "trunc(_d) + if(abs(_d - trunc(_d)) >= 0.5, sign(_d), 0)"
        rounded = let("_d", number, f"accurateCast({rounded}, '{type_}')")
        number = f"ifNull(to{type_}OrNull({present}), {rounded})"
    return let("_v", f"toNullable({value})", f"if(_v IS NULL, NULL, {number})")


def _steps(path: Sequence[Step]) -> str:
    # The first position is 1; the last -1, as in Python.
    return "".join(
        f", {_quoted(step) if isinstance(step, str) else step + 1 if step >= 0 else step}"
        for step in path
    )


def _quoted(key: str) -> str:
    return format_str(key).replace("{", "\\x7B")


def _guarded(document: str, path: Sequence[Step], found: str) -> str:
    """Return NULL for a position in what is no list: an object has one, too, for ClickHouse."""
    lists = [
        f"JSONType({document}{_steps(path[:place])}) = 'Array'"
        for place, step in enumerate(path)
        if isinstance(step, int)
    ]
    return f"if({' AND '.join(lists)}, {found}, NULL)" if lists else found
