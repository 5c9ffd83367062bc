"""ClickHouse's spelling of the constructs of ``schema.functions`` and ``schema.facets``.

What they mean is what they mean on DuckDB; see there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from mixpanel_data._internal.clickhouse.dialect import json_get, texts
from mixpanel_data._internal.schema import facets as fc
from mixpanel_data._internal.schema import functions as fn
from mixpanel_data._internal.schema import members
from mixpanel_data._internal.schema.functions import _grouped

ENGINE = "clickhousedb"

_DOCUMENT = "ifNull({0}, '')"
_ITEMS = json_get.exact_items(
    f"JSONExtractArrayRaw({_DOCUMENT})", lambda n: f"JSONType({_DOCUMENT}, {n})"
)
_UNQUOTED = "multiIf(startsWith({0}, '\"'), JSONExtractString({0}), {0} = 'null', NULL, {0})"
_FIRST = json_get.text("{0}", [0])
_PAIRS = f"JSONExtractKeysAndValuesRaw({_DOCUMENT})"
# As DuckDB reads it, the offset to UTC is left out.
_ISO_TIME = (
    r"'^([0-9]{{4}}-[0-9]{{1,2}}-[0-9]{{1,2}}([T ][0-9]{{1,2}}:[0-9]{{1,2}}"
    r"(:[0-5]?[0-9](\\.[0-9]*)?)?)?)( ?(Z|UTC|[+-][0-9]{{2}}(:?[0-9]{{2}})?))?$'"
)
_NUMBER = "toFloat64OrNull({0})"
_HAS_FRACTION = "match({0}, '^-?[0-9].*[.eE]')"
_KEY = f"if({_HAS_FRACTION}, {texts.decimal(_NUMBER)}, {{0}})"
_LABEL = f"if(startsWith({{0}}, '\"'), JSONExtractString({{0}}), {_KEY})"
_NOT_NULL = f"arrayFilter(_j -> _j != 'null', {_ITEMS})"
_KEYS = f"arrayMap(_j -> {_KEY.format('_j')}, {_NOT_NULL})"
_SEGMENTS = f"arraySort(arrayDistinct(arrayMap(_j -> {_LABEL.format('_j')}, {_NOT_NULL})))"
_FIRST_LABEL = json_get.let(
    "_f", f"nullIf({json_get.raw('{0}', [0])}, 'null')", _LABEL.format("_f")
)
_SEGMENTS_OR_ONE = (
    "if(startsWith({0}, '['), "
    + json_get.let("_l", _SEGMENTS, "if(empty(_l), ['undefined'], _l)")
    + f", [ifNull({_LABEL}, 'undefined')])"
)


def _of_raw(template: str) -> str:
    """Return a template of a value's JSON text, in which its SQL is there once."""
    return json_get.let("_r", "{0}", template.format("_r"))


_TEMPLATES: dict[type[Any], str] = {
    fn.json_text: "{0}",
    fn.json_unquote: _of_raw(_UNQUOTED),
    # As the items of lists are spelled, which do not escape a slash.
    fn.json_quote: "if({0} IS NULL, NULL, JSONExtractRaw(toJSONString({0})))",
    fn.json_items: _KEYS,
    fn.json_segments: _SEGMENTS,
    fn.json_first_item: _FIRST,
    fn.json_object_keys: f"JSONExtractKeys({_DOCUMENT})",
    fn.json_values: f"arrayMap(kv -> {json_get.member('{0}', 'kv')}, {_PAIRS})",
    fn.text_bytes: "length({0})",
    members.json_has_others: (
        f"(length(JSONExtractKeys({_DOCUMENT})) <> arrayCount(_i -> _i IS NOT NULL, {{1}}))"
    ),
    fn.json_initial: "left({0}, 1)",
    fn.list_item: "{0}[{1}]",
    fn.explode: "arrayJoin({0})",
    fn.list_has: "has({0}, {1})",
    fn.list_is_empty: "empty({0})",
    fn.try_number: _NUMBER,
    fn.try_time: f"parseDateTime64BestEffortOrNull(extract({{0}}, {_ISO_TIME}), 6, 'UTC')",
    fn.starts_with: "startsWith({0}, {1})",
    fn.has_text: "(position({0}, {1}) > 0)",
    fn.matches: "match({0}, concat('^(?:', {1}, ')$'))",
    fn.remainder: "modulo({0}, nullIf({1}, 0))",
    fn.whole_quotient: "intDiv({0}, {1})",
    fn.microseconds: "toUnixTimestamp64Micro(toDateTime64({0}, 6, 'UTC'))",
    fn.from_microseconds: "fromUnixTimestamp64Micro(toInt64({0}), 'UTC')",
    fn.zone_time: "({0} + toIntervalSecond(timezoneOffset(toTimeZone({0}, {1}))))",
    fn.quantile: "quantileExactInclusive({1})({0})",
    fn.chain: (
        "tupleElement(arrayFold((a, x) -> if(x.1 > a.1, (x.2, arrayPushBack(a.2, x.1)), a),"
        " arraySort(groupArray((toInt64(assumeNotNull({0})), toInt64(assumeNotNull({1}))))),"
        " (-4611686018427387904, []::Array(Int64))), 2)"
    ),
    fc.json_value: "nullIf({0}, 'null')",
    fc.number: _NUMBER,
    fc.string: _of_raw("if(startsWith({0}, '\"'), JSONExtractString({0}), NULL)"),
    fc.boolean: "transform({0}, ['true', 'false'], [true, false], NULL)",
    fc.defined: "({0} IS NOT NULL)",
    fc.is_list: "coalesce(startsWith({0}, '['), false)",
    fc.is_string: "({0} = JSONExtractRaw({1}))",
    fc.decimal: texts.decimal("{0}"),
    fc.label: _of_raw(_LABEL),
    fc.key: _of_raw(_KEY),
    fc.segments: f"arrayJoin({_of_raw(_SEGMENTS_OR_ONE)})",
    fc.first_segment: _of_raw(f"if(startsWith({{0}}, '['), {_FIRST_LABEL}, {_LABEL})"),
}


def _register(construct: type[Any], template: str) -> None:
    @compiles(construct, ENGINE)
    def _compile(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
        return template.format(*_grouped(element, compiler, **kw))


for _construct, _template in _TEMPLATES.items():
    _register(_construct, _template)


@compiles(fn.explode, ENGINE)
def _compile_explode(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    (items,) = element.clauses
    if not isinstance(items, (fn.json_object_keys, fn.json_values)):
        return f"arrayJoin({compiler.process(items, **kw)})"
    # Two different lists would give every pair of their items.
    (document,) = _grouped(items, compiler, **kw)
    pair = f"arrayJoin({_PAIRS.format(document)})"
    if isinstance(items, fn.json_object_keys):
        return f"tupleElement({pair}, 1)"
    return json_get.member(document, pair)


@compiles(members.json_members, ENGINE)
@compiles(members.json_at, ENGINE)
def _compile_members(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    document, *steps = element.clauses
    return _listed(json_get.raw, document, steps, compiler, **kw)


@compiles(members.json_texts_at, ENGINE)
def _compile_texts(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    document, *steps = element.clauses
    return _listed(json_get.text, document, steps, compiler, **kw)


def _listed(
    read: Callable[..., str], document: Any, steps: list[Any], compiler: SQLCompiler, **kw: Any
) -> str:
    text, paths = compiler.process(document, **kw), (json_get.path_of(step.value) for step in steps)
    return f"[{', '.join(texts.doubled(read(text, path), compiler) for path in paths)}]"


@compiles(fn.list_of, ENGINE)
def _compile_list_of(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    return f"[{', '.join(_grouped(element, compiler, **kw))}]"


@compiles(fn.arg_min, ENGINE)
def _compile_arg_min(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    value, where, *order = _grouped(element, compiler, **kw)
    by = order[0] if len(order) == 1 else f"tuple({', '.join(order)})"
    # Within a tuple a NULL is a value as any other.
    chosen = f"tuple(toNullable({value})), {by}"
    if isinstance(element.clauses.clauses[1], sa.sql.elements.True_):
        return f"tupleElement(argMin({chosen}), 1)"
    return f"tupleElement(argMinIf({chosen}, {where}), 1)"


@compiles(fn.nth_least, ENGINE)
def _compile_nth_least(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    number, *items = _grouped(element, compiler, **kw)
    return f"arraySort([{', '.join(items)}])[{number}]"


@compiles(fn.row_hash, ENGINE)
def _compile_row_hash(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    # Of a tuple, since that of NULL would be NULL; and without the sign's bit.
    arguments = ", ".join(_grouped(element, compiler, **kw))
    return f"toInt64(bitShiftRight(cityHash64(tuple({arguments})), 1))"
