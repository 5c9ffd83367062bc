"""Retention: who does something, and who of them comes back.

Definitions: https://docs.mixpanel.com/docs/reports/retention.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mixpanel_data._internal.schema import facets
from mixpanel_data._internal.schema import functions as fn
from mixpanel_data._internal.schema.properties import period_number, time_bucket
from mixpanel_data.reports import measures, values
from mixpanel_data.reports.retention_question import (
    ROLLING_DAYS,
    Counting,
    Question,
    RetentionType,
)
from mixpanel_data.reports.source import UNDEFINED, By, Events, Source, Where
from mixpanel_data.reports.times import DAY, Bucket, Day, Period, offsets
from mixpanel_data.reports.values import Value

Expression = sa.ColumnElement[Any]


def select(
    table: sa.FromClause | Source,
    *,
    born_event: Events = None,
    return_event: Events = None,
    from_date: Day,
    to_date: Day,
    born_where: Where = None,
    return_where: Where = None,
    unit: Bucket = "day",
    interval: int = 1,
    interval_count: int | None = None,
    retention_type: RetentionType = "birth",
    counting: Counting = "on",
    calendar: bool = False,
    brackets: Sequence[int] | None = None,
    on: By | None = None,
    limit: int = 60,
    end: datetime | None = None,
) -> sa.Select[Any]:
    """Return a select of cohort, [segment,] bucket, users.

    A row without a bucket has the size of the cohort, one without a segment is of all users. What a
    bucket is depends on *counting*: the bucket of a return, the last or first one of a user, or the
    length of a streak. Parameters as ``Reports.retention``.
    """
    source = Source.of(table)
    question = Question(
        born_event, return_event, Period.of(from_date, to_date, source.zone), born_where,
        return_where, unit, interval, interval_count, retention_type, counting, calendar,
        None if brackets is None else tuple(brackets), on, limit, end,
    )  # fmt: skip
    return statement(source, question)


def statement(source: Source, question: Question) -> sa.Select[Any]:
    """Return the select of a checked question."""
    births = _births(source, question)
    returns = _returns(source, question, births)
    parts = _counts(births, returns, question, None)
    if question.on is not None:
        parts += _counts(births, returns, question, _segments(source, question, births))
    rows = sa.union_all(*parts).subquery("cohorts")
    labels = [rows.c.c.label("cohort"), *([rows.c.s.label("segment")] if "s" in rows.c else [])]
    return sa.select(*labels, rows.c.bucket, rows.c.users).order_by(*labels, rows.c.bucket)


def _segments(source: Source, question: Question, births: sa.CTE) -> sa.CTE:
    """Return the segments of each birth: id, s. A list at the birth gives one for each item."""
    assert question.on is not None
    segment: Expression = sa.func.coalesce(births.c.v, UNDEFINED)
    if source.value(question.on).raw is not None:
        segment = facets.segments(births.c.v)
    rows = sa.select(births.c.id, segment.label("s")).cte("_labels")
    merged = measures.labelled(rows, sa.func.count(rows.c.id.distinct()), question.limit)
    return merged.distinct().cte("_segments")


def _counts(
    births: sa.CTE, returns: sa.CTE, question: Question, segments: sa.CTE | None
) -> list[sa.Select[Any]]:
    """Return the sizes of cohorts, and the users of each bucket: c, [s,] bucket, users."""

    def grouped(rows: sa.CTE, columns: list[Expression]) -> sa.Select[Any]:
        if segments is not None:
            on = segments.c.id == rows.c.id
            by = sa.select(rows.c.c, segments.c.s, *columns).join_from(rows, segments, on)
            return by.group_by(rows.c.c, segments.c.s)
        every = [] if question.on is None else [sa.cast(sa.null(), sa.String).label("s")]
        return sa.select(rows.c.c, *every, *columns).select_from(rows).group_by(rows.c.c)

    sizes = grouped(births, [sa.null().label("bucket"), sa.func.count().label("users")])
    counts = grouped(returns, _buckets(returns, question))
    if question.counting == "on":
        return [sizes, counts.group_by(returns.c.n)]
    users = counts.group_by(returns.c.id).subquery("users")
    return [sizes, sa.select(*users.c, sa.func.count()).group_by(*users.c)]


def _buckets(returns: sa.FromClause, question: Question) -> list[Expression]:
    if question.counting == "on":
        return [returns.c.n.label("bucket"), sa.func.count(returns.c.id.distinct()).label("users")]
    if question.counting == "on_or_after":
        return [sa.func.max(returns.c.n).label("bucket")]
    if question.counting == "on_or_before":
        return [sa.func.min(returns.c.n).label("bucket")]
    # Without a gap from 0 on, the n-th of a user's buckets is bucket n.
    return [sa.func.sum(sa.case((returns.c.n == returns.c.place, 1), else_=0)).label("bucket")]


def _births(source: Source, question: Question) -> sa.CTE:
    """Return for each user the first birth, by period: u, c (period), t0, own, v (segment), id.

    The id numbers the births, in whatever order: a number is counted faster than a user's name.
    """
    event, where = question.born
    period = question.period
    own = question.own(source)
    columns = [source.user.label("u"), source.instant.label("t")]
    recurring = question.retention_type != "birth"
    if recurring:
        columns.append(source.bucket(question.unit, period).label("c"))
    if own is None:
        also = sa.func.coalesce(source.matching(*question.returns), sa.false())
        columns.append(sa.case((also, 1), else_=0).label("own"))
    if question.on is not None:
        columns.append(_segment_value(source.value(question.on)).label("v"))
    if own is None or question.on is not None:
        columns.append(source.row.label("i"))
    conditions = [source.matching(event, where), *source.during(period), source.has_user]
    rows = source.select(*columns, where=conditions).subquery("born")
    keys = [rows.c.u, *([rows.c.c] if recurring else [])]
    wanted: list[Expression] = [sa.func.min(rows.c.t).label("t0")]
    wanted += [
        fn.arg_min(rows.c[name], rows.c.t, rows.c.i).label(name)
        for name in ("own", "v")
        if name in rows.c
    ]
    if own is not None:
        wanted.append(sa.literal(int(own)).label("own"))
    first = sa.select(*keys, *wanted).group_by(*keys).subquery("first")
    steps = offsets(period.zone, period.start, period.end)
    cohort = first.c.c if recurring else _cohort(first.c.t0, question, steps)
    others = [first.c[name] for name in ("u", "t0", "own", "v") if name in first.c]
    number = sa.func.row_number().over().label("id")
    return sa.select(*others, cohort.label("c"), number).cte("_births")


def _segment_value(value: Value) -> Expression:
    """Return what the segments of a value are read from: JSON text, or the segment itself."""
    text = value.raw if value.raw is not None else values.text_of(value)
    return sa.cast(sa.null(), sa.String) if text is None else text


def _cohort(instant: Expression, question: Question, steps: Any) -> Expression:
    unit: Any = question.unit
    zone = str(question.period.zone)
    return time_bucket(fn.from_microseconds(instant), unit, zone, steps)


def _returns(source: Source, question: Question, births: sa.CTE) -> sa.CTE:
    """Return the buckets in which users came back: id, c, n; for streaks once, numbered."""
    own = question.own(source)
    parts = _after_birth(source, question, births, strictly=own is not False)
    keys = [births.c.id, births.c.c]
    if own is not False:
        parts.append(_at_birth(source, question, births, keys))
    if question.counting != "streak":
        return sa.union_all(*parts).cte("_returns")
    parts.append(sa.select(*keys, _bucket(0)).where(births.c.own == 1))
    rows = sa.union(*parts).subquery("buckets")
    mine = [rows.c[key.name] for key in keys]
    place = sa.func.row_number().over(partition_by=mine, order_by=rows.c.n) - 1
    return sa.select(*rows.c, place.label("place")).cte("_returns")


def _bucket(number: int) -> Expression:
    return sa.literal(number, sa.BigInteger).label("n")


def _after_birth(
    source: Source, question: Question, births: sa.CTE, *, strictly: bool
) -> list[sa.Select[Any]]:
    """Return the buckets of the returns later than the birth (with not *strictly*, or with it).

    Of all events of a user and day only the first and last count: a bucket of whole days from the
    birth covers the end of one day and the start of the next, never the middle of a day alone.
    """
    keys = [births.c.id, births.c.c]
    t0 = births.c.t0
    days = _days(source, question)

    def later(time: Expression) -> Expression:
        return time > t0 if strictly else time >= t0

    if question.calendar:
        zone = offsets(question.period.zone, question.period.start, question.period.end)
        unit: Any = question.unit
        buckets = [
            _bucket_of(
                days.c.d - period_number(t0, unit, str(question.period.zone), zone), question
            ).label("last")
        ]
    else:
        low = sa.case((later(days.c.low), _bucket_of(days.c.low - t0, question)))
        buckets = [low.label("first"), _bucket_of(days.c.high - t0, question).label("last")]
    join = sa.and_(days.c.u == births.c.u, later(days.c.high))
    met = sa.select(*keys, *buckets).join_from(births, days, join).cte("_met")
    mine = [met.c[key.name] for key in keys]
    parts = [sa.select(*mine, met.c.last.label("n"))]
    if not question.calendar:
        other = sa.or_(met.c.first.is_(None), met.c.first != met.c.last)
        once = sa.select(*mine, met.c.first.label("n")).where(met.c.first.is_not(None))
        parts = [once, parts[0].where(other)]
    if question.counting != "on":
        return parts
    return [part.where(part.selected_columns.n < len(question.edges)) for part in parts]


def _bucket_of(span: Expression, question: Question) -> Expression:
    """Return the bucket of a time since birth: units of the calendar, or microseconds."""
    unit = 1 if question.calendar else DAY * ROLLING_DAYS[question.unit]
    if question.brackets is None:
        return _whole(span, unit * question.interval)
    edges = question.edges
    cases = [(span < edge * unit, _bucket(number).element) for number, edge in enumerate(edges)]
    return sa.case(*cases, else_=_bucket(len(edges)).element)


def _days(source: Source, question: Question) -> sa.CTE:
    """Return the first and last return of each user and day, or unit of the calendar."""
    period, end = question.period, question.end
    if question.calendar:
        zone = None if end is None else offsets(period.zone, period.start, max(end, period.end))
        unit: Any = question.unit
        day = period_number(source.instant, unit, str(period.zone), zone)
    else:
        day = _whole(source.instant, DAY)
    columns = [source.user.label("u"), day.label("d"), source.instant.label("t")]
    where = [source.matching(*question.returns), source.has_user]
    rows = source.select(*columns, where=[*where, *source.within(period.start, end)])
    events = rows.subquery("returning")
    low, high = sa.func.min(events.c.t).label("low"), sa.func.max(events.c.t).label("high")
    return (
        sa.select(events.c.u, events.c.d, low, high).group_by(events.c.u, events.c.d).cte("_days")
    )


def _at_birth(
    source: Source, question: Question, births: sa.CTE, keys: list[Any]
) -> sa.Select[Any]:
    """Return bucket 0 for who returned at the very instant of the birth, by another event."""
    columns = [source.user.label("u"), source.instant.label("t")]
    where = [source.matching(*question.returns), source.has_user, *source.during(question.period)]
    events = source.select(*columns, where=where).subquery("returning_at_once")
    same = sa.and_(events.c.u == births.c.u, events.c.t == births.c.t0)
    rows = sa.select(*keys, _bucket(0)).join_from(births, events, same).group_by(*keys)
    return rows.having(sa.func.count() > sa.func.min(births.c.own))


def _whole(span: Expression, size: int) -> Expression:
    return fn.whole_quotient(span, sa.literal(size, sa.BigInteger))
