"""SQL functions whose spelling differs between engines, as compiled constructs.

The default spelling is DuckDB's. Another engine registers its own with ``@compiles(name, dialect)``
for the constructs below, and needs to change nothing else in what is built from them.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from mixpanel_data._internal.typed_columns import ITEMS, SEGMENTS

_TEXT_LIST: sa.types.TypeEngine[Any] = sa.ARRAY(sa.String)


class _Construct(FunctionElement[Any]):
    """A function of columns; subclasses have a template per engine."""

    def __init_subclass__(cls) -> None:
        # SQLAlchemy wants it on each class itself.
        cls.inherit_cache = True
        super().__init_subclass__()


class json_text(_Construct):  # noqa: N801
    """Return a JSON value as its canonical text: text keeps its quotes, a number has none."""

    type = sa.String()


class json_unquote(_Construct):  # noqa: N801
    """Return the text that a JSON string stands for; other JSON text as it is."""

    type = sa.String()


class json_quote(_Construct):  # noqa: N801
    """Return text as a JSON string."""

    type = sa.String()


class json_items(_Construct):  # noqa: N801
    """Return the items of a JSON list as JSON text, in which a number is 1 for 1.0."""

    type = _TEXT_LIST


class json_segments(_Construct):  # noqa: N801
    """Return the different items of a JSON list as unquoted text, without null."""

    type = _TEXT_LIST


class json_first_item(_Construct):  # noqa: N801
    """Return the first item of a JSON list as unquoted text; NULL for an empty list or null."""

    type = sa.String()


class json_object_keys(_Construct):  # noqa: N801
    """Return the keys of a JSON object as a list."""

    type = _TEXT_LIST


class json_values(_Construct):  # noqa: N801
    """Return the values of a JSON object as a list of their JSON text, as ``json_object_keys``."""

    type = _TEXT_LIST


class list_item(_Construct):  # noqa: N801
    """Return the n-th item of a list, from 1 on: ``list_item(list, n)``."""

    type = sa.String()

    def __init__(self, items: Any, place: int) -> None:
        super().__init__(items, sa.literal_column(str(place)))


class text_bytes(_Construct):  # noqa: N801
    """Return how many bytes a text takes."""

    type = sa.BigInteger()


class json_initial(_Construct):  # noqa: N801
    """Return the first character of JSON text, which tells its type."""

    type = sa.String()


class row_hash(_Construct):  # noqa: N801
    """Return a number that looks random, and is the same for the same arguments."""

    type = sa.BigInteger()


class parsed_select(_Construct):  # noqa: N801
    """Return the parse tree of the text of a SELECT as JSON, with the key ``error``."""

    type = sa.JSON()


class explode(_Construct):  # noqa: N801
    """Return the items of a list, each in a row of its own. Only in the columns of a select."""

    type = sa.String()


class list_of(_Construct):  # noqa: N801
    """Return a list of the arguments."""

    type = _TEXT_LIST


class list_has(_Construct):  # noqa: N801
    """Check whether a list holds an item."""

    type = sa.Boolean()


class list_is_empty(_Construct):  # noqa: N801
    """Check whether a list has no item."""

    type = sa.Boolean()


class try_number(_Construct):  # noqa: N801
    """Return text as a number; NULL where it is none."""

    type = sa.Double()


class try_time(_Construct):  # noqa: N801
    """Return ISO-8601 text as a time; NULL where it is none."""

    type = sa.TIMESTAMP(timezone=False)


class starts_with(_Construct):  # noqa: N801
    """Check whether text begins with a prefix, both taken literally."""

    type = sa.Boolean()


class has_text(_Construct):  # noqa: N801
    """Check whether text holds another text, both taken literally."""

    type = sa.Boolean()


class matches(_Construct):  # noqa: N801
    """Check whether the whole of a text matches a regular expression (RE2)."""

    type = sa.Boolean()


class remainder(_Construct):  # noqa: N801
    """Return the remainder of a division, with the sign of the dividend; NULL for a zero."""

    type = sa.Double()


class whole_quotient(_Construct):  # noqa: N801
    """Return the whole part of the quotient of two integers of one sign."""

    type = sa.BigInteger()


class microseconds(_Construct):  # noqa: N801
    """Return a time as microseconds since 1970-01-01 UTC."""

    type = sa.BigInteger()


class from_microseconds(_Construct):  # noqa: N801
    """Return microseconds since 1970-01-01 UTC as a time."""

    type = sa.TIMESTAMP(timezone=False)


class zone_time(_Construct):  # noqa: N801
    """Return a UTC time as the wall clock of a zone: ``zone_time(column, zone)``."""

    type = sa.TIMESTAMP(timezone=False)


class quantile(_Construct):  # noqa: N801
    """Aggregate to a quantile, exact, with linear interpolation: ``quantile(column, 0.5)``."""

    type = sa.Double()


class chain(_Construct):  # noqa: N801
    """Aggregate spans to the list of the starts of some: ``chain(start, end)``, both integers.

    The first span, and always the next that starts later than the chosen one before it ends.
    """

    type: sa.types.TypeEngine[Any] = sa.ARRAY(sa.BigInteger)


class arg_min(_Construct):  # noqa: N801
    """Aggregate to the value of the row whose *order* comes first, of the rows that pass *where*.

    Also where that value is NULL: the row alone decides.
    """

    type: sa.types.TypeEngine[Any] = sa.String()

    def __init__(self, value: Any, *order: Any, where: Any = None) -> None:
        super().__init__(value, sa.true() if where is None else where, *order)
        self.type = self.clauses.clauses[0].type


_TEMPLATES: dict[type[_Construct], str] = {
    json_text: "CAST({0} AS VARCHAR)",
    json_unquote: "json_extract_string({0}, '$')",
    json_quote: "CAST(to_json({0}) AS VARCHAR)",
    json_items: ITEMS,
    json_segments: SEGMENTS,
    json_first_item: "json_extract_string({0}, '$[0]')",
    json_object_keys: "json_keys({0})",
    json_values: "CAST(json_extract({0}, '$.*') AS VARCHAR[])",
    text_bytes: "strlen({0})",
    json_initial: "left({0}, 1)",
    list_item: "{0}[{1}]",
    parsed_select: "json_serialize_sql({0})",
    explode: "unnest({0})",
    list_has: "list_contains({0}, {1})",
    list_is_empty: "(len({0}) = 0)",
    try_number: "TRY_CAST({0} AS DOUBLE)",
    try_time: "TRY_CAST({0} AS TIMESTAMP)",
    starts_with: "starts_with({0}, {1})",
    has_text: "contains({0}, {1})",
    matches: "regexp_full_match({0}, {1})",
    remainder: "({0} % NULLIF({1}, 0))",
    whole_quotient: "({0} // {1})",
    microseconds: "epoch_us({0})",
    from_microseconds: "make_timestamp({0})",
    zone_time: "timezone({1}, timezone('UTC', {0}))",
    quantile: "quantile_cont({0}, {1})",
    chain: (
        "list_reduce(list_sort(list({{'s': {0}, 'e': {1}, 'l': [{0}]}})), lambda _a, _x:"
        " CASE WHEN _x.s > _a.e THEN {{'s': _x.s, 'e': _x.e, 'l': list_append(_a.l, _x.s)}}"
        " ELSE _a END).l"
    ),
}

# Of any number of arguments.
_LISTS: dict[type[_Construct], str] = {list_of: "[{0}]", row_hash: "hash({0})"}


def _grouped(element: Any, compiler: SQLCompiler, **kw: Any) -> list[str]:
    return [f"({compiler.process(clause, **kw)})" for clause in element.clauses]


def _register(construct: type[_Construct], template: str) -> None:
    @compiles(construct)
    def _compile(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
        parts = _grouped(element, compiler, **kw)
        return template.format(*([", ".join(parts)] if construct in _LISTS else parts))


for _construct, _template in (_TEMPLATES | _LISTS).items():
    _register(_construct, _template)


@compiles(arg_min)
def _compile_arg_min(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    value, where, *order = _grouped(element, compiler, **kw)
    # A bare arg_min passes over rows whose value is NULL; a struct around it is never NULL.
    by = order[0] if len(order) == 1 else f"row({', '.join(order)})"
    if not isinstance(element.clauses.clauses[1], sa.sql.elements.True_):
        by = f"CASE WHEN {where} THEN {by} END"
    return f"arg_min({{'v': {value}}}, {by}).v"


class nth_least(_Construct):  # noqa: N801
    """Return the n-th least of several values, NULL where fewer are known: ``(n, value, …)``."""

    type = sa.BigInteger()


@compiles(nth_least)
def _compile_nth_least(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    number, *items = _grouped(element, compiler, **kw)
    return f"list_sort([{', '.join(items)}], 'ASC', 'NULLS LAST')[{number}]"


class summarize(sa.Executable, sa.ClauseElement):  # noqa: N801
    """The statement that describes the columns of a select, a row each."""

    inherit_cache = False

    def __init__(self, rows: sa.Select[Any]) -> None:
        self.rows = rows


@compiles(summarize)
def _compile_summarize(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    return f"SUMMARIZE {compiler.process(element.rows, **kw)}"


def sampled(rows: sa.FromClause, size: int) -> sa.TableSample:
    """Return *size* random rows of a table or subquery, all where there are fewer."""
    return sa.tablesample(rows, sa.func.reservoir(sa.literal_column(f"{size:d} ROWS")))
