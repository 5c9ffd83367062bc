"""Statements rewritten for speed: over typed rows, or with one parse of JSON for all properties."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.elements import (
    BinaryExpression,
    BindParameter,
    ClauseList,
    Grouping,
    TypeCoerce,
)
from sqlalchemy.sql.selectable import Alias

from mixpanel_data._internal.duckdb.backend.plain import has_usual_types, is_plain, text_of
from mixpanel_data._internal.schema import facets, members
from mixpanel_data._internal.schema import functions as fn
from mixpanel_data._internal.schema.facets import Facet, exactly, json_value
from mixpanel_data._internal.schema.typed import TypedRows

Source = sa.Table | Alias
Found = tuple[Source, BindParameter[Any]]

_COMPARISONS = {operators.eq, operators.ne, operators.lt, operators.le, operators.gt, operators.ge}
_EXACT = 2**53  # below it, integers are exact as DOUBLE
_GETS = (operators.json_getitem_op, operators.json_path_getitem_op)


def tables_asked(statement: Any) -> set[str]:
    """Return the tables of whose properties a query asks for some by name, in lower case."""
    if not isinstance(statement, (sa.Select, sa.CompoundSelect)):
        return set()
    found = (_property(node) for node in _nodes(statement))
    return {str.lower(_table(pair[0]).name) for pair in found if pair is not None}


def serve(statement: Any, typed: Mapping[str, TypedRows]) -> Any:
    """Return a query over typed rows, where they have all that it asks of a table."""
    sources = {
        source: rows
        for source in _sources(statement, typed)
        if has_usual_types(_table(source), (rows := typed[str.lower(_table(source).name)]).base)
    }
    names = Counter(source.name for source in sources)
    active: dict[Any, Any] = {
        s: rows.alias(s.name) if names[s.name] == 1 else rows.rows.alias(s.name)
        for s, rows in sources.items()
    }
    while active:
        changed, missed = _over(statement, active, sources)
        if not missed:
            return changed
        for source in missed:
            del active[source]
    return statement


def _over(
    statement: Any, active: Mapping[Any, Any], sources: Mapping[Source, TypedRows]
) -> tuple[Any, set[Any]]:
    """Return a query with the *active* sources replaced, and those that lack something."""
    missed: set[Any] = set()

    def replace(node: Any, **_: Any) -> Any:
        if isinstance(node, sa.FromClause) and node in active:
            return active[node]
        if (compared := _compared(node, active, sources)) is not None:
            return compared
        source, made = _served(node, active, sources)
        if source is not None and made is None:
            missed.add(source)
        return made

    return _replaced(statement, replace), missed


def _served(
    node: Any, active: Mapping[Any, Any], sources: Mapping[Source, TypedRows]
) -> tuple[Source | None, Any]:
    """Return the active source that a node needs, and the node over typed rows, None for none."""
    asked = node
    if isinstance(node, Facet):
        asked = next(iter(node.clauses))
    raw = isinstance(asked, json_value)
    found = _property(next(iter(asked.clauses)) if raw else asked)
    if found is not None and found[0] in active and (raw or asked is node):
        source, steps = found[0], found[1].value
        path = tuple(steps) if isinstance(steps, (tuple, list)) else (steps,)
        column = sources[source].by_path.get(path)
        if column is None or isinstance(node.type, sa.JSON):
            return source, None
        rows = active[source]
        if isinstance(node, Facet):
            made = facets.typed_facet(node, column, rows)
        elif raw:
            made = facets.typed_raw(column, rows)
        else:
            made = _converted(
                column.kind if not column.odd else "", rows.c[column.stored], node.type
            )
            if made is None:
                made = _cast(facets.typed_text(column, rows), node.type)
        return source, exactly(made)
    if isinstance(node, sa.Column) and node.table in active:
        return node.table, active[node.table].c.get(node.name)
    return None, None


def _compared(
    node: Any, active: Mapping[Any, Any], sources: Mapping[Source, TypedRows]
) -> sa.ColumnElement[bool] | None:
    """Return the comparison of a column of integers with a whole number, without conversion.

    Both stand for the same as DOUBLE: integers as small as the number are exact there, and larger
    ones stay larger.
    """
    if not isinstance(node, BinaryExpression) or node.operator not in _COMPARISONS:
        return None
    bind = node.right
    # One with a name of its own may get another value when the statement runs.
    if not isinstance(bind, BindParameter) or not bind.unique or not _is_exact(bind.value):
        return None
    made = _served(node.left, active, sources)[1]
    while isinstance(made, (exactly, ClauseList, Grouping, TypeCoerce)):
        made = next(iter(made.get_children()))
    if not isinstance(made, sa.Cast) or not isinstance(made.clause, sa.Column):
        return None
    if not isinstance(made.type, sa.Float) or not isinstance(made.clause.type, sa.Integer):
        return None
    whole: Any = bind.value
    compared: sa.ColumnElement[bool] = node.operator(made.clause, int(whole))
    return compared


def _is_exact(value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and abs(value) < _EXACT and value == int(value)


def _converted(kind: str, value: Any, wanted: sa.types.TypeEngine[Any]) -> Any:
    """Return a typed value as *wanted*, where that is what a cast of its text would be."""
    if isinstance(wanted, sa.Boolean) and kind == "BOOL":
        return value
    if isinstance(wanted, sa.Integer) and kind == "INT":
        return sa.type_coerce(value, wanted)
    if isinstance(wanted, sa.Float) and kind in ("INT", "FLOAT", "NUMBER"):
        return sa.type_coerce(sa.cast(value, sa.Double) if kind == "INT" else value, wanted)
    return None


def _cast(text: Any, wanted: sa.types.TypeEngine[Any]) -> Any:
    """Return a property's text as the compiler's ``properties[…].as_…()`` converts it."""
    if isinstance(wanted, sa.String):
        return sa.type_coerce(text, wanted)
    as_ = sa.BigInteger() if type(wanted) is sa.Integer else wanted
    return sa.type_coerce(sa.cast(text, as_), wanted)


def parse_once(statement: Any) -> Any:
    """Return a query that takes all properties it names out of one parse of the JSON, not each."""
    if not isinstance(statement, (sa.Select, sa.CompoundSelect)):
        return statement
    keys: dict[Source, dict[tuple[bool, Any], BindParameter[Any]]] = {}
    used: set[sa.Column[Any]] = set()
    has_text = False
    node: Any
    for node in _nodes(statement):
        if isinstance(node, sa.Column):
            used.add(node)
        has_text = has_text or text_of(node) is not None
        raw = isinstance(node, json_value)
        found = _property(next(iter(node.clauses)) if raw else node)
        if found is not None and (raw or not isinstance(node.type, sa.JSON)):
            keys.setdefault(found[0], {})[raw, _hashable(found[1])] = found[1]
    many = {source for source, named in keys.items() if len(named) > 1}
    sources = {source: keys[source] for source in _sources(statement, None) if source in many}
    parsed = {
        source: _with_lists(source, [*source.columns] if has_text else used, named)
        for source, named in sources.items()
    }
    if not parsed:
        return statement

    def replace(node: Any, **_: Any) -> Any:
        if isinstance(node, sa.FromClause) and node in parsed:
            return parsed[node]
        raw = isinstance(node, json_value)
        found = _property(next(iter(node.clauses)) if raw else node)
        if found is not None and found[0] in parsed and (raw or not isinstance(node.type, sa.JSON)):
            named = [key for key in sources[found[0]] if key[0] == raw]
            place = named.index((raw, _hashable(found[1]))) + 1
            item = fn.list_item(parsed[found[0]].c["_raw" if raw else "_text"], place)
            return exactly(json_value(item) if raw else _cast(item, node.type))
        if isinstance(node, sa.Column) and node.table in parsed:
            return parsed[node.table].c[node.name]
        return None

    return _replaced(statement, replace)


def _with_lists(
    source: Source,
    used: Collection[Any],
    named: Mapping[tuple[bool, Any], BindParameter[Any]],
) -> sa.Subquery:
    """Return the *used* columns of a source with lists of the JSON and the text of properties."""
    names = {"properties", *(c.name for c in used if c.table is source)}
    types = {c.name: c.type for c in source.columns if c.name in names}
    columns = [sa.Column(name, type_) for name, type_ in types.items()]
    rows = sa.Table(_table(source).name, sa.MetaData(), *columns)
    lists = []
    for raw, name in ((True, "_raw"), (False, "_text")):
        steps = [step for key, step in named.items() if key[0] == raw]
        if steps:
            read = members.json_at if raw else members.json_texts_at
            lists.append(read(rows.c.properties, *steps).label(name))
    return sa.select(*rows.c, *lists).subquery(source.name)


def _property(node: Any) -> Found | None:
    """Return the source and the steps of ``source.c.properties[steps]``, None for another node."""
    if (
        isinstance(node, BinaryExpression)
        and node.operator in _GETS
        and isinstance(node.left, sa.Column)
        and node.left.name == "properties"
        and isinstance(node.right, BindParameter)
        # One with a name of its own may get another key when the statement runs.
        and node.right.unique
        and isinstance(_table(node.left.table), sa.Table)
    ):
        return node.left.table, node.right
    return None


def _nodes(statement: Any) -> Iterator[Any]:
    """Yield the nodes of a statement, each once.

    ``visitors.iterate`` yields a CTE's for every mention of it: exponentially many in a chain.
    """
    seen: dict[int, Any] = {}
    waiting = [statement]
    while waiting:
        node = waiting.pop()
        if id(node) not in seen:
            seen[id(node)] = node
            yield node
            waiting += node.get_children()


def _hashable(bind: BindParameter[Any]) -> Any:
    return tuple(bind.value) if isinstance(bind.value, list) else bind.value


def _table(source: Any) -> Any:
    return source.element if isinstance(source, Alias) else source


def _sources(statement: Any, typed: Collection[str] | None) -> Iterator[Source]:
    """Yield the tables and aliases that a query reads, but not as wholes: of *typed*, or all.

    None where the statement holds SQL that may read more of them than it says.
    """
    found: dict[Any, None] = {}
    whole: set[Any] = set()
    nodes = list(_nodes(statement))
    for node in nodes:
        table = _table(node)
        named = isinstance(table, sa.Table) and table.schema is None
        if named and (typed is None or str.lower(table.name) in typed):
            found[node] = None
        if isinstance(node, sa.Select):
            whole.update(c for c in node._raw_columns if isinstance(c, sa.FromClause))
    if is_plain(nodes, {str.lower(_table(source).name) for source in found}):
        yield from (source for source in found if source not in whole)


def _replaced(statement: Any, replace: Callable[..., Any]) -> Any:
    """Return a statement with nodes replaced; what wraps a table as it is stays as it is."""

    def outside(node: Any, **options: Any) -> Any:
        made = replace(node, **options)
        wrapped = made is None and isinstance(getattr(node, "element", None), sa.Table)
        return node if wrapped else made

    changed: Any = visitors.replacement_traverse(statement, {}, outside)  # type: ignore[call-overload]
    return changed
