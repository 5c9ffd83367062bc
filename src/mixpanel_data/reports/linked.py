"""Attempts of users who enter a funnel very often: linked, instead of one round for each.

A recursion that makes one attempt of every user a round costs about a millisecond a round, so one
user of ten thousand attempts would cost more than all others together. Here an attempt is made from
every entry at once, each points to the entry after it, and only those that follow from the first
are kept. Pointers of 64 steps make that 64 times fewer rounds. Where a recursion costs more than
that, the entries of a user are gone through in their order.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from mixpanel_data._internal.schema import functions as fn
from mixpanel_data.reports.attempts import GRACE, Plan, closing, successive

Expression = sa.ColumnElement[Any]

MANY = 1024  # entries of a user; for fewer, rounds cost less than the sorting here
_JUMPS = 6  # pointers of 2**6 steps


def suits(plan: Plan) -> bool:
    """Return whether attempts can be linked: the next event of a step depends on the time alone."""
    one_each = all(len(group) == 1 for group in plan.groups)
    return one_each and not plan.overlaps and not plan.held and plan.window is not None


def of_frequent_users(events: sa.CTE, plan: Plan, many: int) -> sa.CTE:
    """Return the attempts of ``successive``, by links those of users of more than *many* entries.

    With 0 all are found without a recursion.
    """
    if not many:
        return _chained(_tried(events, plan), plan)
    # Read three times, as a CTE of all events would be held in memory beside that of the others.
    assert isinstance(events.element, sa.SelectBase)
    found = events.element.subquery("found")
    entries = sa.select(found.c.u).where(found.c.starts).group_by(found.c.u)
    frequent = entries.having(sa.func.count() > many).cte("_frequent")
    names = sa.select(frequent.c.u)
    rest = sa.select(*found.c).where(found.c.u.not_in(names)).cte("_events_of_others")
    theirs = sa.select(*found.c).where(found.c.u.in_(names)).cte("_events_of_frequent")
    rounds = successive(rest, plan)
    links = _followed(_tried(theirs, plan), plan)
    columns = [column.name for column in rounds.c]
    both = sa.union_all(sa.select(*rounds.c), sa.select(*(links.c[name] for name in columns)))
    return both.cte("_all_attempts")


def _tried(events: sa.FromClause, plan: Plan) -> sa.CTE:
    """Return the attempt of every entry, and when it is ``closed``."""
    moments = _moments(events, plan)
    keys = [moments.c[name] for name in plan.unique]
    first = [moments.c[f"{name}1"] for name, steps in plan.carried.items() if 1 in steps]
    start = sa.select(*keys, moments.c.t.label("t0"), moments.c.t.label("t1"), *first)
    found: sa.FromClause = start.where(moments.c.starts).subquery("step_1")
    for step in range(2, plan.steps + 1):
        found = _further(found, moments, plan, step).subquery(f"step_{step}")
    return sa.select(*found.c, closing(found, plan)).cte("_tried")


def _moments(events: sa.FromClause, plan: Plan) -> sa.CTE:
    """Return for each key and instant the next event of every step, exclusion and value."""
    keys = [events.c[name] for name in plan.keys]
    columns: list[Expression] = []

    def following(condition: Expression, distance: int, name: str) -> None:
        time = sa.func.min(sa.case((condition, events.c.t)))
        # From the latest on the frame only grows, which not every engine is fast without.
        last_first = events.c.t.desc()
        frame = time.over(partition_by=keys, order_by=last_first, range_=(None, -distance))
        columns.append(frame.label(name))

    for step in range(2, plan.steps + 1):
        following(events.c[f"m{step}"], -GRACE, f"n{step}")
        if step in plan.exclusions:
            ends = sa.or_(*(events.c[name] for name in plan.exclusions[step]))
            following(ends, GRACE + 1, f"x{step}")
    seen = sa.select(*events.c, *columns).subquery("seen")
    by = [seen.c[name] for name in (*plan.unique, "t")]
    wanted = [sa.func.max(sa.case((seen.c.starts, 1), else_=0)).label("entry")]
    wanted += [sa.func.min(seen.c[column.name]).label(column.name) for column in columns]
    wanted += [
        fn.arg_min(seen.c[name], seen.c.i, where=seen.c[f"m{step}"]).label(f"{name}{step}")
        for name, steps in plan.carried.items()
        for step in steps
    ]
    rows = sa.select(*by, *wanted).group_by(*by).subquery("by_moment")
    others = [column for column in rows.c if column.name != "entry"]
    return sa.select(*others, (rows.c.entry == 1).label("starts")).cte("_moments")


def _further(found: sa.FromClause, moments: sa.CTE, plan: Plan, step: int) -> sa.Select[Any]:
    """Return the attempts with one more step, looked up at the step before."""
    assert plan.window is not None
    at = moments.alias(f"before_{step}")
    same = [at.c[name] == found.c[name] for name in plan.keys]
    end = found.c.t0 + sa.literal(plan.window, sa.BigInteger)
    time = sa.case((at.c[f"n{step}"] <= end, at.c[f"n{step}"]))
    columns = [*found.c, time.label("t")]
    if step in plan.exclusions:
        columns.append(sa.case((at.c[f"x{step}"] <= end, at.c[f"x{step}"])).label(f"x{step}"))
    join = sa.and_(*same, at.c.t == found.c[f"t{step - 1}"])
    rows = sa.select(*columns).select_from(found.outerjoin(at, join)).subquery(f"next_{step}")
    reached: Expression = rows.c.t
    if step in plan.exclusions:
        ended = rows.c[f"x{step}"]
        in_time = sa.or_(ended.is_(None), ended >= rows.c.t - sa.literal(GRACE, sa.BigInteger))
        reached = sa.case((in_time, rows.c.t))
    others = [column for column in rows.c if column.name != "t"]
    values = [name for name, steps in plan.carried.items() if step in steps]
    if not values:
        return sa.select(*others, reached.label(f"t{step}"))
    there = moments.alias(f"at_{step}")
    on = sa.and_(*(there.c[n] == rows.c[n] for n in plan.keys), there.c.t == rows.c.t)
    carried = [there.c[f"{name}{step}"] for name in values]
    joined = rows.outerjoin(there, on)
    return sa.select(*others, reached.label(f"t{step}"), *carried).select_from(joined)


def _followed(tried: sa.CTE, plan: Plan) -> sa.CTE:
    """Return the attempts that follow one another from the first of each key."""
    pointers = [_pointers(tried, plan)]
    for number in range(_JUMPS):
        here, there = pointers[-1], pointers[-1].alias(f"then_{number}")
        on = sa.and_(*(here.c[k] == there.c[k] for k in plan.unique), there.c.t == here.c.after)
        keys = [here.c[k] for k in plan.unique]
        jump = sa.select(*keys, here.c.t, there.c.after).select_from(here.outerjoin(there, on))
        pointers.append(jump.cte(f"_jumps_{number + 1}"))
    keys = [tried.c[k] for k in plan.unique]
    begin = sa.select(*keys, sa.func.min(tried.c.t0).label("t")).group_by(*keys)
    chosen: sa.CTE = begin.cte("_landed", recursive=True)
    chosen = chosen.union_all(_landed(chosen, pointers[-1], plan))
    for number, jumps in reversed(list(enumerate(pointers[:-1]))):
        own = sa.select(*chosen.c)
        chosen = sa.union_all(own, _landed(chosen, jumps, plan)).cte(f"_chosen_{number}")
    on = sa.and_(*(chosen.c[k] == tried.c[k] for k in plan.unique), chosen.c.t == tried.c.t0)
    return sa.select(*tried.c).join_from(chosen, tried, on).cte("_linked")


def _landed(chosen: sa.CTE, jumps: sa.CTE, plan: Plan) -> sa.Select[Any]:
    on = sa.and_(*(chosen.c[k] == jumps.c[k] for k in plan.unique), jumps.c.t == chosen.c.t)
    keys = [jumps.c[k] for k in plan.unique]
    rows = sa.select(*keys, jumps.c.after.label("t")).join_from(chosen, jumps, on)
    return rows.where(jumps.c.after.is_not(None))


def _pointers(tried: sa.CTE, plan: Plan) -> sa.CTE:
    """Return for each entry the first one later than its attempt was left, as ``after``."""
    keys = [tried.c[k] for k in plan.unique]
    entries = sa.select(*keys, tried.c.t0.label("t"), tried.c.t0.label("entry"))
    closings = sa.select(*keys, tried.c.closed, sa.cast(sa.null(), sa.BigInteger))
    points = sa.union_all(entries, closings).subquery("points")
    mine = [points.c[k] for k in plan.unique]
    later = sa.func.min(points.c.entry).over(
        partition_by=mine, order_by=points.c.t, range_=(1, None)
    )
    found = sa.select(*mine, points.c.t, later.label("after")).distinct().subquery("later")
    on = sa.and_(*(found.c[k] == tried.c[k] for k in plan.unique), found.c.t == tried.c.closed)
    return (
        sa.select(*keys, tried.c.t0.label("t"), found.c.after)
        .join_from(tried, found, on)
        .cte("_jumps_0")
    )


def _chained(tried: sa.CTE, plan: Plan) -> sa.CTE:
    """Return the same without a recursion, in one pass over the entries of each key."""
    keys = [tried.c[k] for k in plan.unique]
    chains = sa.select(*keys, fn.chain(tried.c.t0, tried.c.closed).label("starts")).group_by(*keys)
    chain = chains.subquery("chains")
    start = sa.type_coerce(fn.explode(chain.c.starts), sa.BigInteger).label("t")
    chosen = sa.select(*(chain.c[k] for k in plan.unique), start).subquery("chosen")
    on = sa.and_(*(chosen.c[k] == tried.c[k] for k in plan.unique), chosen.c.t == tried.c.t0)
    return sa.select(*tried.c).join_from(chosen, tried, on).cte("_linked")
