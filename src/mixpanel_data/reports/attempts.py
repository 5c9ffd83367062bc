"""Attempts at a funnel: where users enter it, and how far they come.

Everything is in microseconds. Of an attempt ``t0`` is the entry and ``t1`` … ``tn`` the events of
the steps, NULL for a step not reached. Definitions:
https://docs.mixpanel.com/docs/reports/funnels/funnels-advanced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from mixpanel_data._internal.schema import functions as fn

Expression = sa.ColumnElement[Any]

GRACE = 2_000_000  # "simultaneous" steps, …/docs/reports/funnels/funnels-faq
_NEVER = -(2**62)


@dataclass(frozen=True)
class Plan:
    """How events become attempts.

    The events have the columns *keys* (attempts of different keys are independent, and all their
    events have the same key), *splits* (attempts entered at different ones are independent), ``t``,
    ``starts`` (may enter the funnel), ``m1`` … ``mn`` (match a step), and as they are needed ``i``
    (insert_id), *held* (values equal at all steps), ``x…`` (match an exclusion) and the columns
    of *carried*.

    Attributes:
        steps: how many there are.
        window: the time from the entry to every later step; None for no limit.
        groups: the numbers of the steps that may come in any order, in the order of the groups.
        overlaps: for each step those before it that may match the same event.
        exclusions: for each step the columns of what ends the attempt on the way to it.
        carried: columns whose values at the events of these steps are wanted.
    """

    steps: int
    keys: tuple[str, ...]
    splits: tuple[str, ...]
    window: int | None
    groups: tuple[tuple[int, ...], ...]
    overlaps: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    exclusions: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    held: tuple[str, ...] = ()
    carried: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def unique(self) -> tuple[str, ...]:
        """The columns of which each has attempts of its own."""
        return (*self.keys, *self.splits)

    @property
    def any_order(self) -> bool:
        """Whether the first group has several steps."""
        return len(self.groups[0]) > 1

    def identified(self, step: int) -> bool:
        """Return whether the row of a step must be known, to keep later steps off it."""
        return step in self.overlaps or any(step in earlier for earlier in self.overlaps.values())


def steps_of_first(events: sa.FromClause, plan: Plan) -> list[sa.CTE]:
    """Return for each step the first attempts that reach it, as keys, t0, the last step's t and tk.

    Of each key one attempt, from its first entry. Only for steps in a specific order.
    """
    found = _start(events, plan).cte("_step_1")
    reached = [found]
    for step in range(2, plan.steps + 1):
        kept = {"t0", f"t{step - 1}", *plan.held}
        kept |= {f"i{other}" for other in range(1, step) if plan.identified(other)}
        further = _advance(found, events, plan, step, found.c[f"t{step - 1}"], kept, outer=False)
        found = further.cte(f"_step_{step}")
        reached.append(found)
    return reached


def first(events: sa.FromClause, plan: Plan) -> sa.CTE:
    """Return the first attempt of each key, with all its steps."""
    return _chain(_start(events, plan), events, plan).cte("_attempts")


def of_all_entries(events: sa.FromClause, plan: Plan) -> sa.CTE:
    """Return an attempt from every instant at which a key may enter."""
    return _chain(_start(events, plan, each=True), events, plan, each=True).cte("_attempts")


def successive(events: sa.FromClause, plan: Plan) -> sa.CTE:
    """Return all attempts of each key: the next enters strictly later than the last was left.

    An attempt is left by conversion (with its latest event), by an exclusion, or by the end of the
    window. Each round of the recursion makes one attempt of every key.
    """
    keys = [events.c[key] for key in plan.unique]
    never = sa.literal(_NEVER, sa.BigInteger).label("closed")
    blank = _chain(_start(events, plan), events, plan).subquery()
    names = [column.name for column in blank.c if column.name not in plan.unique]
    nothing = [sa.cast(sa.null(), blank.c[name].type).label(name) for name in names]
    begin = sa.select(*keys, never, *nothing).where(events.c.starts).distinct()
    rounds = begin.cte("_attempts", recursive=True)
    tried = _chain(_start(events, plan, after=rounds), events, plan).subquery("tried")
    mine = [tried.c[key] for key in plan.unique]
    step = sa.select(*mine, closing(tried, plan), *(tried.c[name] for name in names))
    rounds = rounds.union_all(step)
    kept = [column for column in rounds.c if column.name != "closed"]
    return sa.select(*kept).where(rounds.c.t0.is_not(None)).cte("_entered")


def positions(attempts: sa.FromClause, plan: Plan) -> list[Expression]:
    """Return when the first, second … of the steps was done: within a group in their order."""
    found: list[Expression] = []
    for group in plan.groups:
        times = [attempts.c[f"t{step}"] for step in group]
        if len(times) == 1:
            found += times
        else:
            found += [fn.nth_least(sa.literal(n), *times) for n in range(1, len(times) + 1)]
    return found


def _start(
    events: sa.FromClause, plan: Plan, *, after: sa.FromClause | None = None, each: bool = False
) -> sa.Select[Any]:
    keys = [events.c[key] for key in plan.unique]
    order = (events.c.t, events.c.i) if "i" in events.c else ()
    columns: list[Expression] = [sa.func.min(events.c.t).label("t0")]
    columns += [fn.arg_min(events.c[name], *order).label(name) for name in plan.held]
    if not plan.any_order:
        columns.append(sa.func.min(events.c.t).label("t1"))
        columns += _of_row(events, plan, 1, order)
    rows = sa.select(*keys, *columns).group_by(*keys)
    if each:
        rows = rows.group_by(events.c.t)
    if after is None:
        return rows.where(events.c.starts)
    same = [events.c[key] == after.c[key] for key in plan.unique]
    return rows.join_from(
        after, events, sa.and_(*same, events.c.starts, events.c.t > after.c.closed)
    )


def _of_row(
    events: sa.FromClause,
    plan: Plan,
    step: int,
    order: Sequence[Expression],
    where: Expression | None = None,
) -> list[Expression]:
    wanted = ["i"] if plan.identified(step) else []
    wanted += [name for name, steps in plan.carried.items() if step in steps]
    return [
        fn.arg_min(events.c[name], *order, where=where).label(f"{name}{step}") for name in wanted
    ]


def _chain(
    start: sa.Select[Any], events: sa.FromClause, plan: Plan, *, each: bool = False
) -> sa.Select[Any]:
    """Return attempts with all steps: a left join for each, so that those left behind stay."""
    found: sa.FromClause = start.subquery("step_1" if not plan.any_order else "step_0")
    before: Expression = found.c.t0
    for number, group in enumerate(plan.groups):
        for step in group:
            if f"t{step}" in found.c:
                continue
            grace = GRACE if number else 0
            further = _advance(
                found, events, plan, step, before, None, outer=True, each=each, grace=grace
            )
            found = further.subquery(f"step_{step}")
            # The group counts from the same moment for all its steps.
            before = _end(found, plan.groups[number - 1]) if number else found.c.t0
        before = _end(found, group)
    return sa.select(*found.c)


def _end(found: sa.FromClause, group: Sequence[int]) -> Expression:
    times = [found.c[f"t{step}"] for step in group]
    if len(times) == 1:
        return times[0]
    complete = sa.and_(*(time.is_not(None) for time in times))
    return sa.case((complete, sa.func.greatest(*times)))


def _advance(
    found: sa.FromClause,
    events: sa.FromClause,
    plan: Plan,
    step: int,
    before: Expression,
    kept: set[str] | None,
    *,
    outer: bool,
    each: bool = False,
    grace: int = GRACE,
) -> sa.Select[Any]:
    """Return the attempts with one more step: its earliest event after the step before.

    Both sides have the grace: a step may come that long before its predecessor, and an exclusion
    must lie farther than that from the steps around it.
    """
    same = [events.c[key] == found.c[key] for key in plan.keys]
    if plan.window is not None:
        same.append(events.c.t <= found.c.t0 + _us(plan.window))
    unique = [*plan.unique, *(["t0"] if each else [])]
    keys = [found.c[key] for key in unique]
    names = [c.name for c in found.c if c.name not in unique and (kept is None or c.name in kept)]
    carried = [sa.func.min(found.c[name]).label(name) for name in names]
    order = (events.c.t, events.c.i) if "i" in events.c else ()
    matches = sa.and_(events.c.t >= before - _us(grace), *_matches(found, events, plan, step))
    if step not in plan.exclusions:
        time = sa.func.min(events.c.t).label(f"t{step}")
        rows = sa.select(*keys, *carried, time, *_of_row(events, plan, step, order))
        on = sa.and_(*same, matches)
        return rows.join_from(found, events, on, isouter=outer).group_by(*keys)
    excluded = sa.or_(*(events.c[name] for name in plan.exclusions[step]))
    ends = sa.and_(excluded, events.c.t > before + _us(GRACE))
    time = sa.func.min(events.c.t).filter(matches).label("t")
    end = sa.func.min(events.c.t).filter(ends).label(f"x{step}")
    row = _of_row(events, plan, step, order, where=matches)
    on = sa.and_(*same, sa.or_(matches, ends))
    both = sa.select(*keys, *carried, time, end, *row)
    both = both.join_from(found, events, on, isouter=outer).group_by(*keys)
    return _unless_ended(both.subquery(f"tried_{step}"), step, outer=outer)


def _matches(
    found: sa.FromClause, events: sa.FromClause, plan: Plan, step: int
) -> list[Expression]:
    """Return what an event must be for a step, whenever it was."""
    match = [events.c[f"m{step}"], *(events.c[name] == found.c[name] for name in plan.held)]
    for other in plan.overlaps.get(step, ()):
        taken = found.c[f"i{other}"]
        match.append(sa.or_(taken.is_(None), events.c.i != taken))
    return match


def _unless_ended(tried: sa.Subquery, step: int, *, outer: bool) -> sa.Select[Any]:
    """Return the attempts whose step was before what would have ended them."""
    end = tried.c[f"x{step}"]
    in_time = sa.or_(end.is_(None), end >= tried.c.t - _us(GRACE))
    others = [column for column in tried.c if column.name != "t"]
    result = sa.select(*others, sa.case((in_time, tried.c.t)).label(f"t{step}"))
    return result if outer else result.where(tried.c.t.is_not(None), in_time)


def closing(tried: sa.FromClause, plan: Plan) -> sa.Label[Any]:
    """Return when an attempt was left, as ``closed``."""
    times = [tried.c[f"t{step}"] for step in range(1, plan.steps + 1)]
    converted = sa.and_(*(time.is_not(None) for time in times))
    cases = [(converted, sa.func.greatest(*times) if len(times) > 1 else times[0])]
    for step in plan.exclusions:
        way = sa.and_(tried.c[f"t{step - 1}"].is_not(None), tried.c[f"t{step}"].is_(None))
        end = tried.c[f"x{step}"]
        cases.append((sa.and_(way, end.is_not(None)), end))
    assert plan.window is not None
    return sa.case(*cases, else_=tried.c.t0 + _us(plan.window)).label("closed")


def _us(microseconds: int) -> Expression:
    return sa.literal(microseconds, sa.BigInteger)
