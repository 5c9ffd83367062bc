"""Segmentation: a measure of events by time and segment.

Definitions: https://docs.mixpanel.com/docs/reports/insights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, get_args

import sqlalchemy as sa

from mixpanel_data.reports import measures, values
from mixpanel_data.reports.sessions import Sessions, numbered
from mixpanel_data.reports.source import By, Events, Source, Where, names_of
from mixpanel_data.reports.times import (
    Bucket,
    Day,
    Period,
    bucket_after,
    bucket_start,
    check_unit,
    check_whole,
    start_of,
)

Measure = Literal[
    "total", "unique", "average", "sessions", "dau", "wau", "mau",
    "sum", "median", "min", "max", "distinct", "p25", "p75", "p90", "p99",
]  # fmt: skip
PerUser = Literal["sum", "average", "distinct", "min", "max"]

ACTIVE_DAYS = {"dau": 1, "wau": 7, "mau": 30}
_OF = ("sum", "min", "max", "distinct", *measures.QUANTILES)
_OF_USERS = ("sum", "average", "min", "max", *measures.QUANTILES)
UNITS = ("hour", "day", "week", "month", "total")
_LONGEST = 10_000  # intervals of an average

Expression = sa.ColumnElement[Any]


@dataclass(frozen=True)
class Question:
    """A segmentation, checked."""

    event: Events
    period: Period
    unit: Bucket
    measure: Measure
    of: By | None
    per_user: PerUser | None
    on: By | None
    where: Where
    first_time: bool
    rolling: int | None
    limit: int

    def __post_init__(self) -> None:
        check_unit(self.unit, UNITS)
        _check_one_of("measure", self.measure, get_args(Measure))
        _check_one_of("per_user", self.per_user, (None, *get_args(PerUser)))
        if self.of is None and (self.measure in _OF or self.per_user is not None):
            raise ValueError(f"measure={self.measure!r} needs of=: the property to measure.")
        if self.of is not None and self.measure not in (*_OF, "average"):
            raise ValueError(f"of= means nothing to measure={self.measure!r}.")
        if self.per_user is not None and self.measure not in _OF_USERS:
            raise ValueError(f"measure={self.measure!r} cannot be taken over users' values.")
        if self.rolling is not None:
            check_whole("rolling", self.rolling, most=_LONGEST)
            if self.unit == "total":
                raise ValueError("rolling is a number of intervals: unit cannot be 'total'.")
        if self.active and self.unit == "hour":
            raise ValueError(f"measure={self.measure!r} is of days: unit cannot be 'hour'.")
        if self.first_time and (self.active or self.measure == "sessions"):
            raise ValueError(f"first_time means nothing to measure={self.measure!r}.")
        check_whole("limit", self.limit)

    @property
    def active(self) -> int:
        """The days of an active-users measure, 0 for any other."""
        return ACTIVE_DAYS.get(self.measure, 0)

    @property
    def segmented(self) -> bool:
        """Whether the answer has segments other than one."""
        names = names_of(self.event)
        return self.on is not None or (names is not None and len(names) > 1)

    @property
    def reading(self) -> Period:
        """The period with the full intervals before it that a rolling average takes."""
        if self.rolling is None:
            return self.period
        before = self.rolling - 1
        first = bucket_start(self.period.first, self.unit)
        if self.unit == "hour":
            return self.period.starting(first - timedelta(days=-(-before // 24)))
        return self.period.starting(bucket_after(first, self.unit, -before))

    def labels(self, period: Period) -> list[str]:
        """Return the labels of the intervals of a period."""
        return period.labels(self.unit)


def _check_one_of(what: str, value: Any, allowed: Sequence[Any]) -> None:
    if value not in allowed:
        known = ", ".join(str(name) for name in allowed if name is not None)
        raise ValueError(f"{what} must be one of {known}, not {value!r}.")


def select(
    table: sa.FromClause | Source,
    event: Events = None,
    *,
    from_date: Day,
    to_date: Day,
    unit: Bucket = "day",
    measure: Measure = "total",
    of: By | None = None,
    per_user: PerUser | None = None,
    on: By | None = None,
    where: Where = None,
    first_time: bool = False,
    rolling: int | None = None,
    limit: int = 60,
) -> sa.Select[Any]:
    """Return a select of bucket, [segment,] value, with one row for each that has events.

    A row without a bucket is the measure over the whole range. Of active users the buckets are the
    days at which their number changes, and the row without one is missing. The points that a
    *rolling* average reads before the range are there too. Parameters as ``Reports.segmentation``.
    """
    source = Source.of(table)
    period = Period.of(from_date, to_date, source.zone)
    return statement(
        source,
        Question(event, period, unit, measure, of, per_user, on, where, first_time, rolling, limit),
    )


def statement(source: Source, question: Question) -> sa.Select[Any]:
    """Return the select of a checked question."""
    measure, limit, rolling = question.measure, question.limit, question.rolling
    if question.active:
        return _active(source, question)
    rows = _rows(source, question)
    since = None if rolling is None else bucket_start(question.period.first, question.unit)
    if question.per_user is not None:
        return measures.of_users(rows, question.per_user, measure, limit, since)
    if measure in ("unique", "average", "sessions") and question.of is None:
        return measures.of_people(rows, measure, limit, since)
    if measure in ("total", "sum", "min", "max", "average"):
        return measures.of_events(rows, measure, limit, since)
    return measures.of_values(rows, measure, limit, since)


def _rows(source: Source, question: Question) -> sa.Subquery:
    """Return the events: s (segment), b (bucket), u (user), v (value), k (session)."""
    named = source.matching(question.event, question.where)
    columns = [source.bucket(question.unit, question.reading).label("b")]
    columns += [source.user.label("u"), source.instant.label("t")]
    if question.segmented:
        columns.append(_segment(source, question).label("s"))
    if question.of is not None:
        columns.append(_value(source, question).label("v"))
    where = [named, *_range(source, question)]
    of_people = question.measure in ("unique", "average", "sessions") and question.of is None
    if of_people or question.per_user is not None:
        where.append(source.has_user)
    if question.measure == "sessions":
        return _in_sessions(source, question, columns[0])
    rows = source.select(*columns, where=where).subquery("rows")
    return _first_time(source, question, rows) if question.first_time else rows


def _segment(source: Source, question: Question) -> Expression:
    if question.on is None:
        return source.table.c.event_name
    return source.segments(question.on)


def _value(source: Source, question: Question) -> Expression:
    assert question.of is not None
    if "distinct" not in (question.measure, question.per_user):
        return source.number(question.of)
    key = values.key_of(source.value(question.of))
    return sa.cast(sa.null(), sa.String) if key is None else key


def _range(source: Source, question: Question) -> list[Expression]:
    reading, period = question.reading, question.period
    whole = start_of(bucket_start(period.first, question.unit), period.zone)
    bounds = source.during(reading)
    if reading.first < period.first and whole < period.start:
        # The first interval of the range stays a partial one.
        bounds.append(sa.or_(source.time < whole, source.time >= period.start))
    return bounds


def _in_sessions(source: Source, question: Question, bucket: Expression) -> sa.Subquery:
    hit = source.matching(question.event, question.where)
    columns = [bucket, hit.label("hit")]
    if question.segmented:
        columns.append(_segment(source, question).label("s"))
    rows, _ = numbered(source, question.reading, Sessions(), *columns)
    return sa.select(*rows.c).where(rows.c.hit).subquery("rows")


def _first_time(source: Source, question: Question, rows: sa.Subquery) -> sa.Subquery:
    """Keep the first events ever of their users; of one instant, all."""
    columns = [source.user.label("u"), source.instant.label("t")]
    ever = source.select(*columns, where=[source.named(question.event), source.has_user])
    events = ever.subquery("ever")
    first = (
        sa.select(events.c.u, sa.func.min(events.c.t).label("t")).group_by(events.c.u).cte("_first")
    )
    same = sa.and_(rows.c.u == first.c.u, rows.c.t == first.c.t)
    return sa.select(*rows.c).join_from(rows, first, same).subquery("rows")


def _active(source: Source, question: Question) -> sa.Select[Any]:
    """Return the users of the days up to each day, for the days at which their number changes.

    A user counts from a day they are active on until that many days later, or until the next day
    they are active on, from where they count anew.
    """
    days, reading = question.active, question.reading
    period = reading.starting(reading.first - timedelta(days=days - 1))
    named = source.matching(question.event, question.where)
    columns = [source.bucket("day", period).label("b"), source.user.label("u")]
    if question.segmented:
        columns.append(_segment(source, question).label("s"))
    where = [named, *source.during(period), source.has_user]
    rows = source.select(*columns, where=where).distinct().cte("_user_days")
    if question.segmented:
        weight = sa.func.count(rows.c.u.distinct())
        rows = measures.labelled(rows, weight, question.limit).distinct().cte("_segment_days")
    keys = [rows.c.s] if question.segmented else []
    until = rows.c.b + sa.literal(days)
    following = sa.func.lead(rows.c.b, 1, until)
    ends = following.over(partition_by=[*keys, rows.c.u], order_by=rows.c.b)
    spans = sa.select(*keys, rows.c.b, sa.func.least(until, ends).label("e")).cte("_spans")
    segment = [spans.c.s] if question.segmented else []
    changes = sa.union_all(
        sa.select(*segment, spans.c.b.label("b"), sa.func.count().label("n"))
        .group_by(*segment, spans.c.b),
        sa.select(*segment, spans.c.e, -sa.func.count()).group_by(*segment, spans.c.e),
    ).subquery("changes")  # fmt: skip
    segment = [changes.c.s] if question.segmented else []
    sums = sa.select(*segment, changes.c.b, sa.func.sum(changes.c.n).label("n"))
    daily = sums.group_by(*segment, changes.c.b).subquery("daily")
    segment = [daily.c.s] if question.segmented else []
    running = sa.func.sum(daily.c.n).over(partition_by=segment or None, order_by=daily.c.b)
    named_segment = [column.label("segment") for column in segment]
    return sa.select(daily.c.b.label("bucket"), *named_segment, running.label("value"))
