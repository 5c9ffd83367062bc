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
    found = text(document, path)
    if isinstance(wanted, sqltypes.Boolean):
        return f"CAST({found} AS Bool)"
    if isinstance(wanted, sqltypes.Integer):
        return number_of_text(found, "Int64")
    is_number = isinstance(wanted, (sqltypes.Numeric, sqltypes.Float))
    return number_of_text(found, "Float64") if is_number else found


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
    kind = f"JSONType({document}{steps})"
    listed = f"startsWith(_t, '[') AND {kind} = 'Array'"
    exact = _exact(f"JSONExtractRaw({document}{steps})", document, steps)
    fixed = f"if({listed}, {exact}, concat(_t, {_zero('_t', kind)}))"
    found = let("_t", f"JSONExtract({document}{steps}, 'Nullable(String)')", fixed)
    return _guarded(document, path, found)


def member(document: str, pair: str) -> str:
    """Return the SQL of the JSON text of an object's member, from a *pair* of key and JSON text."""
    exact = _exact("tupleElement(_p, 2)", f"ifNull({document}, '')", ", tupleElement(_p, 1)")
    return let("_p", pair, exact)


def _exact(found: str, document: str, steps: str) -> str:
    """Return the SQL of JSON text with the zeros of whole fractions put back."""
    items = f"JSONExtractArrayRaw(ifNull({document}, ''){steps})"
    listed = list_text(items, lambda n: f"JSONType({document}{steps}, {n})")
    fixed = f"concat(_f, {_zero('_f', f'JSONType({document}{steps})')})"
    return let("_f", found, f"if(startsWith(_f, '['), {listed}, {fixed})")


def _zero(found: str, kind: str) -> str:
    return f"if(match({found}, {_WHOLE}) AND {kind} = 'Double', '.0', '')"


def let(name: str, value: str, body: str) -> str:
    """Return the SQL of *body* in which *name* stands for a value, whose SQL is there once."""
    return f"arrayMap({name} -> {body}, [{value}])[1]"


def list_text(items: str, kind: Any) -> str:
    """Return the SQL of a list's JSON text from its items; *kind* gives the SQL of one's type."""
    return f"concat('[', arrayStringConcat({exact_items(items, kind)}, ','), ']')"


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
