"""Where the events of a report come from: a table, with its users resolved and its names read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.sql import coercions, roles, visitors
from sqlalchemy.sql.elements import Grouping

from mixpanel_data._internal.schema import facets
from mixpanel_data._internal.schema import functions as fn
from mixpanel_data._internal.schema.properties import event_value, time_bucket
from mixpanel_data._internal.schema.tables import over
from mixpanel_data.reports import expressions, values
from mixpanel_data.reports.identity import Identity, stored
from mixpanel_data.reports.times import Bucket, Period, offsets
from mixpanel_data.reports.values import Value

Events = str | Sequence[str] | None
Where = str | sa.ColumnElement[bool] | None
By = str | sa.ColumnElement[Any]
Expression = sa.ColumnElement[Any]

# https://docs.mixpanel.com/docs/features/sessions; the last two stand for a family each.
SERVICE_EVENTS = (
    *("$identify", "$create_alias", "$merge", "$hotshard_events", "$message_suppressed"),
    *("$unsubscribe", "$journey_entered"),
)
SERVICE_PREFIX = "$campaign_"
ALL_EVENTS = "All Events"
UNDEFINED = "undefined"
TIME = "$time"  # Mixpanel's own name in expressions of what exports have as "time"
OTHER = "$other"


def names_of(events: Events) -> tuple[str, ...] | None:
    """Return the event names of an argument; None for any event.

    Raises:
        ValueError: it is an empty sequence, or holds something else than text.
    """
    if events is None:
        return None
    names = several(events) if hasattr(events, "__iter__") else ()
    if not names or not all(isinstance(name, str) for name in names):
        raise ValueError(f"events must be a name, names, or None for any event, not {events!r}.")
    return names


def several(names: str | Iterable[str]) -> tuple[str, ...]:
    """Return different names; text is one name."""
    return (names,) if isinstance(names, str) else tuple(dict.fromkeys(names))


def label_of_events(events: Events) -> str:
    """Return the name of a choice of events in an answer."""
    names = names_of(events)
    return ALL_EVENTS if names is None else " or ".join(names)


@dataclass(frozen=True)
class Source:
    """The events of a table as reports see them.

    *zone* is the project's, *identity* says whose event an event is, *profiles* are the profiles
    to join by the resolved user, *excluded* the events that "any event" leaves out.
    """

    table: sa.FromClause
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    identity: Identity = field(default_factory=stored)
    profiles: sa.FromClause | None = None
    excluded: tuple[str, ...] = ()

    @classmethod
    def of(cls, table: sa.FromClause | Source) -> Source:
        """Return a table of events as a source in UTC, or the source itself."""
        return table if isinstance(table, Source) else cls(table)

    def renamed(self, **changes: Any) -> Source:
        """Return the source with other options."""
        return replace(self, **changes)

    @property
    def user(self) -> Expression:
        """Whose event it is."""
        return self.identity.user(self.table)

    @property
    def time(self) -> Expression:
        """When it was, in UTC."""
        return self.table.c.event_time

    @property
    def instant(self) -> Expression:
        """When it was, as microseconds since 1970-01-01 UTC."""
        return fn.microseconds(self.table.c.event_time)

    @property
    def row(self) -> Expression:
        """What tells two events of one instant apart, whatever order they are stored in."""
        return self.table.c.insert_id

    def select(self, *columns: Any, where: Sequence[Expression] = ()) -> sa.Select[Any]:
        """Return the innermost select: columns and conditions over the table itself."""
        source = self.identity.join(self.table)
        parts: list[sa.ClauseElement] = [*columns, *where]
        if self.profiles is not None and any(_mentions(part, self.profiles) for part in parts):
            of_user = self.profiles.c.distinct_id == self.user
            source = source.outerjoin(self.profiles, of_user)
        return sa.select(*columns).select_from(source).where(*where)

    def by_number(
        self, *columns: Expression, where: Sequence[Expression], totals: Sequence[Expression] = ()
    ) -> tuple[sa.Subquery, sa.CTE]:
        """Return events with numbered users, which sort and group faster than names.

        The events have ``id``, ``t`` (microseconds) and *columns*; the users ``id``, ``u`` and
        *totals*, aggregates over ``t`` of the events, by name.
        """
        u, t = self.user.label("u"), self.instant.label("t")
        found = self.select(u, t, where=where).subquery("of_users")
        each = sa.select(found.c.u, *totals).select_from(found).group_by(found.c.u).subquery("each")
        users = sa.select(*each.c, sa.func.row_number().over().label("id")).cte("_users")
        rows = self.select(u, t, *columns, where=where).subquery("rows")
        others = [column for column in rows.c if column.name != "u"]
        events = sa.select(users.c.id, *others).join_from(rows, users, users.c.u == rows.c.u)
        return events.subquery("events_of_users"), users

    def bucket(self, unit: Bucket, period: Period) -> Expression:
        """Return the bucket of an event: a DATE, for hours a TIMESTAMP of the wall clock."""
        if unit == "total":
            return sa.literal(period.first, sa.Date)
        steps = offsets(period.zone, period.start, period.end)
        return time_bucket(self.time, unit, str(period.zone), steps)

    def within(self, start: datetime | None, end: datetime | None) -> list[Expression]:
        """Return the conditions for events from *start* to before *end*, both in UTC."""
        bounds = [] if start is None else [self.time >= start]
        return bounds if end is None else [*bounds, self.time < end]

    def during(self, period: Period) -> list[Expression]:
        """Return the conditions for the events of a period."""
        return self.within(period.start, period.end)

    @property
    def has_user(self) -> Expression:
        """Whether it is somebody's: an empty distinct_id is nobody's."""
        return self.user != ""

    @property
    def any_event(self) -> Expression:
        """Whether it is an event of the product: no service event, and no excluded one."""
        name = self.table.c.event_name
        return sa.and_(
            name.not_in([*SERVICE_EVENTS, *self.excluded]),
            sa.not_(fn.starts_with(name, sa.literal(SERVICE_PREFIX))),
        )

    def named(self, events: Events) -> Expression:
        """Return whether an event has one of the names; None is any event of the product."""
        names = names_of(events)
        if names is None:
            return self.any_event
        name = self.table.c.event_name
        return name == names[0] if len(names) == 1 else name.in_(names)

    def matching(self, events: Events, where: Where = None) -> Expression:
        """Return whether an event has one of the names and passes the filter."""
        name = self.named(events)
        return name if where is None else sa.and_(name, self.condition(where))

    def condition(self, where: Where) -> Expression:
        """Return a filter, whose NULL does not pass.

        Raises:
            ExpressionError: text that is no expression.
            ValueError: it is neither text nor SQLAlchemy's.
        """
        if where is None:
            return sa.true()
        if isinstance(where, str):
            return values.as_filter(expressions.parse(where, self).truth)
        return self._expression(where)

    def value(self, by: By) -> Value:
        """Return the value of a property's bare name, or of an expression.

        Raises:
            ExpressionError: text that is no expression.
            ValueError: it is neither text nor SQLAlchemy's.
        """
        if isinstance(by, str):
            parse = expressions.is_expression(by)
            return expressions.parse(by, self) if parse else self.property_value((by,))
        return _core_value(self._expression(by))

    def _expression(self, given: Any) -> Expression:
        """Return a SQLAlchemy expression, with columns of a Table of the same name as its own."""
        if isinstance(given, sa.TextClause):
            return Grouping(given)
        try:
            if not isinstance(given, sa.ClauseElement) and not hasattr(given, "__clause_element__"):
                raise ValueError
            found: Expression = coercions.expect(roles.ExpressionElementRole, given)
        except (ValueError, sa.exc.ArgumentError):
            problem = f"{given!r} is no property, expression or SQLAlchemy expression."
            raise ValueError(problem) from None
        mine = [table for table in (self.table, self.profiles) if table is not None]
        for table in mine:
            if isinstance(table, sa.Table):
                found = over(table, found)
        for rows in sa.select(found).get_final_froms():
            if isinstance(getattr(rows, "element", rows), sa.TableClause) and rows not in mine:
                raise ValueError(
                    f"{found} is over {rows}, which is not in the report: use the columns of"
                    " reports.c and reports.profile."
                )
        return found

    def segments(self, by: By) -> Expression:
        """Return the segments of an event, each in a row: a list gives each different item.

        Missing and null are "undefined". Only in the columns of a select.
        """
        value = self.value(by)
        text = values.text_of(value)
        if text is None:
            return sa.literal(UNDEFINED)
        if value.raw is not None:
            return facets.segments(value.raw)
        return sa.func.coalesce(text, UNDEFINED)

    def segment(self, by: By) -> Expression:
        """Return the one segment of an event, of a list its first item; NULL for undefined."""
        value = self.value(by)
        text = values.text_of(value)
        if text is None:
            return sa.cast(sa.null(), sa.String)
        return text if value.raw is None else facets.first_segment(value.raw)

    def number(self, by: By) -> Expression:
        """Return the numeric value of a property or expression; NULL for all else."""
        return self.value(by).facets.get("number", sa.cast(sa.null(), sa.Double))

    def property_value(self, path: tuple[str, ...]) -> Value:
        """Return the value of an event's property, or one within it; ``$time`` is when it was."""
        if path == (TIME,):
            return values.time_column(self.time)
        return values.json_property(event_value(self.table, path))

    def user_value(self, path: tuple[str, ...]) -> Value:
        """Return the value of a property of the user's profile, or of one within it.

        Raises:
            ValueError: the reports have no table of profiles.
        """
        return values.json_property(event_value(self.people, path))

    @property
    def people(self) -> sa.FromClause:
        """The profiles of the users.

        Raises:
            ValueError: the reports have no table of profiles.
        """
        if self.profiles is None:
            raise ValueError("This needs profiles: name their table as profiles= of reports(…).")
        return self.profiles

    def event_value(self, name: str) -> Value | None:
        """Return a value of the event itself, None where there is no such name."""
        columns = {"event_name": self.table.c.event_name, "distinct_id": self.user}
        bare = name.removeprefix("$")
        if bare in columns:
            return values.text_column(columns[bare])
        if bare == "insert_id":
            return values.text_column(self.row)
        return values.time_column(self.time) if bare == "time" else None


def _core_value(expression: Expression) -> Value:
    type_ = expression.type
    if isinstance(type_, sa.JSON):
        return values.json_property(facets.json_value(expression))
    if isinstance(type_, sa.Boolean):
        return values.boolean(expression)
    if isinstance(type_, (sa.Integer, sa.Numeric, sa.Float)):
        return Value({"number": sa.cast(expression, sa.Double)})
    if isinstance(type_, (sa.DateTime, sa.Date)):
        return values.time_column(expression)
    return values.text_column(sa.cast(expression, sa.String))


def _mentions(part: sa.ClauseElement, table: sa.FromClause) -> bool:
    return any(getattr(node, "table", None) is table for node in visitors.iterate(part))
