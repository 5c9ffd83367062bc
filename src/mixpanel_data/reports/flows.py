"""Flows: what users do next to an event.

Definitions: https://docs.mixpanel.com/docs/reports/flows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

import sqlalchemy as sa

from mixpanel_data.reports.sessions import Sessions, numbered
from mixpanel_data.reports.source import Events, Source, Where, several
from mixpanel_data.reports.times import Day, Period, check_whole, check_window

Count = Literal["uniques", "totals", "sessions"]
Expression = sa.ColumnElement[Any]

WINDOW = timedelta(days=30)
OTHER_EVENTS = "Other events"
DROP_OFF = "Drop-off"
_MOST = 20  # steps


@dataclass(frozen=True)
class Question:
    """A flow, checked."""

    event: Events
    period: Period
    forward: int
    reverse: int
    cardinality: int
    count: Count
    window: timedelta
    hidden: tuple[str, ...]
    collapse: bool
    where: Where

    def __post_init__(self) -> None:
        if self.count not in ("uniques", "totals", "sessions"):
            raise ValueError(f"count must be uniques, totals or sessions, not {self.count!r}.")
        check_whole("forward", self.forward, 0)
        check_whole("reverse", self.reverse, 0)
        if not 0 < self.forward + self.reverse <= _MOST:
            raise ValueError(f"forward and reverse are 0 or more steps, together 1 to {_MOST}.")
        check_whole("cardinality", self.cardinality)
        check_window(self.window)


def select(
    table: sa.FromClause | Source,
    event: Events,
    *,
    from_date: Day,
    to_date: Day,
    forward: int = 3,
    reverse: int = 0,
    count: Count = "uniques",
    window: timedelta = WINDOW,
    hidden_events: Sequence[str] = (),
    collapse_repeated: bool = False,
    where: Where = None,
) -> sa.Select[Any]:
    """Return a select of step, event, next_event, count.

    A row counts the paths that go from an event at a step to the next event; NULL is no event.
    Step 0 is *event*, steps before it are negative. Parameters as ``Reports.flows``.
    """
    source = Source.of(table)
    period = Period.of(from_date, to_date, source.zone)
    hidden, collapse = several(hidden_events), collapse_repeated
    question = Question(event, period, forward, reverse, 1, count, window, hidden, collapse, where)
    return statement(source, question)


def statement(source: Source, question: Question) -> sa.Select[Any]:
    """Return the select of a checked question."""
    paths = _paths(source, question)
    parts = []
    for step in range(-question.reverse, question.forward):
        # Of an edge that leaves the shown path, the end towards the anchor is there.
        inner = paths.c[_name(step + 1 if step < 0 else step)]
        columns = [sa.literal(step).label("step"), paths.c[_name(step)].label("event")]
        columns += [paths.c[_name(step + 1)].label("next_event"), sa.func.count().label("count")]
        groups = [paths.c[_name(step)], paths.c[_name(step + 1)]]
        parts.append(sa.select(*columns).where(inner.is_not(None)).group_by(*groups))
    rows = (sa.union_all(*parts) if len(parts) > 1 else parts[0]).subquery("edges")
    return sa.select(*rows.c).order_by(rows.c.step, rows.c.event, rows.c.next_event)


def _name(step: int) -> str:
    return f"before_{-step}" if step < 0 else f"step_{step}"


def _paths(source: Source, question: Question) -> sa.CTE:
    """Return for each anchor the names of the events around it, NULL where there is none.

    Each anchor looks up the places before and after its own in the line of its user or session.
    """
    line = _line(source, question)
    keys = [line.c[name] for name in ("u", "d", "k") if name in line.c]
    anchors = sa.select(*keys, line.c.place, line.c.t).where(line.c.anchor)
    if question.count != "totals":
        place, t = sa.func.min(line.c.place).label("place"), sa.func.min(line.c.t).label("t")
        anchors = sa.select(*keys, place, t).where(line.c.anchor).group_by(*keys)
    found = anchors.cte("_anchors")
    steps = range(-question.reverse, question.forward + 1)
    wanted = sa.union_all(
        *(sa.select(*found.c, sa.literal(step).label("step")) for step in steps)
    ).subquery("wanted")
    same = [line.c[key.name] == wanted.c[key.name] for key in keys]
    same.append(line.c.place == wanted.c.place + wanted.c.step)
    if question.count != "sessions":
        window = sa.literal(question.window // timedelta(microseconds=1), sa.BigInteger)
        same.append(sa.func.abs(line.c.t - wanted.c.t) <= window)
    names = [
        sa.func.max(sa.case((wanted.c.step == step, line.c.n))).label(_name(step)) for step in steps
    ]
    mine = [*(wanted.c[key.name] for key in keys), wanted.c.place]
    paths = sa.select(*names).join_from(wanted, line, sa.and_(*same)).group_by(*mine)
    return paths.cte("_paths")


def _line(source: Source, question: Question) -> sa.CTE:
    """Return the events with their places in the line of their user or session.

    Events of one instant are in the order of their names, anchors first: what is the same in both
    may change places.
    """
    rows = _visible(source, question)
    keys = [rows.c[name] for name in ("u", "d", "k") if name in rows.c]
    order = (rows.c.t, rows.c.n, sa.case((rows.c.anchor, 0), else_=1))
    if question.collapse:
        before = sa.func.lag(rows.c.n).over(partition_by=keys, order_by=order)
        marked = sa.select(*rows.c, before.label("previous")).subquery("marked")
        changed = sa.or_(marked.c.previous.is_(None), marked.c.previous != marked.c.n)
        rows = sa.select(*marked.c).where(changed).subquery("collapsed")
        keys = [rows.c[key.name] for key in keys]
        order = (rows.c.t, rows.c.n, sa.case((rows.c.anchor, 0), else_=1))
    place = sa.func.row_number().over(partition_by=keys, order_by=order).label("place")
    return sa.select(*keys, rows.c.t, rows.c.n, rows.c.anchor, place).cte("_line")


def _visible(source: Source, question: Question) -> sa.Subquery:
    """Return the events that a path may show: u, t, n (name), anchor, [d, k (session)]."""
    period = question.period
    name = source.table.c.event_name
    hit = source.matching(question.event, question.where)
    inside = sa.and_(hit, *source.during(period))
    anchor = sa.func.coalesce(inside, sa.false())
    columns = [name.label("n"), anchor.label("anchor")]
    if question.count == "sessions":
        rows, _ = numbered(source, period, Sessions(), *columns)
    else:
        none, window = timedelta(0), question.window
        start = period.start - (window if question.reverse else none)
        end = period.end + (window if question.forward else none)
        # An event that was asked for is shown, whatever it is.
        where = [*source.within(start, end), sa.or_(source.any_event, hit), source.has_user]
        events, _ = source.by_number(*columns, where=where)
        others = [column for column in events.c if column.name != "id"]
        rows = sa.select(events.c.id.label("u"), *others).subquery("rows_by_number")
    if not question.hidden:
        return rows
    shown = sa.or_(rows.c.n.not_in(question.hidden), rows.c.anchor)
    return sa.select(*rows.c).where(shown).subquery("visible")


Node = tuple[int, str, int]
Edge = tuple[int, str, int, str, int]


def graph(rows: Iterable[Sequence[Any]], question: Question) -> tuple[list[Node], list[Edge], int]:
    """Return the nodes (step, event, count), the edges between them, and how many paths there are.

    Each step shows its *cardinality* commonest events, equal ones by name, and the rest as "Other
    events". A path without a further event ends in "Drop-off"; one without an earlier event has no
    edge there.
    """
    counted: dict[tuple[int, str], int] = {}
    edges: dict[tuple[int, str | None, str | None], int] = {}
    for step, event, following, count in rows:
        edges[step, event, following] = count
        # A node is counted at the edge that leads away from the anchor, the anchor itself once.
        outer = (step, event) if step < 0 else (step + 1, following)
        if outer[1] is not None:
            counted[outer[0], outer[1]] = counted.get((outer[0], outer[1]), 0) + count
        if step == (0 if question.forward else -1):
            anchor = event if step == 0 else following
            counted[0, str(anchor)] = counted.get((0, str(anchor)), 0) + count
    shown = _shown(counted, question)
    nodes: dict[tuple[int, str], int] = {}
    for (step, event), count in counted.items():
        key = (step, _label(shown, step, event))
        nodes[key] = nodes.get(key, 0) + count
    joined: dict[tuple[int, str, int, str], int] = {}
    for (step, event, following), count in edges.items():
        if event is None:
            continue
        target = DROP_OFF if following is None else _label(shown, step + 1, following)
        edge = (step, _label(shown, step, event), step + 1, target)
        joined[edge] = joined.get(edge, 0) + count
        if following is None:
            nodes[step + 1, DROP_OFF] = nodes.get((step + 1, DROP_OFF), 0) + count
    total = sum(count for (step, _), count in counted.items() if step == 0)
    ordered = sorted(((*key, count) for key, count in nodes.items()), key=_place)
    lines = sorted(
        ((*edge, count) for edge, count in joined.items()), key=lambda e: (e[0], -e[4], e)
    )
    return ordered, lines, total


def _shown(counted: dict[tuple[int, str], int], question: Question) -> dict[int, set[str]]:
    shown: dict[int, set[str]] = {}
    for step in range(-question.reverse, question.forward + 1):
        here = {event: count for (at, event), count in counted.items() if at == step}
        ranked = sorted(here, key=lambda event: (-here[event], event))
        # The anchors are what was asked for: all of them are shown.
        shown[step] = set(
            ranked if step == 0 and question.event else ranked[: question.cardinality]
        )
    return shown


def _label(shown: dict[int, set[str]], step: int, event: str) -> str:
    return event if event in shown[step] else OTHER_EVENTS


def _place(node: Node) -> tuple[Any, ...]:
    step, event, count = node
    return (step, event == DROP_OFF, event == OTHER_EVENTS, -count, event)
