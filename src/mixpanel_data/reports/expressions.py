"""Mixpanel's segmentation expressions, read by Python's own parser, as SQLAlchemy expressions.

The grammar is a subset of Python's (https://docs.mixpanel.com/reference/segmentation-expressions),
so its precedence is Python's. ``properties["track"]["genre"]``, a value within an object, is ours.
Whatever is not in the grammar is refused with its position.
"""

from __future__ import annotations

import ast
import io
import math
import operator
import re
import tokenize
import warnings
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Protocol

import sqlalchemy as sa

from mixpanel_data.reports import values
from mixpanel_data.reports.errors import ExpressionError
from mixpanel_data.reports.values import UNDEFINED, Value

_LONGEST = 20_000  # characters
_DEEPEST = 60  # levels; the database's parser has a limit too
_CASTS = 5  # inside one another: each names its argument several times in SQL

_FIELDS = 'Use properties["name"], event["$event_name"] or user["name"]'
_ARITHMETIC = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Mod: "%"}
_ORDER = {ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge}
_CONSTANTS = {
    "true": values.literal(True),
    "false": values.literal(False),
    "null": UNDEFINED,
    "undefined": UNDEFINED,
}
_FUNCTIONS: dict[str, Callable[[Value], Value]] = {
    "number": values.to_number,
    "string": values.to_text,
    "boolean": values.to_boolean,
    "defined": lambda value: values.boolean(value.defined),
    "floor": lambda value: values.on_number("floor", value),
    "ceil": lambda value: values.on_number("ceil", value),
    "round": lambda value: values.on_number("round", value),
    "datetime": Value.as_time,
}


class Fields(Protocol):
    """Where the names of an expression lead."""

    def property_value(self, path: tuple[str, ...]) -> Value:
        """Return the value of an event's property, or of one within it."""

    def event_value(self, name: str) -> Value | None:
        """Return a value of the event itself, None where there is no such name."""

    def user_value(self, path: tuple[str, ...]) -> Value:
        """Return the value of a property of the user's profile, or of one within it."""


def parse(text: str, fields: Fields) -> Value:
    """Return the value of a segmentation expression.

    Raises:
        ExpressionError: the text is no expression of the language.
    """
    return _Reader(text, fields).read(_tree(text).body)


def is_expression(text: str) -> bool:
    """Return whether text is an expression, not the bare name of a property.

    One without a property is an expression where no name would look like it: "2 * 3", not "24/7".
    """
    if any(name in text for name in ("properties[", "event[", "user[")):
        return True
    try:
        tree = _tree(text)
    except ExpressionError:
        return False
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    computed = isinstance(tree.body, (ast.BinOp, ast.BoolOp, ast.Call, ast.Compare, ast.UnaryOp))
    return computed and names <= {*_CONSTANTS, *_FUNCTIONS} and bool(set(" (") & set(text.strip()))


def property_names(text: str) -> list[str]:
    """Return the event properties that an expression names, in order, each once.

    Raises:
        ExpressionError: the text is no expression of the language.
    """
    pairs = [
        (node.value, node.slice)
        for node in ast.walk(_tree(text))
        if isinstance(node, ast.Subscript)
    ]
    names = [
        str(key.value)
        for source, key in pairs
        if isinstance(source, ast.Name)
        and source.id == "properties"
        and isinstance(key, ast.Constant)
    ]
    return list(dict.fromkeys(names))


def _tree(text: str) -> ast.Expression:
    if not text.strip():
        raise ExpressionError("The expression is empty", text, 0)
    if len(text) > _LONGEST:
        raise ExpressionError(f"The expression is longer than {_LONGEST} characters", text, 0)
    # Lines mean nothing here, and a tab or a space in front is an indent to Python.
    line = "".join(" " if char in "\r\n\t\f" else char for char in text)
    indent = len(line) - len(line.lstrip())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            tree = ast.parse(line[indent:], mode="eval")
    except SyntaxError as error:
        # Where the text ends too early, Python names no place in it.
        ended = not error.offset or (error.lineno or 1) > 1
        position = len(line) if ended else min(indent + (error.offset or 1) - 1, len(line))
        raise ExpressionError(f"Bad syntax{_slip(line[position:])}", line, position) from None
    except (ValueError, MemoryError, RecursionError) as error:
        raise ExpressionError(f"Bad syntax ({error})", line, 0) from None
    for token in tokenize.generate_tokens(io.StringIO(line[indent:]).readline):
        if token.type == tokenize.COMMENT:
            raise ExpressionError("Unexpected '#'", line, indent + token.start[1])
    return tree


def _slip(rest: str) -> str:
    """Return what to write instead of the operator of another language that *rest* begins with."""
    found = re.match(r"=(?!=)|&+|\|+|<>|!(?!=)|(?:AND|OR|NOT|IN|IS|LIKE)\b", rest, re.IGNORECASE)
    sign = found[0].lower() if found else ""
    return {
        **{"=": ": equality is ==", "<>": ": inequality is !=", "!": ": negation is not"},
        **{sign: f": this is written {sign}" for sign in ("and", "or", "not", "in")},
        **dict.fromkeys(("&", "&&"), ": join by and"),
        **dict.fromkeys(("|", "||"), ": join by or"),
    }.get(sign, "")


class _Reader:
    """One expression on its way to SQL."""

    def __init__(self, text: str, fields: Fields) -> None:
        self._text = text
        self._fields = fields
        self._depth = self._casts = 0

    def read(self, node: ast.expr) -> Value:
        """Return the value of a node and all below it."""
        reader = getattr(self, f"_read_{type(node).__name__}", None)
        if reader is None:
            raise self._error("This is not part of the expression language", node)
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._error("The expression is nested too deeply", node)
        value: Value = reader(node)
        self._depth -= 1
        return value

    def _error(self, problem: str, node: ast.expr) -> ExpressionError:
        # Python counts bytes.
        stripped = self._text.lstrip()
        before = stripped.encode("utf-8")[: node.col_offset].decode("utf-8", "ignore")
        indent = len(self._text) - len(stripped)
        return ExpressionError(problem, self._text, indent + len(before))

    def _read_Constant(self, node: ast.Constant) -> Value:  # noqa: N802
        found = node.value
        if isinstance(found, str):
            return values.literal(found)
        if isinstance(found, (int, float)) and not isinstance(found, bool):
            try:
                finite = math.isfinite(found)
            except OverflowError:
                finite = False
            if finite:
                return values.literal(found)
            raise self._error("This number is too large", node)
        raise self._error(f"Unknown value {found!r}; use true, false, null or undefined", node)

    def _read_Name(self, node: ast.Name) -> Value:  # noqa: N802
        if node.id in _CONSTANTS:
            return _CONSTANTS[node.id]
        raise self._error(f'Unknown name {node.id!r}; a property is properties["{node.id}"]', node)

    def _read_Subscript(self, node: ast.Subscript) -> Value:  # noqa: N802
        keys: list[str] = []
        inner: ast.expr = node
        while isinstance(inner, ast.Subscript):
            if not isinstance(inner.slice, ast.Constant) or not isinstance(inner.slice.value, str):
                raise self._error(_FIELDS, node)
            keys.insert(0, inner.slice.value)
            inner = inner.value
        source, path = inner.id if isinstance(inner, ast.Name) else "", tuple(keys)
        if source == "properties":
            return self._fields.property_value(path)
        if source == "user":
            return self._fields.user_value(path)
        if source != "event" or len(path) > 1:
            raise self._error(_FIELDS, node)
        found = self._fields.event_value(path[0])
        if found is None:
            raise self._error(f"An event has no field {path[0]!r}", node.slice)
        return found

    def _read_List(self, node: ast.List) -> Value:  # noqa: N802
        return Value(items=tuple(self.read(item) for item in node.elts))

    def _read_BoolOp(self, node: ast.BoolOp) -> Value:  # noqa: N802
        parts = [self.read(part).truth for part in node.values]
        return values.boolean(sa.and_(*parts) if isinstance(node.op, ast.And) else sa.or_(*parts))

    def _read_UnaryOp(self, node: ast.UnaryOp) -> Value:  # noqa: N802
        if isinstance(node.op, ast.Not):
            return values.boolean(values.negation(self.read(node.operand)))
        if isinstance(node.op, ast.USub):
            value = self.read(node.operand)
            if isinstance(value.constant, (int, float)) and not isinstance(value.constant, bool):
                return values.literal(-value.constant)
            return values.on_number("-", value)
        raise self._error("Unknown operator", node)

    def _read_BinOp(self, node: ast.BinOp) -> Value:  # noqa: N802
        sign = _ARITHMETIC.get(type(node.op))
        if sign is None:
            raise self._error("Unknown operator", node.right)
        return values.arithmetic(sign, self.read(node.left), self.read(node.right))

    def _read_Compare(self, node: ast.Compare) -> Value:  # noqa: N802
        if len(node.ops) > 1:
            raise self._error("Join comparisons by and", node.comparators[1])
        left, right = self.read(node.left), self.read(node.comparators[0])
        sign = node.ops[0]
        if isinstance(sign, (ast.Eq, ast.NotEq)):
            same = values.equal(left, right)
            return values.boolean(same if isinstance(sign, ast.Eq) else sa.not_(same))
        if isinstance(sign, ast.In):
            return values.boolean(values.member(left, right))
        if isinstance(sign, ast.NotIn):
            return values.boolean(values.negation(values.boolean(values.member(left, right))))
        if type(sign) not in _ORDER:
            raise self._error("Unknown comparison", node.comparators[0])
        return values.boolean(values.compare(_ORDER[type(sign)], left, right))

    def _read_Call(self, node: ast.Call) -> Value:  # noqa: N802
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if len(node.args) != 1 or node.keywords or isinstance(node.args[0], ast.Starred):
            raise self._error("A function of the language takes one argument", node)
        if name == "datetime":
            return self._read_datetime(node.args[0])
        if name not in _FUNCTIONS:
            known = ", ".join(_FUNCTIONS)
            raise self._error(f"Unknown function {name!r}; there are {known}", node)
        self._casts += 1
        if self._casts > _CASTS:
            raise self._error("Too many functions inside one another", node)
        value = _FUNCTIONS[name](self.read(node.args[0]))
        self._casts -= 1
        return value

    def _read_datetime(self, node: ast.expr) -> Value:
        value = self.read(node)
        if value.constant is None or isinstance(value.constant, bool):
            return value.as_time()
        try:
            if isinstance(value.constant, str):
                moment = datetime.fromisoformat(value.constant.replace("Z", "+00:00"))
            else:
                moment = datetime.fromtimestamp(value.constant, timezone.utc)
        except (ValueError, OverflowError, OSError):
            raise self._error("This is no time: use ISO 8601 or Unix seconds", node) from None
        if moment.tzinfo is not None:
            moment = moment.astimezone(timezone.utc).replace(tzinfo=None)
        return values.time_column(sa.literal(moment, sa.TIMESTAMP(timezone=False)))
