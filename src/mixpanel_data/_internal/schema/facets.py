"""A property's value by its type, as constructs: over its JSON, or over a typed column.

A facet takes the JSON text of a value, which is NULL where it is missing or null.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from mixpanel_data._internal.schema import functions as fn
from mixpanel_data._internal.schema.functions import _Construct, _grouped
from mixpanel_data._internal.typed_columns import DECIMAL, KEY, LABEL, ODD, SEGMENTS, Column

Expression = sa.ColumnElement[Any]

_TEXT, _BOOLEAN = sa.String(), sa.Boolean()
_NUMBER: sa.Double[float] = sa.Double()


class json_value(_Construct):  # noqa: N801
    """Return the JSON text of a value; NULL where it is missing or null."""

    type = _TEXT


class Facet(_Construct):
    """One of the things that a value of any type has, or has not."""

    template: ClassVar[str]

    def of(self, kind: str, value: Expression) -> Expression:
        """Return the facet of a typed column's value."""
        raise NotImplementedError


class number(Facet):  # noqa: N801
    """Return a number as DOUBLE; NULL for all else."""

    type = _NUMBER
    template = "TRY_CAST({0} AS DOUBLE)"

    def of(self, kind: str, value: Expression) -> Expression:
        if kind in ("FLOAT", "NUMBER"):
            return value
        return sa.cast(value if kind == "INT" else sa.null(), _NUMBER)


class string(Facet):  # noqa: N801
    """Return the text that a string stands for; NULL for all else."""

    type = _TEXT
    template = "CASE WHEN starts_with({0}, '\"') THEN json_extract_string({0}, '$') END"

    def of(self, kind: str, value: Expression) -> Expression:
        return value if kind == "TEXT" else sa.cast(sa.null(), _TEXT)


class boolean(Facet):  # noqa: N801
    """Return a boolean; NULL for all else."""

    type = _BOOLEAN
    template = "CASE {0} WHEN 'true' THEN true WHEN 'false' THEN false END"

    def of(self, kind: str, value: Expression) -> Expression:
        return value if kind == "BOOL" else sa.cast(sa.null(), _BOOLEAN)


class defined(Facet):  # noqa: N801
    """Check whether there is a value."""

    type = _BOOLEAN
    template = "({0} IS NOT NULL)"

    def of(self, kind: str, value: Expression) -> Expression:
        return value.is_not(None)


class is_list(Facet):  # noqa: N801
    """Check whether it is a list."""

    type = _BOOLEAN
    template = "coalesce(starts_with({0}, '['), false)"

    def of(self, kind: str, value: Expression) -> Expression:
        return sa.false()


class is_string(Facet):  # noqa: N801
    """Check whether it is the string of which the other argument is the JSON; NULL for none."""

    type = _BOOLEAN
    template = "({0} = {1})"

    def of(self, kind: str, value: Expression) -> Expression:
        if kind != "TEXT":
            return sa.case((value.is_not(None), sa.false()))
        (_, spelled) = self.clauses
        compared: Expression = value == json.loads(spelled.value)
        return compared


class decimal(_Construct):  # noqa: N801
    """Return a number as decimal text: 1 for 1.0."""

    type = _TEXT


class label(Facet):  # noqa: N801
    """Return the text that stands for it: a string's text, a number without a needless fraction."""

    type = _TEXT
    template = LABEL

    def of(self, kind: str, value: Expression) -> Expression:
        if kind in ("FLOAT", "NUMBER"):
            return decimal(value)
        return value if kind == "TEXT" else sa.cast(value, _TEXT)


class key(label):  # noqa: N801
    """Return text that two values of one property share if they are equal."""

    template = KEY


class segments(Facet):  # noqa: N801
    """Return the label, or each different item of a list as text, each in a row of its own.

    Missing values, null and empty lists are "undefined". Only in the columns of a select.
    """

    type = _TEXT
    template = (
        f"unnest(CASE WHEN starts_with({{0}}, '[') THEN coalesce(nullif({SEGMENTS}, []),"
        f" ['undefined']) ELSE [coalesce({LABEL}, 'undefined')] END)"
    )

    def of(self, kind: str, value: Expression) -> Expression:
        return sa.func.coalesce(label(value).of(kind, value), "undefined")


_FIRST = "nullif(CAST(json_extract({0}, '$[0]') AS VARCHAR), 'null')"


class first_segment(label):  # noqa: N801
    """Return the label, of a list that of its first item; NULL where there is none."""

    template = (
        f"CASE WHEN starts_with({{0}}, '[') THEN {LABEL.replace('{0}', _FIRST)} ELSE {LABEL} END"
    )


class exactly(_Construct):  # noqa: N801
    """Return an expression as it is, without the name that a column would have."""

    type: sa.types.TypeEngine[Any] = _TEXT

    def __init__(self, value: Expression) -> None:
        super().__init__(value)
        self.type = value.type


@compiles(Facet)
def _compile_facet(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    return str(element.template.format(*_grouped(element, compiler, **kw)))


for _construct, _template in (
    (json_value, "nullif(CAST({0} AS VARCHAR), 'null')"),
    (decimal, DECIMAL.replace("{p}", "{0}")),
    (exactly, "{0}"),
):
    fn._register(_construct, _template)


def typed_text(column: Column, rows: sa.FromClause) -> Expression:
    """Return the text of a property out of typed rows, as ``->>`` gives it."""
    value = rows.c[column.stored]
    if column.kind == "TEXT":
        text: Expression = value
    elif column.kind == "RAW":
        text = fn.json_unquote(value)
    elif column.kind == "NUMBER":
        text = decimal(value)
    else:
        text = sa.cast(value, _TEXT)
    return _unless_odd(column, rows, text, lambda document: document.as_string())


def typed_raw(column: Column, rows: sa.FromClause) -> Expression:
    """Return the JSON text of a property out of typed rows, as ``json_value``."""
    value = rows.c[column.stored]
    if column.kind == "TEXT":
        text: Expression = fn.json_quote(value)
    elif column.kind == "RAW":
        text = fn.json_text(value)
    else:
        text = typed_text(column._replace(odd=False), rows)
    return _unless_odd(column, rows, text, json_value)


def typed_facet(facet: Facet, column: Column, rows: sa.FromClause) -> Expression:
    """Return a facet of a property out of typed rows."""
    if column.odd or column.kind == "RAW":
        rest = list(facet.clauses)[1:]
        return type(facet)(typed_raw(column, rows), *rest)
    return facet.of(column.kind, rows.c[column.stored])


def _unless_odd(column: Column, rows: sa.FromClause, text: Expression, of_json: Any) -> Expression:
    if not column.odd:
        return text
    path: Any = column.path[0] if len(column.path) == 1 else column.path
    return sa.case((rows.c[ODD].is_(None), text), else_=of_json(rows.c[ODD][path]))
