"""Values of Mixpanel's expression language as SQL: one expression for each type they may have.

A property may hold another type in every row. So a value has several facets, each NULL in the rows
where the value is not of that type; at most one is not NULL. Rules: "Segmentation Expressions",
https://docs.mixpanel.com/reference/segmentation-expressions.
"""

from __future__ import annotations

import json
import operator
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import AsBoolean, BooleanClauseList, Grouping
from sqlalchemy.sql.functions import coalesce

from mixpanel_data._internal.schema import facets as fc
from mixpanel_data._internal.schema import functions as fn

Expression = sa.ColumnElement[Any]

# What "attempts to interpret the string as a decimal" takes; DuckDB alone would take "nan" too.
_DECIMAL = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
_LARGEST = sys.float_info.max
# Unix seconds of the years 1 to 9999; a number beyond is no time (in milliseconds, or an id).
_TIMES = (-62_135_596_800.0, 253_402_300_799.0)
_ORDERED = ("number", "text", "time")

true, false = sa.true(), sa.false()


@dataclass(frozen=True, eq=False)
class Value:
    """A value: its facets by type, and the JSON text of a property's value as *raw*.

    *constant* is the Python value of a literal. *items* are those of a list literal.
    """

    facets: Mapping[str, Expression] = field(default_factory=dict)
    raw: Expression | None = None
    constant: Any = None
    items: tuple[Value, ...] | None = None

    @property
    def truth(self) -> Expression:
        """Whether it is true: undefined, and all that is no boolean, counts as false."""
        return (
            sa.func.coalesce(self.facets["boolean"], false) if "boolean" in self.facets else false
        )

    @property
    def defined(self) -> Expression:
        """Whether there is a value: neither missing nor null."""
        if self.raw is not None:
            return fc.defined(self.raw)
        return sa.or_(false, *(facet.is_not(None) for facet in self.facets.values()))

    @property
    def is_list(self) -> Expression:
        """Whether it is a list."""
        return false if self.raw is None else fc.is_list(self.raw)

    def as_time(self) -> Value:
        """Return the value with text and Unix seconds read as times."""
        times = [self.facets["time"]] if "time" in self.facets else []
        if "text" in self.facets:
            times.append(fn.try_time(self.facets["text"]))
        if "number" in self.facets:
            times.append(_from_seconds(self.facets["number"]))
        return Value(
            {"time": sa.func.coalesce(*times) if len(times) > 1 else times[0]} if times else {}
        )


def literal(value: bool | int | float | str) -> Value:
    """Return a literal of an expression."""
    if isinstance(value, bool):
        return Value({"boolean": true if value else false}, constant=value)
    if isinstance(value, str):
        return Value({"text": sa.literal(value, sa.String)}, constant=value)
    return Value({"number": sa.literal(float(value), sa.Double)}, constant=value)


def json_property(raw: Expression) -> Value:
    """Return the value of a property whose JSON text is *raw*."""
    found = {"number": fc.number(raw), "text": fc.string(raw)}
    return Value({**found, "boolean": fc.boolean(raw)}, raw)


def text_column(column: Expression) -> Value:
    """Return the value of a column of text."""
    return Value({"text": column})


def time_column(column: Expression) -> Value:
    """Return the value of a column of times."""
    return Value({"time": column})


def boolean(condition: Expression) -> Value:
    """Return the value of a condition; NULL is undefined."""
    return Value({"boolean": condition})


UNDEFINED = Value()


def equal(left: Value, right: Value) -> Expression:
    """Return whether two values are equal: never undefined, false between different types."""
    for this, other in ((left, right), (right, left)):
        if this.raw is not None and isinstance(other.constant, str) and _is_plain(other.constant):
            named = fc.is_string(this.raw, sa.literal(_json(other.constant)))
            return sa.func.coalesce(named, false)
        if this.raw is not None and "time" in other.facets:
            return equal(this.as_time(), other)
    common = [name for name in left.facets if name in right.facets]
    tests: list[Expression] = [
        sa.func.coalesce(left.facets[name] == right.facets[name], false) for name in common
    ]
    if left.raw is not None and right.raw is not None:
        tests.append(sa.func.coalesce(left.raw == right.raw, false))
    if left.constant is None and right.constant is None:
        tests.append(sa.not_(sa.or_(left.defined, right.defined)))
    return sa.or_(false, *tests)


def as_filter(condition: Expression) -> Expression:
    """Return a condition for WHERE, which NULL does not pass either, with bare comparisons.

    By these DuckDB skips rows as it reads them, not by what stands within ``coalesce()``.
    """
    is_wrapped = isinstance(condition, AsBoolean) and condition.operator is operators.is_true
    if isinstance(condition, Grouping) or is_wrapped:
        inner: Any = condition.element
        return as_filter(inner)
    parts: Any = getattr(condition, "clauses", ())
    if isinstance(condition, BooleanClauseList):
        combine = sa.and_ if condition.operator is operator.and_ else sa.or_
        return combine(*map(as_filter, parts))
    if isinstance(condition, coalesce):
        value, *others = parts
        if len(others) == 1 and others[0] is false:
            return as_filter(value)
    return condition


def compare(order: Callable[[Any, Any], Any], left: Value, right: Value) -> Expression:
    """Return the comparison of two numbers, texts or times; undefined between different types.

    A property may hold a time as text or as Unix seconds; a literal that is one says so.
    """
    if "time" in left.facets or "time" in right.facets:
        left, right = (v if v.raw is None else v.as_time() for v in (left, right))
    common = [name for name in _ORDERED if name in left.facets and name in right.facets]
    tests = [order(left.facets[name], right.facets[name]) for name in common]
    return _first(tests, sa.Boolean())


def member(item: Value, group: Value) -> Expression:
    """Return whether text is in text, or a value in a list; undefined where neither can be."""
    if group.items is not None:
        tests = [equal(item, other) for other in group.items]
        if item.raw is not None:
            tests += [sa.and_(item.is_list, _holds(item.raw, other)) for other in group.items]
        return sa.or_(false, *tests)
    tests = []
    if group.raw is not None:
        tests.append(sa.case((group.is_list, _holds(group.raw, item))))
    if "text" in group.facets and "text" in item.facets:
        tests.append(fn.has_text(group.facets["text"], item.facets["text"]))
    return _first(tests, sa.Boolean())


def _holds(raw_list: Expression, item: Value) -> Expression:
    return sa.func.coalesce(fn.list_has(fn.json_items(raw_list), _json_of(item)), false)


def arithmetic(sign: str, left: Value, right: Value) -> Value:
    """Return the result of ``+ - * / %`` of numbers, or of ``+`` of two texts; else undefined."""
    facets = {}
    if "number" in left.facets and "number" in right.facets:
        facets["number"] = _ARITHMETIC[sign](left.facets["number"], right.facets["number"])
    if sign == "+" and "text" in left.facets and "text" in right.facets:
        facets["text"] = left.facets["text"].concat(right.facets["text"])
    return Value(facets)


_ARITHMETIC: dict[str, Callable[[Expression, Expression], Expression]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda left, right: left / sa.func.nullif(right, 0),
    "%": lambda left, right: fn.remainder(left, right),
}


def negation(value: Value) -> Expression:
    """Return ``not``: true for undefined, undefined for what is no boolean."""
    if value is UNDEFINED:
        return true
    if value.raw is None and "boolean" in value.facets:
        return sa.not_(value.truth)
    if value.raw is None:
        return sa.case((sa.not_(value.defined), true))
    return sa.case((sa.not_(value.defined), true), else_=sa.not_(value.facets["boolean"]))


def on_number(function: str, value: Value) -> Value:
    """Return a number's negative, or its ``floor``, ``ceil`` or ``round``; else undefined."""
    if "number" not in value.facets:
        return UNDEFINED
    number = value.facets["number"]
    return Value({"number": -number if function == "-" else getattr(sa.func, function)(number)})


def to_number(value: Value) -> Value:
    """Return ``number()``: numbers, decimal text, 1 and 0 for booleans; else undefined."""
    found = [value.facets["number"]] if "number" in value.facets else []
    if "text" in value.facets:
        text = value.facets["text"]
        number = fn.try_number(text)
        finite = number.between(-_LARGEST, _LARGEST)
        found.append(sa.case((sa.and_(fn.matches(text, sa.literal(_DECIMAL)), finite), number)))
    if "boolean" in value.facets:
        flag = value.facets["boolean"]
        found.append(sa.case((flag.is_(true), 1.0), (flag.is_(false), 0.0)))
    return Value({"number": _first(found, sa.Double())}) if found else UNDEFINED


def to_text(value: Value) -> Value:
    """Return ``string()``: text, decimal numbers without a needless fraction, true and false."""
    text = text_of(value)
    return UNDEFINED if text is None else Value({"text": text})


def to_boolean(value: Value) -> Value:
    """Return ``boolean()``: false for "false", "", 0 and what is not set, else true.

    Rule: "Supported Properties Data Type",
    https://docs.mixpanel.com/docs/data-structure/property-reference/data-type.
    """
    tests = [sa.func.coalesce(value.facets["boolean"], true)] if "boolean" in value.facets else []
    if "text" in value.facets:
        tests.append(sa.func.coalesce(value.facets["text"].not_in(["false", ""]), true))
    if "number" in value.facets:
        tests.append(sa.func.coalesce(value.facets["number"] != 0, true))
    return Value({"boolean": sa.and_(value.defined, *tests)})


def text_of(value: Value) -> Expression | None:
    """Return the text that stands for a value; NULL where it is not set, None where never."""
    if value.raw is not None:
        return fc.label(value.raw)
    texts = [value.facets["text"]] if "text" in value.facets else []
    if "number" in value.facets:
        texts.append(fc.decimal(value.facets["number"]))
    if "boolean" in value.facets:
        flag = value.facets["boolean"]
        texts.append(sa.case((flag.is_(true), "true"), (flag.is_(false), "false")))
    if "time" in value.facets:
        texts.append(sa.cast(value.facets["time"], sa.String))
    return _first(texts, sa.String()) if texts else None


def key_of(value: Value) -> Expression | None:
    """Return text that two values share if they are equal; NULL where not set, None where never."""
    return text_of(value) if value.raw is None else fc.key(value.raw)


def _json_of(value: Value) -> Expression:
    if value.raw is not None:
        return fc.key(value.raw)
    if isinstance(value.constant, str) and _is_plain(value.constant):
        return sa.literal(_json(value.constant))
    if "text" in value.facets:
        return fn.json_quote(value.facets["text"])
    text = text_of(value)
    return sa.cast(sa.null(), sa.String) if text is None else text


def _from_seconds(number: Expression) -> Expression:
    microseconds = sa.cast(number * 1_000_000.0, sa.BigInteger)
    return fn.from_microseconds(sa.case((number.between(*_TIMES), microseconds)))


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _is_plain(text: str) -> bool:
    # Control characters have more than one spelling in JSON.
    return text.isprintable()


def _first(candidates: list[Any], type_: sa.types.TypeEngine[Any]) -> Expression:
    if not candidates:
        return sa.cast(sa.null(), type_)
    return candidates[0] if len(candidates) == 1 else sa.func.coalesce(*candidates)
