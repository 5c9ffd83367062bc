"""Measures of rows by interval and segment, with the smaller segments as one.

Rows have the columns ``b`` (interval), ``s`` (segment, if there are several), and what their
measure needs: ``u`` (user), ``k`` (session), ``v`` (value). Each function returns a select of
bucket, [segment,] value. Its row without a bucket is the measure over the whole range; *since* is
where the range begins, if there are intervals before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa

from mixpanel_data._internal.schema import functions as fn
from mixpanel_data.reports.source import OTHER

QUANTILES = {"p25": 0.25, "median": 0.5, "p75": 0.75, "p90": 0.9, "p99": 0.99}

Expression = sa.ColumnElement[Any]
Answer = sa.Select[Any]


def labelled(rows: sa.FromClause, weight: Expression, limit: int) -> sa.Select[Any]:
    """Return the rows with all segments but the *limit* heaviest as ``$other``.

    What a segment weighs depends on the measure: https://docs.mixpanel.com/docs/reports, "Top
    Segments logic".
    """
    ranked = sa.select(rows.c.s, weight.label("weight")).group_by(rows.c.s).subquery("ranked")
    top = (
        sa.select(ranked.c.s)
        .order_by(ranked.c.weight.desc().nulls_last(), ranked.c.s)
        .limit(limit)
        .cte("_top_segments")
    )
    others = [column for column in rows.c if column.name != "s"]
    label = sa.func.coalesce(top.c.s, OTHER).label("s")
    return sa.select(*others, label).select_from(rows.outerjoin(top, top.c.s == rows.c.s))


def of_events(rows: sa.FromClause, measure: str, limit: int, since: date | None) -> Answer:
    """Return the number of events, or the sum, least, greatest or mean of their values."""
    numbers = [sa.func.count().label("n")]
    if "v" in rows.c:
        numbers += [sa.func.count(rows.c.v).label("m"), sa.func.sum(rows.c.v).label("v")]
        numbers += [sa.func.min(rows.c.v).label("low"), sa.func.max(rows.c.v).label("high")]
    groups = _grouped(rows, numbers, [])
    if "s" in groups.c:
        weight = sa.func.sum(groups.c.m) if measure == "average" else _sums(groups, measure)
        groups = labelled(groups, -weight if measure == "min" else weight, limit).cte("_labelled")
    return _points(groups, _sums(groups, measure), since)


def _sums(groups: sa.FromClause, measure: str) -> Expression:
    if measure == "total":
        return sa.func.sum(groups.c.n)
    if measure == "sum":
        return sa.func.sum(groups.c.v)
    if measure == "average":
        return sa.func.sum(groups.c.v) / sa.func.nullif(sa.func.sum(groups.c.m), 0)
    return sa.func.min(groups.c.low) if measure == "min" else sa.func.max(groups.c.high)


def of_people(rows: sa.FromClause, measure: str, limit: int, since: date | None) -> Answer:
    """Return the number of different users or sessions, or of events for each of them."""
    units = ["u", "d", "k"] if measure == "sessions" else ["u"]
    groups = _grouped(rows, [sa.func.count().label("n")], units)
    people = groups
    if "s" in groups.c:
        weight = sa.func.count() if "k" in groups.c else sa.func.count(groups.c.u.distinct())
        merged = labelled(groups, weight, limit).subquery("labelled")
        people = _grouped(merged, [sa.func.sum(merged.c.n).label("n")], units, "_people")
    mine = [groups.c[name] for name in units]
    whole = sa.select(sa.func.sum(groups.c.n).label("n"), *mine).group_by(*mine)
    everybody = _since(whole, groups, since).subquery("everybody")
    return _points(people, _per_unit(people, measure), None, everybody, measure)


def _per_unit(people: sa.FromClause, measure: str) -> Expression:
    if measure == "average":
        return sa.func.sum(people.c.n) / sa.func.nullif(sa.cast(sa.func.count(), sa.Double), 0)
    return sa.func.count()


def of_values(rows: sa.FromClause, measure: str, limit: int, since: date | None) -> Answer:
    """Return a quantile of the values, or the number of different ones."""
    if "s" in rows.c:
        weight = rows.c.v.distinct() if measure == "distinct" else rows.c.v
        rows = labelled(rows, sa.func.count(weight), limit).cte("_labelled")
    return _points(rows, _aggregate(rows.c.v, measure), since)


def of_users(
    rows: sa.FromClause, per_user: str, measure: str, limit: int, since: date | None
) -> Answer:
    """Return a measure of the users' own values, each aggregated by *per_user* first."""
    known = sa.select(*rows.c).where(rows.c.v.is_not(None)).cte("_known")
    source: sa.FromClause = known
    if "s" in known.c:
        source = labelled(known, sa.func.count(known.c.u.distinct()), limit).cte("_labelled")
    users = _grouped(source, [_aggregate(source.c.v, per_user).label("v")], ["u"], "_users")
    whole = sa.select(_aggregate(known.c.v, per_user).label("v")).group_by(known.c.u)
    everybody = _since(whole, known, since).subquery("everybody")
    value = _aggregate(users.c.v, measure)
    return _points(users, value, None, everybody, measure)


def _aggregate(column: Expression, measure: str) -> Expression:
    if measure == "distinct":
        return sa.func.count(column.distinct())
    if measure in QUANTILES:
        return fn.quantile(column, sa.literal(QUANTILES[measure]))
    return getattr(sa.func, "avg" if measure == "average" else measure)(column)  # type: ignore[no-any-return]


def _grouped(
    rows: sa.FromClause, numbers: Sequence[Expression], units: Sequence[str], name: str = "_groups"
) -> sa.CTE:
    keys = [rows.c[key] for key in ("s", "b", *units) if key in rows.c]
    return sa.select(*keys, *numbers).group_by(*keys).cte(name)


def _since(select: Any, rows: sa.FromClause, since: date | None) -> Any:
    return select if since is None else select.where(rows.c.b >= since)


def _points(
    rows: sa.FromClause,
    value: Expression,
    since: date | None,
    everybody: sa.FromClause | None = None,
    measure: str = "",
) -> Answer:
    segment = [rows.c.s.label("segment")] if "s" in rows.c else []
    points = sa.select(rows.c.b.label("bucket"), *segment, value.label("value"))
    points = points.group_by(*([rows.c.s] if segment else []), rows.c.b)
    blank = [sa.null() for _ in range(1 + len(segment))]
    whole: Any
    if everybody is None:
        whole = _since(sa.select(*blank, value).select_from(rows), rows, since)
    elif "v" in everybody.c:
        whole = sa.select(*blank, _aggregate(everybody.c.v, measure)).select_from(everybody)
    else:
        whole = sa.select(*blank, _per_unit(everybody, measure)).select_from(everybody)
    answer = sa.union_all(points, whole).subquery("points")
    return sa.select(*answer.c).order_by(*list(answer.c)[: 1 + len(segment)])
