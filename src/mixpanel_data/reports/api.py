"""``storage.reports(…)``: what is the same for all questions, once, and a method a report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from mixpanel_data._internal.schema.properties import Properties
from mixpanel_data.reports import answers, results
from mixpanel_data.reports import flows as flow_report
from mixpanel_data.reports import frequency as frequency_report
from mixpanel_data.reports import funnel_question as funnel_report
from mixpanel_data.reports import retention_question as retention_report
from mixpanel_data.reports import segmentation as segmentation_report
from mixpanel_data.reports import sessions as session_report
from mixpanel_data.reports.context import Context, Planned, Warehouse
from mixpanel_data.reports.source import By, Events, Where, several
from mixpanel_data.reports.times import Bucket, Day, Moment, Period


class Reports:
    """Mixpanel's reports over a table of events.

    Dates are ``date`` or "YYYY-MM-DD" from 1900 to 2199, both ends inclusive, days of the project's
    zone. Events are a name, several (any of them), or None for any event but Mixpanel's service
    events. Filters are segmentation expressions as text, or SQLAlchemy conditions over ``c`` and
    ``profile``; breakdowns the same, or a property's bare name.

    Every report refuses with ``ExpressionError`` text that is no expression, with
    ``UnknownPropertyError`` a property that no event has, with ``ValueError`` arguments that
    contradict each other or are of a wrong type, and with ``QueryError`` what the database refuses.
    A misspelt name of an event is logged as a warning.
    """

    def __init__(
        self,
        storage: Warehouse,
        table_name: str,
        *,
        timezone: str = "UTC",
        identity: str = "stored",
        profiles: str | None = None,
        excluded_events: Sequence[str] = (),
        as_of: Moment | None = None,
    ) -> None:
        self._context = Context(
            storage, table_name, timezone, identity, profiles, excluded_events, as_of
        )

    @property
    def c(self) -> Any:
        """The columns of the table, for filters and breakdowns as SQLAlchemy expressions."""
        return self._context.source.table.c

    @property
    def profile(self) -> Properties:
        """The properties of the users' profiles by name, to be used as those of ``c.properties``.

        Raises:
            ValueError: no table of profiles was named.
        """
        return Properties(self._context.source.people)

    @property
    def identity(self) -> results.IdentitySummary | None:
        """How many ids became how many people; None where ids count as they are stored."""
        return self._context.people

    def identity_mappings(self) -> sa.Select[Any]:
        """Return a select of distinct_id and resolved_distinct_id of every id that is known."""
        source = self._context.source
        return source.identity.mappings(source.table)

    def statement(self, ask: Callable[[Reports], results.Result]) -> sa.Select[Any]:
        """Return the statement of a report, which is not run: *ask* calls the report.

        As in ``reports.statement(lambda r: r.sessions(from_date=…, to_date=…))``. What the form of
        the statement depends on is looked up, and properties are checked.
        """
        planner = copy(self)
        planner._context = copy(self._context)
        planner._context.planning = True
        try:
            ask(planner)
        except Planned as planned:
            return planned.statement
        raise ValueError("ask must call a report of the object that it gets.")

    def _period(self, from_date: Day, to_date: Day) -> Period:
        return Period.of(from_date, to_date, self._context.source.zone)

    def segmentation(
        self,
        event: Events = None,
        *,
        from_date: Day,
        to_date: Day,
        unit: Bucket = "day",
        measure: segmentation_report.Measure = "total",
        of: By | None = None,
        per_user: segmentation_report.PerUser | None = None,
        on: By | None = None,
        where: Where = None,
        first_time: bool = False,
        rolling: int | None = None,
        cumulative: bool = False,
        limit: int = 60,
    ) -> results.SegmentationResult:
        """Return a measure of events by time, and by segment.

        *of* is the number that "sum", "median" and the like measure, *per_user* how each user's
        values become one first. *first_time* takes the first events ever of each user. *rolling*
        averages that many intervals, *cumulative* adds them up. Beyond *limit* segments the rest
        is ``$other``. Source: https://docs.mixpanel.com/docs/reports/insights.
        """
        period = self._period(from_date, to_date)
        question = segmentation_report.Question(
            event, period, unit, measure, of, per_user, on, where, first_time, rolling, limit
        )
        return answers.of_segmentation(self._context, question, cumulative=cumulative)

    def funnel(
        self,
        steps: Sequence[str | funnel_report.Step],
        *,
        from_date: Day,
        to_date: Day,
        window: timedelta = funnel_report.WINDOW,
        count: funnel_report.Count = "uniques",
        order: funnel_report.Order = "specific",
        exclusions: Sequence[str | funnel_report.Exclusion] = (),
        holding_constant: Sequence[str] = (),
        reentry: funnel_report.Reentry = "default",
        on: By | None = None,
        attribution: funnel_report.Attribution = "first",
        where: Where = None,
        unit: Bucket | None = None,
        limit: int = 200,
    ) -> results.FunnelResult:
        """Return how many users, attempts or sessions got how far through *steps*.

        The dates limit the first step; later ones count within *window* of it. *on* and *where*
        look at the attempts afterwards, at the step that *attribution* names. *unit* makes a funnel
        of each interval. Source: https://docs.mixpanel.com/docs/reports/funnels/funnels-advanced.
        """
        question = funnel_report.Question.of(
            self._period(from_date, to_date), steps, window, count, order, exclusions,
            holding_constant, reentry, on, attribution, where, unit, limit,
        )  # fmt: skip
        return answers.of_funnel(self._context, question)

    def retention(
        self,
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
        retention_type: retention_report.RetentionType = "birth",
        counting: retention_report.Counting = "on",
        calendar: bool = False,
        brackets: Sequence[int] | None = None,
        on: By | None = None,
        limit: int = 60,
    ) -> results.RetentionResult:
        """Return who came back, by the time since they did *born_event*.

        Buckets 0 to *interval_count* (10) of *interval* units, 24 hours, 7 or 30 days after the
        birth, or with *calendar* days, weeks and months of the zone; or of the sizes in *brackets*.
        Returns count up to the end of the data. Source:
        https://docs.mixpanel.com/docs/reports/retention.
        """
        question = retention_report.Question(
            born_event, return_event, self._period(from_date, to_date), born_where, return_where,
            unit, interval, interval_count, retention_type, counting, calendar,
            None if brackets is None else tuple(brackets), on, limit, self._context.end,
        )  # fmt: skip
        return answers.of_retention(self._context, question)

    def frequency(
        self,
        *,
        from_date: Day,
        to_date: Day,
        event: Events = None,
        unit: Bucket = "day",
        addiction_unit: frequency_report.AddictionUnit = "hour",
        where: Where = None,
        counting: frequency_report.Counting = "at_least",
    ) -> results.FrequencyResult:
        """Return how many users were active in how many hours or days of each unit.

        Source: https://docs.mixpanel.com/reference/retention-frequency-query.
        """
        period = self._period(from_date, to_date)
        return answers.of_frequency(
            self._context, event, period, unit, addiction_unit, where, counting
        )

    def sessions(
        self,
        *,
        from_date: Day,
        to_date: Day,
        unit: Bucket = "day",
        timeout: timedelta = session_report.TIMEOUT,
        start_event: Events = None,
        end_event: Events = None,
        session_property: str | None = None,
        on: By | None = None,
        where: Where = None,
    ) -> results.SessionsResult:
        """Return how many sessions there were by time, and their durations in seconds.

        A session ends after a pause of more than *timeout*, or goes from *start_event* to
        *end_event*, or is a run of one value of *session_property*; midnight ends every one. *on*
        is its first value in a session, *where* keeps those with an event that passes. Source:
        https://docs.mixpanel.com/docs/features/sessions.
        """
        kind = session_report.Sessions(timeout, start_event, end_event, session_property)
        period = self._period(from_date, to_date)
        return answers.of_sessions(self._context, period, unit, kind, on, where)

    def session_rows(
        self,
        *,
        from_date: Day | None = None,
        to_date: Day | None = None,
        timeout: timedelta = session_report.TIMEOUT,
        start_event: Events = None,
        end_event: Events = None,
        session_property: str | None = None,
        on: By | None = None,
        where: Where = None,
    ) -> sa.Select[Any]:
        """Return a select of one row a session: distinct_id, first, last, seconds, events.

        Times are UTC; *seconds* is NULL for a session of events that midnight cut. With *on* there
        is also its ``segment``. Without dates of all events; else as ``sessions``.
        """
        kind = session_report.Sessions(timeout, start_event, end_event, session_property)
        dates = (from_date, to_date)
        return session_report.rows(self._context.source, *dates, kind, on, where)

    def flows(
        self,
        event: Events,
        *,
        from_date: Day,
        to_date: Day,
        forward: int = 3,
        reverse: int = 0,
        cardinality: int = 3,
        count: flow_report.Count = "uniques",
        window: timedelta = flow_report.WINDOW,
        hidden_events: Sequence[str] = (),
        collapse_repeated: bool = False,
        where: Where = None,
    ) -> results.FlowsResult:
        """Return what users did in the *forward* steps after *event* and the *reverse* before it.

        From each user's first such event in the range, every one ("totals"), or the first of each
        session. A step shows its *cardinality* commonest events. Source:
        https://docs.mixpanel.com/docs/reports/flows.
        """
        period, hidden = self._period(from_date, to_date), several(hidden_events)
        question = flow_report.Question(
            event, period, forward, reverse, cardinality, count, window,
            hidden, collapse_repeated, where,
        )  # fmt: skip
        return answers.of_flows(self._context, question)

    def activity(
        self,
        distinct_ids: str | Sequence[str],
        *,
        from_date: Day | None = None,
        to_date: Day | None = None,
        limit: int | None = None,
    ) -> results.ActivityFeedResult:
        """Return the events of users (resolved ones), the oldest first; times are UTC.

        With *limit* the latest that many.
        """
        ids = [distinct_ids] if isinstance(distinct_ids, str) else list(distinct_ids)
        return answers.of_activity(self._context, ids, from_date, to_date, limit)
