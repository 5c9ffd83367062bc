"""The Selects behind the exploration calls; they run nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import visitors

from mixpanel_data._internal.schema import functions as fn
from mixpanel_data._internal.schema.properties import event_property

JSON_TYPES = ("string", "number", "boolean", "null", "object", "array")

_BY_INITIAL = {'"': "string", "t": "boolean", "f": "boolean", "n": "null", "{": "object"}
_BY_INITIAL["["] = "array"
# Before the first character of a value that is counted by its type alone: no JSON begins with it.
_MARK = "~"

Rows = sa.FromClause
Expression = sa.ColumnElement[Any]


def sample(table: sa.Table, n: int, seed: int | None) -> sa.Select[Any]:
    """Return the select of *n* random rows, with a *seed* always the same ones in one order."""
    if seed is None:
        return sa.select(fn.sampled(table, n))
    key = list(table.primary_key.columns) or list(table.c)
    order = fn.row_hash(*key, sa.literal(seed, sa.BigInteger))
    return sa.select(table).order_by(order, *key).limit(n)


def breakdown(table: sa.Table) -> sa.Select[Any]:
    """Return the select of each event's count, users, first and last time, and of all users."""
    user, time = table.c.distinct_id, table.c.event_time
    users = sa.select(sa.func.count(user.distinct())).select_from(table).scalar_subquery()
    count = sa.func.count().label("count")
    return (
        sa.select(
            table.c.event_name,
            count,
            sa.func.count(user.distinct()).label("unique_users"),
            sa.func.min(time).label("first_seen"),
            sa.func.max(time).label("last_seen"),
            users.label("total_users"),
        )
        .group_by(table.c.event_name)
        .order_by(count.desc(), table.c.event_name)
    )


def rows_of(table: sa.Table, event: str | None = None, sample: int | None = None) -> Rows:
    """Return the rows of a table, of one event, or *sample* random ones of them."""
    rows: Rows = table
    if event is not None:
        rows = sa.select(table).where(table.c.event_name == event).subquery("of_event")
    return rows if sample is None else fn.sampled(rows, sample)


def keys(rows: Rows) -> sa.Select[Any]:
    """Return the select of the keys of the rows' properties, sorted."""
    key = fn.explode(fn.json_object_keys(rows.c.properties)).label("key")
    found = sa.select(key).select_from(rows).subquery("keys")
    return sa.select(found.c.key).distinct().order_by(found.c.key)


def column_counts(rows: sa.Table, column: Expression, limit: int) -> sa.Select[Any]:
    """Return the select of the most frequent values, of equally frequent ones the least first.

    With each come the numbers of rows, of values and of different values of the whole column: one
    pass gives all. NULL comes last.
    """
    value = _values(rows, column)
    counted = sa.select(value, sa.func.count().label("count")).group_by(value).subquery("counted")
    value, count = counted.c.value, counted.c["count"]
    every = [
        sa.func.sum(count).over().label("rows"),
        sa.func.sum(sa.case((value.is_not(None), count), else_=0)).over().label("values"),
        sa.func.count(value).over().label("different"),
    ]
    # One row at least, for the numbers of the whole.
    order = (value.is_(None), count.desc(), value)
    return sa.select(value, count, *every).order_by(*order).limit(max(limit, 1))


def column_numbers(rows: sa.Table, column: Expression) -> sa.Select[Any]:
    """Return the select of the least, the greatest and the mean value, and their deviation."""
    value = sa.cast(_values(rows, column), sa.Double)
    numbers = (sa.func.min, sa.func.max, sa.func.avg, sa.func.stddev_samp)
    return sa.select(*(aggregate(value) for aggregate in numbers))


def over(rows: sa.Table, expression: Expression) -> Expression:
    """Return an expression over any Table of this name as one over *rows*."""

    def replaced(element: Any, **_: Any) -> Any:
        table = getattr(element, "table", None)
        same = isinstance(table, sa.Table) and table is not rows and table.name == rows.name
        return rows.c[element.name] if same and isinstance(element, sa.Column) else None

    return visitors.replacement_traverse(expression, {}, replaced)


def column_values(rows: sa.Table, column: Expression) -> sa.Select[Any]:
    """Return the select of a column or expression alone."""
    return sa.select(column.label("value")).select_from(rows)


def _values(rows: sa.Table, column: Expression) -> Expression:
    return column_values(rows, column).subquery("of_column").c.value


def values(rows: Rows, key: str, limit: int, where: Sequence[Expression] = ()) -> sa.Select[Any]:
    """Return the select of a property's most frequent values as JSON text, and of all counts."""
    found = sa.select(event_property(rows, key).label("value")).where(*where).subquery("of_key")
    grouped = sa.select(found.c.value, sa.func.count().label("count")).group_by(found.c.value)
    counted = grouped.subquery("counted")
    there = sa.and_(counted.c.value.is_not(None), counted.c.value != "null")
    every = sa.func.sum(sa.case((there, counted.c["count"]), else_=0)).over().label("total")
    # Filtered after the total: a filter before it would read every document once more.
    value, count, total = sa.select(*counted.c, every).subquery("of_all").c
    chosen = sa.select(value, count, total).where(value.is_not(None), value != "null")
    return chosen.order_by(count.desc(), value).limit(limit)


def properties(rows: Rows, top: int, many: Mapping[str, Sequence[str]]) -> sa.Select[Any]:
    """Return the select of the most frequent values of every property, with what all have in sum.

    One pass over the rows: every document becomes rows of key and value, which are counted.
    *many* are properties of too many values to count them all: of those, each of the values named
    here is counted, and the others by type.
    """
    each = _counted(rows, many)
    kind = _kind(each.c.value)
    key = each.c.key
    place = sa.func.row_number().over(partition_by=key, order_by=[each.c.n.desc(), each.c.value])
    ranked = sa.select(
        key,
        each.c.value,
        each.c.n,
        place.label("place"),
        sa.func.min(each.c.first).over(partition_by=key).label("first"),
        sa.func.max(each.c.last).over(partition_by=key).label("last"),
        sa.func.count().over(partition_by=key).label("different"),
        sa.func.sum(each.c.estimate).over(partition_by=key).label("estimate"),
        *(
            sa.func.sum(sa.case((kind == name, each.c.n), else_=0))
            .over(partition_by=key)
            .label(name)
            for name in JSON_TYPES
        ),
    ).subquery("ranked")
    return (
        sa.select(*ranked.c)
        .where(ranked.c.place <= top)
        .order_by(ranked.c.key, ranked.c.n.desc(), ranked.c.value)
    )


def _counted(rows: Rows, many: Mapping[str, Sequence[str]]) -> sa.Subquery:
    time = rows.c.event_time if "event_time" in rows.c else sa.cast(sa.null(), sa.TIMESTAMP)
    members = (
        sa.select(
            fn.explode(fn.json_object_keys(rows.c.properties)).label("key"),
            fn.explode(fn.json_values(rows.c.properties)).label("value"),
            time.label("time"),
        )
        .select_from(rows)
        .subquery("members")
    )
    key, value = members.c.key, members.c.value
    counted: Expression = value
    uncounted: Expression = sa.null()
    if many:
        named = [text for texts in many.values() for text in texts]
        is_many = key.in_(many)
        by_type = sa.and_(is_many, value.not_in(named)) if named else is_many
        counted = sa.case((by_type, _MARK + fn.json_initial(value)), else_=value)
        uncounted = sa.case((is_many, value))
    marked = sa.select(
        key, counted.label("value"), members.c.time, uncounted.label("uncounted")
    ).subquery("marked")
    estimate = fn.approximate_distinct(marked.c.uncounted) if many else sa.literal(0)
    return (
        sa.select(
            marked.c.key,
            marked.c.value,
            sa.func.count().label("n"),
            sa.func.min(marked.c.time).label("first"),
            sa.func.max(marked.c.time).label("last"),
            estimate.label("estimate"),
        )
        .group_by(marked.c.key, marked.c.value)
        .subquery("each")
    )


def _kind(value: Expression) -> Expression:
    initial = fn.json_initial(sa.func.ltrim(value, _MARK))
    return sa.case(*((initial == sign, name) for sign, name in _BY_INITIAL.items()), else_="number")


def is_value(text: str) -> bool:
    """Return whether the text of a property is a value, not a mark for others or null."""
    return not text.startswith(_MARK) and text != "null"
