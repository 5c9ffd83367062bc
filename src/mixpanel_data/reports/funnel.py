"""Funnels: how many users take steps one after another, within a window.

Definitions: https://docs.mixpanel.com/docs/reports/funnels/funnels-advanced.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from mixpanel_data.reports import attempts, expressions, linked, measures, values
from mixpanel_data.reports.attempts import GRACE, Plan
from mixpanel_data.reports.funnel_question import (
    WINDOW,
    Attribution,
    Count,
    Exclusion,
    Order,
    Question,
    Reentry,
    Step,
)
from mixpanel_data.reports.sessions import Sessions, numbered
from mixpanel_data.reports.source import UNDEFINED, By, Source, Where, names_of
from mixpanel_data.reports.times import Bucket, Day, Period

Expression = sa.ColumnElement[Any]

_SECOND = 1_000_000.0


def select(
    table: sa.FromClause | Source,
    steps: Sequence[str | Step],
    *,
    from_date: Day,
    to_date: Day,
    window: timedelta = WINDOW,
    count: Count = "uniques",
    order: Order = "specific",
    exclusions: Sequence[str | Exclusion] = (),
    holding_constant: Sequence[str] = (),
    reentry: Reentry = "default",
    on: By | None = None,
    attribution: Attribution = "first",
    where: Where = None,
    unit: Bucket | None = None,
    limit: int = 200,
) -> sa.Select[Any]:
    """Return a select of [bucket,] [segment,] step, count, avg_time, avg_time_from_start.

    Times are seconds. Parameters as ``Reports.funnel``.
    """
    source = Source.of(table)
    question = Question.of(
        Period.of(from_date, to_date, source.zone), steps, window, count, order, exclusions,
        holding_constant, reentry, on, attribution, where, unit, limit,
    )  # fmt: skip
    return statement(source, question)


def busiest(source: Source, question: Question) -> sa.Select[Any] | None:
    """Return a select of how often the busiest user enters, where ``statement`` depends on it."""
    events, plan = _events(source, question)
    if not question.successive or not linked.suits(plan):
        return None
    entries = sa.select(sa.func.count().label("n")).where(events.c.starts).group_by(events.c.u)
    return sa.select(sa.func.max(entries.subquery("entries").c.n))


def statement(
    source: Source, question: Question, *, most: int = 0, many: int = 0
) -> sa.Select[Any]:
    """Return the select of a checked question.

    With *most*, the entries of the busiest user, one that is also fast where a user enters the
    funnel more than *many* times.
    """
    events, plan = _events(source, question)
    found: sa.FromClause
    if question.simple:
        return _summary(attempts.steps_of_first(events, plan))
    if question.reentry == "optimized":
        found = attempts.of_all_entries(events, plan)
    elif question.successive and most > many and linked.suits(plan):
        found = linked.of_frequent_users(events, plan, many)
    elif question.successive:
        found = attempts.successive(events, plan)
    else:
        found = attempts.first(events, plan)
    found = _finished(found, plan, question)
    places = attempts.positions(found, plan)
    times = [(place, places[max(number - 1, 0)], found.c.t0) for number, place in enumerate(places)]
    return _in_order(_summary_of(found, times))


def _summary(reached: Sequence[sa.FromClause]) -> sa.Select[Any]:
    """Return the summary of steps, of each of which there are the attempts that reach it."""
    parts = []
    for step, found in enumerate(reached, 1):
        times = found.c[f"t{step}"], found.c[f"t{max(step - 1, 1)}"], found.c.t0
        part = sa.select(*_keys(found), sa.literal(step).label("step"), *_measures(step, *times))
        parts.append(part.select_from(found).group_by(*(key.element for key in _keys(found))))
    return _in_order(sa.union_all(*parts) if len(parts) > 1 else parts[0])


def _summary_of(
    found: sa.FromClause, times: Sequence[tuple[Expression, Expression, Expression]]
) -> sa.Select[Any]:
    """Return the summary of attempts, which are read once; *times* are those of each step."""
    keys, numbers = _keys(found), list(enumerate(times, 1))
    every = [(step, _measures(step, *moments)) for step, moments in numbers]
    columns = [value.label(f"{value.name}_{step}") for step, values in every for value in values]
    whole = sa.select(*keys, *columns).select_from(found)
    one = whole.group_by(*(key.element for key in keys)).subquery("summary")
    steps = sa.union_all(*(sa.select(sa.literal(step).label("step")) for step, _ in every))
    each = steps.subquery("each_step")

    def of_step(name: str) -> Expression:
        return sa.case(*((each.c.step == step, one.c[f"{name}_{step}"]) for step, _ in every))

    measures_ = [of_step(value.name).label(value.name) for value in every[0][1]]
    wanted = [*(one.c[key.name] for key in keys), each.c.step, *measures_]
    return sa.select(*wanted).join_from(one, each, sa.true())


def _keys(found: sa.FromClause) -> list[sa.Label[Any]]:
    names = {"bucket": "b", "segment": "s"}
    return [found.c[short].label(name) for name, short in names.items() if short in found.c]


def _measures(
    number: int, time: Expression, before: Expression, entry: Expression
) -> list[sa.Label[Any]]:
    """Return the count and the mean times of a step."""
    columns: list[sa.Label[Any]] = [sa.func.count(time).label("count")]
    for name, since in (("avg_time", before), ("avg_time_from_start", entry)):
        spent = sa.case((time > since, time - since), (time.is_not(None), 0))
        value = sa.func.avg(spent) / _SECOND if number > 1 else sa.cast(sa.null(), sa.Double)
        columns.append(value.label(name))
    return columns


def _in_order(select: Any) -> sa.Select[Any]:
    rows = select.subquery("steps")
    return sa.select(*rows.c).order_by(*list(rows.c)[: len(rows.c) - 3])


def _finished(found: sa.FromClause, plan: Plan, question: Question) -> sa.FromClause:
    """Return the attempts that count, each with its segment ``s``."""
    filtered = question.where is not None
    if question.on is not None:
        value = _attributed(found, plan, question, "v")
        rows = sa.select(*found.c, sa.func.coalesce(value, UNDEFINED).label("s")).cte(
            "_broken_down"
        )
        users = question.count == "uniques"
        weight = sa.func.count(rows.c.u.distinct()) if users else sa.func.count()
        found = measures.labelled(rows, weight, question.limit).cte("_segmented")
    if question.count == "uniques" and (question.on is not None or question.reentry != "default"):
        found = _of_users(found, plan, question)
    if filtered:
        passes = _attributed(found, plan, question, "w")
        if isinstance(question.attribution, str):
            passes = sa.func.coalesce(passes, found.c.z1)
        found = sa.select(*found.c).where(passes).cte("_filtered")
    return found


def _of_users(found: sa.FromClause, plan: Plan, question: Question) -> sa.CTE:
    """Keep one attempt of each user and segment: the first, or with optimized re-entry the best."""
    order: list[Expression] = [found.c.t0]
    if question.reentry == "optimized":
        times = [found.c[f"t{step}"] for step in range(1, plan.steps + 1)]
        reached = sum((sa.case((time.is_not(None), 1), else_=0) for time in times), sa.literal(0))
        end = sa.func.greatest(*(sa.func.coalesce(time, found.c.t0) for time in times))
        order = [reached.desc(), end, found.c.t0.desc()]
    keys = [found.c[key] for key in ("u", "b", "s") if key in found.c]
    number = sa.func.row_number().over(partition_by=keys, order_by=order)
    ranked = sa.select(*found.c, number.label("rank")).subquery("ranked")
    kept = [column for column in ranked.c if column.name != "rank"]
    return sa.select(*kept).where(ranked.c.rank == 1).cte("_of_users")


def _attributed(found: sa.FromClause, plan: Plan, question: Question, name: str) -> Expression:
    """Return a value at the event of a step, or at the first or last that has it."""

    def at(step: int) -> Expression:
        return sa.case((found.c[f"t{step}"].is_not(None), found.c[f"{name}{step}"]))

    if not isinstance(question.attribution, str):
        return at(question.attribution)
    steps = range(1, plan.steps + 1)
    ordered = steps if question.attribution == "first" else reversed(steps)
    values_ = [at(step) for step in ordered]
    return sa.func.coalesce(*values_) if len(values_) > 1 else values_[0]


def _events(source: Source, question: Question) -> tuple[sa.CTE, Plan]:
    """Return the events of the steps and exclusions, and how they become attempts."""
    period, groups, numbers = question.period, question.groups, range(1, len(question.steps) + 1)
    columns, held = _held(source, question)
    known = [column.is_not(None) for column in held]
    tests = [source.matching(step.event, step.where) for step in question.steps]
    entry = sa.and_(
        sa.or_(*(tests[step - 1] for step in groups[0])), *source.during(period), *known
    )
    columns.append(_flag(entry).label("starts"))
    columns += [_flag(sa.and_(test, *known)).label(f"m{n}") for n, test in zip(numbers, tests)]
    ends = [source.matching(item.event, item.where) for item in question.exclusions]
    columns += [_flag(end).label(f"x_{number}") for number, end in enumerate(ends)]
    if question.unit is not None:
        columns.append(source.bucket(question.unit, period).label("b"))
    carried = _carried(source, question)
    columns += [value.label(name) for name, (value, _) in carried.items()]
    overlaps = question.overlaps
    if overlaps or carried or held:
        columns.append(source.row.label("i"))
    key = ("h_" + str(question.holding.index(str(question.on))),) if question.held_by_key else ()
    session = ("d", "k") if question.count == "sessions" else ()
    plan = Plan(
        steps=len(question.steps),
        keys=("u", *session, *key),
        splits=() if question.unit is None else ("b",),
        window=None if session else question.window // timedelta(microseconds=1),
        groups=groups,
        overlaps=overlaps,
        exclusions=question.ending,
        held=tuple(c.name for c in columns if c.name.startswith("h_") and c.name not in key),
        carried={name: steps for name, (_, steps) in carried.items()},
    )
    return _read(source, question, columns, [*tests, *ends]), plan


def _read(
    source: Source, question: Question, columns: list[Any], tests: list[Expression]
) -> sa.CTE:
    period = question.period
    if question.count == "sessions":
        rows, _ = numbered(source, period, Sessions(), *columns)
        flags = [c for c in rows.c if c.name.startswith(("m", "x_"))]
        return sa.select(*rows.c).where(sa.or_(*flags)).cte("_events")
    backwards = timedelta(microseconds=GRACE) * (len(question.steps) - 1)
    where = source.within(period.start - backwards, period.end + question.window)
    asked: list[Step | Exclusion] = [*question.steps, *question.exclusions]
    names = [names_of(item.event) for item in asked]
    if None not in names:
        where.append(source.named([name for some in names for name in some or ()]))
    if None in names or any(item.where is not None for item in asked):
        where.append(sa.or_(*tests))
    identified = [source.user.label("u"), source.instant.label("t"), *columns]
    return source.select(*identified, where=[*where, source.has_user]).cte("_events")


def _held(source: Source, question: Question) -> tuple[list[Any], list[Expression]]:
    found = []
    for name in question.holding:
        key = values.key_of(source.value(name))
        found.append(sa.cast(sa.null(), sa.String) if key is None else key)
    return [key.label(f"h_{number}") for number, key in enumerate(found)], found


def _carried(source: Source, question: Question) -> dict[str, tuple[Expression, tuple[int, ...]]]:
    """Return the columns whose values at the steps decide: v (segment), w and z (filter)."""
    everywhere = tuple(range(1, len(question.steps) + 1))
    number = question.attribution
    steps = everywhere if isinstance(number, str) else (number,)
    found: dict[str, tuple[Expression, tuple[int, ...]]] = {}
    if question.on is not None:
        found["v"] = (source.segment(question.on), steps)
    if question.where is not None:
        passes = source.condition(question.where)
        found["w"] = (passes, steps)
        if isinstance(number, str):
            if isinstance(question.where, str):
                names = expressions.property_names(question.where)
                known = [source.property_value((name,)).defined for name in names]
                found["w"] = (sa.case((sa.and_(sa.true(), *known), passes)), steps)
            found["z"] = (_flag(passes), (1,))
    return found


def _flag(condition: Expression) -> Expression:
    return sa.func.coalesce(condition, sa.false())
