"""Retention: who does something, and who of them comes back.

Definitions: https://docs.mixpanel.com/docs/reports/retention and …/reference/retention-query.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from mixpanel_data._internal.arguments import whole
from mixpanel_data._internal.schema import functions as fn
from mixpanel_data._internal.schema.properties import period_number, time_bucket
from mixpanel_data.reports.source import (
    SERVICE_EVENTS,
    SERVICE_PREFIX,
    UNDEFINED,
    By,
    Events,
    Source,
    Where,
    names_of,
)
from mixpanel_data.reports.times import DAY, Bucket, Day, Period, check_unit, offsets

RetentionType = Literal["birth", "recurring", "compounded"]
Counting = Literal["on", "on_or_after", "on_or_before", "streak"]

Expression = sa.ColumnElement[Any]

UNITS = ("day", "week", "month")
ROLLING_DAYS = {"day": 1, "week": 7, "month": 30}
DEFAULT_INTERVALS = 10
_MOST = 10_000  # buckets


@dataclass(frozen=True)
class Question:
    """A retention, checked. *end* is the first instant that is not looked at, in UTC."""

    born_event: Events
    return_event: Events
    period: Period
    born_where: Where
    return_where: Where
    unit: Bucket
    interval: int
    interval_count: int | None
    retention_type: RetentionType
    counting: Counting
    calendar: bool
    brackets: tuple[int, ...] | None
    on: By | None
    limit: int
    end: datetime | None

    def __post_init__(self) -> None:
        check_unit(self.unit, UNITS)
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                known = ", ".join(allowed)
                raise ValueError(f"{name} must be one of {known}, not {getattr(self, name)!r}.")
        whole(interval=self.interval, interval_count=self.interval_count, limit=self.limit)
        if self.interval < 1 or not 0 <= (self.interval_count or 0) <= _MOST:
            raise ValueError("interval must be 1 or more, interval_count from 0 to 10,000.")
        if self.brackets is not None:
            if self.interval_count is not None or self.interval != 1:
                raise ValueError("brackets are the buckets: give no interval and interval_count.")
            if not self.brackets or min(self.brackets) < 1:
                raise ValueError(f"brackets are sizes of 1 or more, not {self.brackets!r}.")
        if self.limit < 1:
            raise ValueError(f"limit must be 1 or more, not {self.limit}.")

    @property
    def edges(self) -> list[int]:
        """Where the buckets end, in units after birth."""
        if self.brackets is not None:
            sizes = list(self.brackets)
        else:
            count = DEFAULT_INTERVALS if self.interval_count is None else self.interval_count
            sizes = [self.interval] * (count + 1)
        return [sum(sizes[: number + 1]) for number in range(len(sizes))]

    @property
    def born(self) -> tuple[Events, Where]:
        """The event of the cohorts."""
        compounded = self.retention_type == "compounded"
        return self.returns if compounded else (self.born_event, self.born_where)

    @property
    def returns(self) -> tuple[Events, Where]:
        """The event of the return."""
        return self.return_event, self.return_where

    def own(self, source: Source) -> bool | None:
        """Return whether a birth is always a return as well: True, never: False, or it depends."""
        if self.born == self.returns:
            return True
        (born, _), (back, back_where) = self.born, self.returns
        names, others = names_of(born), names_of(back)
        if names is None:
            return True if others is None and back_where is None else None
        if others is None:
            service = [name for name in names if _is_service(name, source)]
            inside, outside = not service, len(service) == len(names)
        else:
            inside, outside = set(names) <= set(others), not set(names) & set(others)
        if outside:
            return False
        return True if inside and back_where is None else None


_CHOICES: dict[str, tuple[str, ...]] = {
    "retention_type": ("birth", "recurring", "compounded"),
    "counting": ("on", "on_or_after", "on_or_before", "streak"),
}


def _is_service(name: str, source: Source) -> bool:
    service = name in SERVICE_EVENTS or name.startswith(SERVICE_PREFIX)
    return service or name in source.excluded


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

    A row without a bucket has the size of the cohort. What a bucket is depends on *counting*: the
    bucket of a return, the last or first one of a user, or the length of a streak. Parameters as
    ``Reports.retention``.
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
    keys = [births.c.c, *([births.c.s] if "s" in births.c else [])]
    sizes = sa.select(*keys, sa.null().label("bucket"), sa.func.count().label("users"))
    names = [key.name for key in keys]
    groups = [returns.c[name] for name in names]
    counts = sa.select(*groups, *_buckets(returns, question, names)).group_by(*groups)
    if question.counting != "on":
        users = counts.group_by(returns.c.id).subquery("users")
        counts = sa.select(*list(users.c)[: len(names) + 1], sa.func.count())
        counts = counts.group_by(*list(users.c)[: len(names) + 1])
    else:
        counts = counts.group_by(returns.c.n)
    rows = sa.union_all(sizes.group_by(*keys), counts).subquery("cohorts")
    labels = [rows.c.c.label("cohort"), *([rows.c.s.label("segment")] if "s" in rows.c else [])]
    return sa.select(*labels, rows.c.bucket, rows.c.users).order_by(*labels, rows.c.bucket)


def _buckets(returns: sa.FromClause, question: Question, names: list[str]) -> list[Expression]:
    if question.counting == "on":
        return [returns.c.n.label("bucket"), sa.func.count(returns.c.id.distinct()).label("users")]
    if question.counting == "on_or_after":
        return [sa.func.max(returns.c.n).label("bucket")]
    if question.counting == "on_or_before":
        return [sa.func.min(returns.c.n).label("bucket")]
    # Without a gap from 0 on, the n-th of a user's buckets is bucket n.
    return [sa.func.sum(sa.case((returns.c.n == returns.c.place, 1), else_=0)).label("bucket")]


def _births(source: Source, question: Question) -> sa.CTE:
    """Return for each user the first birth, by period: u, c (period), t0, own, s (segment), id.

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
        columns.append(source.segment(question.on).label("s"))
    if own is None or question.on is not None:
        columns.append(source.row.label("i"))
    conditions = [source.matching(event, where), *source.during(period), source.has_user]
    rows = source.select(*columns, where=conditions).subquery("born")
    keys = [rows.c.u, *([rows.c.c] if recurring else [])]
    wanted: list[Expression] = [sa.func.min(rows.c.t).label("t0")]
    wanted += [
        fn.arg_min(rows.c[name], rows.c.t, rows.c.i).label(name)
        for name in ("own", "s")
        if name in rows.c
    ]
    if own is not None:
        wanted.append(sa.literal(int(own)).label("own"))
    first = sa.select(*keys, *wanted).group_by(*keys).subquery("first")
    steps = offsets(period.zone, period.start, period.end)
    cohort = first.c.c if recurring else _cohort(first.c.t0, question, steps)
    others = [first.c[name] for name in ("u", "t0", "own")]
    segment = [sa.func.coalesce(first.c.s, UNDEFINED).label("s")] if "s" in first.c else []
    number = sa.func.row_number().over().label("id")
    return sa.select(*others, cohort.label("c"), *segment, number).cte("_births")


def _cohort(instant: Expression, question: Question, steps: Any) -> Expression:
    unit: Any = question.unit
    zone = str(question.period.zone)
    return time_bucket(fn.from_microseconds(instant), unit, zone, steps)


def _returns(source: Source, question: Question, births: sa.CTE) -> sa.FromClause:
    """Return the buckets in which users came back: id, c, s, n; for streaks once, numbered."""
    own = question.own(source)
    parts = _after_birth(source, question, births, strictly=own is not False)
    keys = [births.c[name] for name in ("id", "c", "s") if name in births.c]
    if own is not False:
        parts.append(_at_birth(source, question, births, keys))
    if question.counting != "streak":
        return sa.union_all(*parts).subquery("returns")
    parts.append(sa.select(*keys, _bucket(0)).where(births.c.own == 1))
    rows = sa.union(*parts).subquery("buckets")
    mine = [rows.c[key.name] for key in keys]
    place = sa.func.row_number().over(partition_by=mine, order_by=rows.c.n) - 1
    return sa.select(*rows.c, place.label("place")).subquery("returns")


def _bucket(number: int) -> Expression:
    return sa.literal(number, sa.BigInteger).label("n")


def _after_birth(
    source: Source, question: Question, births: sa.CTE, *, strictly: bool
) -> list[sa.Select[Any]]:
    """Return the buckets of the returns later than the birth (with not *strictly*, or with it).

    Of all events of a user and day only the first and last count: a bucket of whole days from the
    birth covers the end of one day and the start of the next, never the middle of a day alone.
    """
    keys = [births.c[name] for name in ("id", "c", "s") if name in births.c]
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
