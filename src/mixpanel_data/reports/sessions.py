"""Sessions: how often users are there, and for how long.

Definitions: https://docs.mixpanel.com/docs/features/sessions. A session ends at its last event;
every session is split at midnight of the project's zone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from mixpanel_data._internal.schema import functions as fn
from mixpanel_data._internal.schema.properties import day_number, time_bucket
from mixpanel_data.reports import values
from mixpanel_data.reports.source import UNDEFINED, By, Events, Source, Where, names_of
from mixpanel_data.reports.times import Bucket, Day, Period, check_span, offsets

Expression = sa.ColumnElement[Any]

TIMEOUT = timedelta(minutes=30)
_SHORTEST, _LONGEST = timedelta(minutes=1), timedelta(hours=24)
_SECOND = 1_000_000.0


@dataclass(frozen=True)
class Sessions:
    """What a session is: a pause of more than *timeout*, two events, or a property's value."""

    timeout: timedelta = TIMEOUT
    start_event: Events = None
    end_event: Events = None
    session_property: str | None = None

    def __post_init__(self) -> None:
        by_event = self.start_event is not None or self.end_event is not None
        if by_event and self.session_property is not None:
            raise ValueError("Sessions are of events or of a property: give one of them.")
        if (by_event or self.session_property is not None) and self.timeout != TIMEOUT:
            raise ValueError("timeout is for sessions without start_event and session_property.")
        if by_event and (self.start_event is None or self.end_event is None):
            raise ValueError("Sessions of events need both start_event and end_event.")
        check_span("timeout", self.timeout, _SHORTEST, _LONGEST)
        if by_event and set(names_of(self.start_event) or ()) & set(names_of(self.end_event) or ()):
            raise ValueError("start_event and end_event must differ.")

    @property
    def by_event(self) -> bool:
        """Whether two events make a session."""
        return self.start_event is not None


def _clock(source: Source, period: Period | None) -> tuple[str, Any]:
    """Return the zone and, for a period, its offsets there."""
    zone = str(source.zone)
    return zone, None if period is None else offsets(period.zone, period.start, period.end)


def numbered(
    source: Source, period: Period | None, sessions: Sessions, *columns: Expression
) -> tuple[sa.Subquery, sa.CTE]:
    """Return every event of a session with ``u``, ``t``, ``d``, ``k`` and *columns*; and the users.

    ``u`` is the number of a user, whose name the users give by ``id``. (u, d, k) is one session; d
    is its day. All events of one instant are in one session, unless they start or end sessions of
    events.
    """
    where, wanted = _wanted(source, period, sessions)
    events, users = source.by_number(*wanted, *columns, where=where)
    rows = sa.select(
        events.c.id.label("u"),
        day_number(events.c.t, *_clock(source, period)).label("d"),
        *(column for column in events.c if column.name != "id"),
    ).subquery("dated")
    if sessions.by_event:
        return _by_event(rows), users
    # Interleaved values at one instant are taken in the order of the values.
    order = [rows.c.t, *([rows.c.key] if "key" in rows.c else [])]
    what = rows.c[order[-1].name]
    before = sa.func.lag(what).over(partition_by=rows.c.u, order_by=order)
    day_before = sa.func.lag(rows.c.d).over(partition_by=rows.c.u, order_by=order)
    changed = before != what
    if sessions.session_property is None:
        changed = what - before > _microseconds(sessions.timeout)
    changes = [before.is_(None), day_before != rows.c.d, changed]
    marked = sa.select(*rows.c, sa.case((sa.or_(*changes), 1), else_=0).label("new"))
    marks = marked.subquery("marks")
    # The default frame takes all events of the instant (and value) together.
    order = [marks.c[column.name] for column in order]
    k = sa.func.sum(marks.c.new).over(partition_by=marks.c.u, order_by=order).label("k")
    kept = [column for column in marks.c if column.name not in ("new", "key")]
    return sa.select(*kept, k).subquery("numbered"), users


def _wanted(
    source: Source, period: Period | None, sessions: Sessions
) -> tuple[list[Expression], list[Expression]]:
    """Return which events sessions are made of, and the columns that this takes."""
    where = [source.any_event, source.has_user]
    if period is not None:
        where += source.during(period)
    if sessions.by_event:
        starts, ends = source.named(sessions.start_event), source.named(sessions.end_event)
        where[0] = sa.or_(where[0], starts, ends)
        return where, [starts.label("starts"), ends.label("ends")]
    if sessions.session_property is not None:
        key = values.key_of(source.value(sessions.session_property))
        assert key is not None
        return [*where, key.is_not(None)], [key.label("key")]
    return where, []


def _by_event(rows: sa.Subquery) -> sa.Subquery:
    """Return the events, numbered by the end events before them.

    A session goes from the first start to the next end.

    At one instant an end comes before a start, and all other events before it.
    """
    mine = [rows.c.u, rows.c.d]
    one = sa.case((rows.c.ends, 1), else_=0)
    until = sa.func.sum(one).over(partition_by=mine, order_by=rows.c.t)
    at = sa.func.sum(one).over(partition_by=[*mine, rows.c.t])
    k = sa.case((rows.c.starts, until), else_=until - at)
    groups = sa.select(*rows.c, k.label("k")).subquery("groups")
    key = [groups.c.u, groups.c.d, groups.c.k]
    first = sa.func.min(sa.case((groups.c.starts, groups.c.t))).over(partition_by=key)
    marked = sa.select(*groups.c, first.label("first")).subquery("marks")
    kept = [column for column in marked.c if column.name not in ("starts", "first")]
    return sa.select(*kept).where(marked.c.t >= marked.c.first).subquery("numbered")


def each(
    source: Source,
    period: Period | None,
    sessions: Sessions,
    on: By | None = None,
    where: Where = None,
) -> sa.Subquery:
    """Return one row a session: u, first, last (microseconds), seconds, events, segment.

    With *where*, only the sessions with an event that passes. The segment is the first defined
    value of *on* in the session; of several at that instant, that of the least insert_id.
    """
    timeouts = not sessions.by_event and sessions.session_property is None
    if timeouts and on is None and where is None:
        return _by_timeout(source, period, sessions)
    columns: list[Expression] = []
    if where is not None:
        columns.append(sa.func.coalesce(source.condition(where), sa.false()).label("hit"))
    if on is not None:
        columns += [source.segment(on).label("s"), source.row.label("i")]
    rows, users = numbered(source, period, sessions, *columns)
    first, last = sa.func.min(rows.c.t), sa.func.max(rows.c.t)
    seconds = (last - first) / _SECOND
    if sessions.by_event:
        seconds = sa.case((sa.func.max(sa.case((rows.c.ends, 1), else_=0)) == 1, seconds))
    wanted = [rows.c.u, first.label("first"), last.label("last"), seconds.label("seconds")]
    wanted.append(sa.func.count().label("events"))
    if on is not None:
        value = fn.arg_min(rows.c.s, rows.c.t, rows.c.i, where=rows.c.s.is_not(None))
        wanted.append(sa.func.coalesce(value, UNDEFINED).label("segment"))
    grouped = sa.select(*wanted).group_by(rows.c.u, rows.c.d, rows.c.k)
    if where is not None:
        grouped = grouped.having(sa.func.max(sa.case((rows.c.hit, 1), else_=0)) == 1)
    found = grouped.subquery("found")
    others = [column for column in found.c if column.name != "u"]
    result = sa.select(users.c.u, *others).join_from(found, users, users.c.id == found.c.u)
    return result.subquery("sessions")


def _by_timeout(source: Source, period: Period | None, sessions: Sessions) -> sa.Subquery:
    """Return the sessions from their first events alone: each ends where the next one begins.

    Sorting is most of the work. So users are numbered, which sorts faster than their names, and
    events that no session can come between are one row.
    """
    where, _ = _wanted(source, period, sessions)
    instant: Any = sa.column("t")
    totals = [sa.func.max(instant).label("last"), sa.func.count().label("events")]
    events, users = source.by_number(where=where, totals=totals)
    starts = _starts(events, _clock(source, period), _microseconds(sessions.timeout))

    def following(column: Any) -> Any:
        return sa.func.lead(column).over(partition_by=starts.c.id, order_by=starts.c.t)

    pairs = sa.select(
        *(starts.c[name] for name in ("id", "t", "earlier")),
        following(starts.c.before).label("end"),
        following(starts.c.earlier).label("until"),
    ).subquery("pairs")
    end = sa.func.coalesce(pairs.c.end, users.c.last)
    until = sa.func.coalesce(pairs.c.until, users.c.events)
    return (
        sa.select(
            users.c.u,
            pairs.c.t.label("first"),
            end.label("last"),
            ((end - pairs.c.t) / _SECOND).label("seconds"),
            (until - pairs.c.earlier).label("events"),
        )
        .join_from(pairs, users, users.c.id == pairs.c.id)
        .subquery("sessions")
    )


def _starts(events: sa.Subquery, clock: tuple[str, Any], timeout: Expression) -> sa.Subquery:
    """Return the first events of sessions: id, t, before (the event before), earlier (how many)."""
    instant = events.c.t
    # Within a day and one timeout of the clock there is neither midnight nor a pause.
    keys = [events.c.id, day_number(instant, *clock), fn.whole_quotient(instant, timeout)]
    columns = {"t": sa.func.min(instant), "last": sa.func.max(instant), "n": sa.func.count()}
    spans = sa.select(events.c.id, *(column.label(name) for name, column in columns.items()))
    span = spans.group_by(*keys).subquery("spans").c

    def by_time(function: Any) -> Any:
        return function.over(partition_by=span.id, order_by=span.t)

    before, until = by_time(sa.func.lag(span.last)), by_time(sa.func.sum(span.n))
    earlier = sa.cast(until, sa.BigInteger) - span.n
    around = sa.select(span.id, span.t, before.label("before"), earlier.label("earlier"))
    found = around.subquery("around")
    t, before = found.c.t, found.c.before
    midnight = day_number(before, *clock) != day_number(t, *clock)
    begins = sa.or_(before.is_(None), t - before > timeout, midnight)
    return sa.select(*found.c).where(begins).subquery("starts")


def rows(
    table: sa.FromClause | Source,
    from_date: Day | None = None,
    to_date: Day | None = None,
    sessions: Sessions | None = None,
    on: By | None = None,
    where: Where = None,
) -> sa.Select[Any]:
    """Return a select of one row a session: distinct_id, first, last, seconds, events.

    *first* and *last* are the times of its first and last event in UTC, *seconds* is between them,
    NULL for a session of events that midnight cut. With *on* also its segment. Without dates, of
    all events.
    """
    source = Source.of(table)
    if (from_date is None) != (to_date is None):
        raise ValueError("Give both from_date and to_date, or neither.")
    period = None
    if from_date is not None and to_date is not None:
        period = Period.of(from_date, to_date, source.zone)
    found = each(source, period, sessions or Sessions(), on, where)
    return sa.select(
        found.c.u.label("distinct_id"),
        fn.from_microseconds(found.c.first).label("first"),
        fn.from_microseconds(found.c.last).label("last"),
        found.c.seconds,
        found.c.events,
        *([found.c.segment] if on is not None else []),
    ).order_by("distinct_id", "first")


def select(
    table: sa.FromClause | Source,
    period: Period,
    unit: Bucket = "day",
    sessions: Sessions | None = None,
    on: By | None = None,
    where: Where = None,
    lengths: Sequence[int | None] = (),
) -> sa.Select[Any]:
    """Return a select of bucket, [segment,] sessions, users, events, average and median seconds.

    A session is in the bucket of its first event. Buckets without a session have no row. Then the
    sessions of each of *lengths*: from so many seconds to the next, None for those of one event.
    """
    source = Source.of(table)
    found = each(source, period, sessions or Sessions(), on, where)
    bucket: Expression = sa.literal(period.first, sa.Date)
    if unit != "total":
        first = fn.from_microseconds(found.c.first)
        bucket = time_bucket(first, unit, *_clock(source, period))
    dated = sa.select(bucket.label("bucket"), *found.c).subquery("dated")
    keys = [dated.c.bucket, *([dated.c.segment] if on is not None else [])]
    return (
        sa.select(
            *keys,
            sa.func.count().label("sessions"),
            sa.func.count(dated.c.u.distinct()).label("users"),
            sa.func.sum(dated.c.events).label("events"),
            sa.func.avg(dated.c.seconds).label("average_duration"),
            fn.quantile(dated.c.seconds, sa.literal(0.5)).label("median_duration"),
            *_lengths(dated, lengths),
        )
        .group_by(*keys)
        .order_by(*keys)
    )


def _lengths(dated: sa.Subquery, lengths: Sequence[int | None]) -> Iterator[Expression]:
    single = dated.c.events == 1
    for number, least in enumerate(lengths):
        inside = single
        if least is not None:
            inside = sa.and_(sa.not_(single), dated.c.seconds >= least)
            if number + 1 < len(lengths):
                inside = sa.and_(inside, dated.c.seconds < lengths[number + 1])
        yield sa.func.count(sa.case((inside, 1))).label(f"length_{number}")


def _microseconds(span: timedelta) -> Expression:
    return sa.literal(span // timedelta(microseconds=1), sa.BigInteger)
