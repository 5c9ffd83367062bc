"""The Selects behind the exploration calls; they run nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from mixpanel_data._internal.schema import functions as fn
from mixpanel_data._internal.schema.members import json_has_others
from mixpanel_data._internal.schema.properties import event_properties, event_property

JSON_TYPES = ("string", "number", "boolean", "null", "object", "array")

_BY_INITIAL = {'"': "string", "t": "boolean", "f": "boolean", "n": "null", "{": "object"}
_BY_INITIAL["["] = "array"
# Before the first character of a value that is counted by its type alone: no JSON begins with it.
_MARK = "~"
_ONE_OF = 32  # values that are not counted, one is, which tells how many there are

Rows = sa.FromClause
Expression = sa.ColumnElement[Any]


def sample(table: sa.Table, n: int, seed: int | None) -> sa.Select[Any]:
    """Return the select of *n* random rows, with a *seed* always the same ones in one order."""
    if seed is None:
        return sa.select(fn.sampled(table, n))
    key = _key(table)
    order = fn.row_hash(*key, sa.literal(seed, sa.BigInteger))
    return sa.select(table).order_by(order, *key).limit(n)


def _key(table: sa.Table) -> list[sa.Column[Any]]:
    return list(table.primary_key.columns) or list(table.c)


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


def one_of(table: sa.Table, event: str | None, size: int) -> Rows:
    """Return one of *size* rows of a table, or of those of one event, always the same ones.

    As it asks for the key alone, the documents of all other rows are not even read.
    """
    chosen = sa.select(table).where(fn.row_hash(*_key(table)) % size == 0)
    return (chosen if event is None else chosen.where(table.c.event_name == event)).subquery()


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


def frequent(rows: Rows, limit: int) -> sa.Select[Any]:
    """Return the select of every property's numbers of different values and of rows.

    One of more than *limit* different values has a row for each that repeats, the most frequent
    first; any other has one row.
    """
    each = _by_member(rows, {}).cte("_each")
    numbers = [sa.func.count().label("different"), sa.func.sum(each.c.n).label("rows")]
    whole = sa.select(each.c.key, *numbers).group_by(each.c.key).subquery("whole")
    repeated = each.alias("repeated")
    on = sa.and_(repeated.c.key == whole.c.key, repeated.c.n > 1, whole.c.different > limit)
    rows_ = sa.select(*whole.c, repeated.c.value).select_from(whole.outerjoin(repeated, on))
    return rows_.order_by(whole.c.key, repeated.c.n.desc(), repeated.c.value)


def properties(
    rows: Rows, top: int, many: Mapping[str, Sequence[str]], keys: Sequence[str] = ()
) -> sa.Select[Any]:
    """Return the select of the most frequent values of every property, with what all have in sum.

    One pass over the rows. Without *keys* every document becomes rows of key and value, which are
    counted. With *keys*, each is a column and counted for itself, and only documents that have
    others become such rows: half the time where most rows have most of them. *many* are properties
    of too many values to count them all: of those, each of the values named here is counted, and
    the others by type.
    """
    found = _by_column(rows, keys, many) if keys else _by_member(rows, many)
    each = found.cte("_each")
    kind, is_mark = _kind(each.c.value), fn.starts_with(each.c.value, sa.literal(_MARK))
    # One of so many values stands for all that are not counted.
    is_one = fn.starts_with(each.c.value, sa.literal(_MARK * 2))
    stands_for = sa.case((is_one, _ONE_OF), (is_mark, 0), else_=1)
    whole = sa.select(
        each.c.key,
        sa.func.min(each.c.first).label("first"),
        sa.func.max(each.c.last).label("last"),
        sa.func.sum(stands_for).label("different"),
        *(
            sa.func.sum(sa.case((kind == name, each.c.n), else_=0)).label(name)
            for name in JSON_TYPES
        ),
    ).group_by(each.c.key)
    place = sa.func.row_number().over(
        partition_by=each.c.key, order_by=[each.c.n.desc(), each.c.value]
    )
    values = sa.select(each.c.key, each.c.value, each.c.n, place.label("place"))
    values = values.where(sa.not_(is_mark), each.c.value != "null")
    all_, ranked = whole.subquery("whole"), values.subquery("ranked")
    on = sa.and_(ranked.c.key == all_.c.key, ranked.c.place <= top)
    return (
        sa.select(*all_.c, ranked.c.value, ranked.c.n)
        .select_from(all_.outerjoin(ranked, on))
        .order_by(all_.c.key, ranked.c.n.desc(), ranked.c.value)
    )


def _time(rows: Rows) -> Expression:
    known = "event_time" in rows.c
    return (rows.c.event_time if known else sa.cast(sa.null(), sa.TIMESTAMP)).label("time")


def _numbers(time: Expression) -> list[sa.Label[Any]]:
    functions = {"n": sa.func.count(), "first": sa.func.min(time), "last": sa.func.max(time)}
    return [function.label(name) for name, function in functions.items()]


def _marked(value: Expression, named: Sequence[str]) -> Expression:
    """Return the values named and null; of all others what tells their type, of some the value."""
    chosen = sa.or_(*(value == text for text in [*named, "null"]))
    some = (fn.row_hash(value) % _ONE_OF == 0, _MARK * 2 + value)
    # Quicker than the first character of every value: only strings are less than digits.
    usual = ((value < "#", _MARK + '"'), (value < ":", _MARK + "0"))
    return sa.case((chosen, value), some, *usual, else_=_MARK + fn.json_initial(value))


def _by_column(
    rows: Rows, keys: Sequence[str], many: Mapping[str, Sequence[str]]
) -> sa.CompoundSelect[Any]:
    """Return the counted values of properties, each grouped on its own; see ``_by_member``.

    Documents with other properties than *keys* are grouped as they are, for what else they hold.
    """
    found = event_properties(rows, keys).label("found")
    lists = sa.select(found, rows.c.properties, _time(rows)).subquery("lists")
    items = [fn.list_item(lists.c.found, n + 1) for n in range(len(keys))]
    columns = [
        (_marked(item, many[key]) if key in many else item).label(f"v{n}")
        for n, (key, item) in enumerate(zip(keys, items))
    ]
    has_others = json_has_others(lists.c.properties, lists.c.found, *keys)
    others = sa.case((has_others, lists.c.properties)).label("properties")
    each = sa.select(lists.c.time, others, *columns).subquery("columns")
    values = [each.c[column.name] for column in (*columns, others)]
    sets = sa.func.grouping_sets(*(sa.tuple_(value) for value in values))
    grouped = sa.select(*values, *_numbers(each.c.time)).group_by(sets).cte("sets")
    # Of each row one value alone is not NULL; none where the property is missing.
    values = [grouped.c[column.name] for column in columns]
    names = [(value.is_not(None), sa.literal(key)) for value, key in zip(values, keys)]
    value = sa.func.coalesce(*values, sa.null())
    numbers = [grouped.c[name] for name in ("n", "first", "last")]
    known = sa.select(sa.case(*names).label("key"), value.label("value"), *numbers)
    known = known.where(sa.or_(*(there for there, _ in names)))
    return known.union_all(_of_others(grouped, keys))


def _of_others(grouped: Rows, keys: Sequence[str]) -> sa.Select[Any]:
    """Return the counted values of the properties of grouped documents, without those of *keys*."""
    members = _members(grouped, *(grouped.c[name] for name in ("n", "first", "last")))
    key, value, n, first, last = members.c
    numbers = [sa.func.sum(n), sa.func.min(first), sa.func.max(last)]
    return sa.select(key, value, *numbers).where(key.not_in(keys)).group_by(key, value)


def _by_member(rows: Rows, many: Mapping[str, Sequence[str]]) -> sa.Select[Any]:
    """Return the counted values of properties: key, value, n, first, last."""
    members = _members(rows, _time(rows))
    key, value = members.c.key, members.c.value
    counted: Expression = value
    if many:
        named = [text for texts in many.values() for text in texts]
        counted = sa.case((key.in_(many), _marked(value, named)), else_=value)
    marked = sa.select(key, counted.label("value"), members.c.time).subquery("marked")
    columns = [marked.c.key, marked.c.value, *_numbers(marked.c.time)]
    return sa.select(*columns).group_by(marked.c.key, marked.c.value)


def _members(rows: Rows, *columns: Expression) -> sa.Subquery:
    """Return the key and the value of each property of each row, with *columns* of the row."""
    lists = (fn.json_object_keys(rows.c.properties), fn.json_values(rows.c.properties))
    pair = [fn.explode(part).label(name) for part, name in zip(lists, ("key", "value"))]
    return sa.select(*pair, *columns).select_from(rows).subquery("members")


def _kind(value: Expression) -> Expression:
    initial = fn.json_initial(sa.func.ltrim(value, _MARK))
    return sa.case(*((initial == sign, name) for sign, name in _BY_INITIAL.items()), else_="number")
