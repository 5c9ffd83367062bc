"""``storage.reports(…)``: what is the same for all questions, once, and a method a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, Literal, Protocol

import sqlalchemy as sa

from mixpanel_data._internal.tables import EVENTS, PROFILES, user_table
from mixpanel_data.reports import frequency as frequencies
from mixpanel_data.reports import funnel as funnels
from mixpanel_data.reports import identity as identities
from mixpanel_data.reports import retention as retentions
from mixpanel_data.reports import segmentation as segmentations
from mixpanel_data.reports.cohorts import average, cohorts
from mixpanel_data.reports.errors import NotEventsTableError
from mixpanel_data.reports.funnel import Exclusion, Step
from mixpanel_data.reports.funnel_lines import lines
from mixpanel_data.reports.results import RetentionResult, FunnelResult, FrequencyResult, IdentitySummary, SegmentationResult
from mixpanel_data.reports.segmentation import Measure, PerUser
from mixpanel_data.reports.series import name_of, series
from mixpanel_data.reports.source import By, Events, Source, Where, label_of_events, names_of
from mixpanel_data.reports.times import Bucket, Day, Period, start_of, to_utc, zone_of
from mixpanel_data.exceptions import MixpanelDataError
from mixpanel_data.types import TableMetadata, TableSchema


class Warehouse(Protocol):
    """What the reports need of a storage."""

    def execute_rows(self, sql: sa.Executable) -> Sequence[Any]:
        """Return the rows of a statement as tuples."""

    def query(self, statement: sa.Executable) -> Sequence[Any]:
        """Return the rows of a statement, JSON as Python values."""

    def get_schema(self, name: str) -> TableSchema:
        """Return the columns of a table."""

    def get_metadata(self, name: str) -> TableMetadata:
        """Return what a table was loaded with."""


class Reports:
    """Mixpanel's reports over a table of events."""

    def __init__(
        self,
        storage: Warehouse,
        table_name: str,
        *,
        timezone: str = "UTC",
        identity: str = "stored",
        profiles: str | None = None,
        excluded_events: Sequence[str] = (),
        as_of: date | datetime | None = None,
    ) -> None:
        self._storage = storage
        self._name = self._checked(table_name, "events")
        table = user_table(EVENTS, self._name)
        self._as_of = as_of
        self._source = Source(
            table,
            zone_of(timezone),
            self._identity(identity, table),
            None if profiles is None else self._profiles(profiles),
            tuple(excluded_events),
        )

    def _checked(self, name: str, kind: str) -> str:
        schema = self._storage.get_schema(name)
        columns = {column.name for column in schema.columns}
        template = EVENTS.template if kind == "events" else PROFILES.template
        if missing := [c.name for c in template.c if c.name not in columns]:
            raise NotEventsTableError(schema.table_name, missing, kind)
        return schema.table_name

    def _identity(self, rules: str, table: sa.Table) -> identities.Identity:
        if rules == "stored":
            return identities.stored()
        if rules in ("simplified", "original"):
            return getattr(identities, rules)(table)
        schema = self._storage.get_schema(rules)
        wanted = ("distinct_id", "resolved_distinct_id")
        columns = {column.name for column in schema.columns}
        if missing := [name for name in wanted if name not in columns]:
            raise NotEventsTableError(rules, missing, "identity mappings")
        found = sa.table(
            sa.quoted_name(schema.table_name, quote=True),
            *(sa.column(name, sa.String) for name in wanted),
        )
        return identities.mapping(found)

    def _profiles(self, name: str) -> sa.FromClause:
        return user_table(PROFILES, self._checked(name, "profiles")).alias("profile")

    def _common(self, statement: Any) -> dict[str, Any]:
        return {"statement": statement, "render": self._render, "identity": self._people}

    def _render(self, statement: sa.ClauseElement) -> str:
        engine = getattr(self._storage, "engine", None)
        return str(statement.compile(engine, compile_kwargs={"literal_binds": True}))

    @cached_property
    def _people(self) -> IdentitySummary | None:
        if self._source.identity.rules == "stored":
            return None
        rows = self.identity_mappings().subquery()
        ids, people = rows.c.distinct_id, rows.c.resolved_distinct_id
        counts = sa.select(sa.func.count(ids.distinct()), sa.func.count(people.distinct()))
        return IdentitySummary(self._source.identity.rules, *self._storage.execute_rows(counts)[0])

    def _period(self, from_date: Day, to_date: Day) -> Period:
        return Period.of(from_date, to_date, self._source.zone)

    @property
    def c(self) -> Any:
        """The columns of the table, for filters and breakdowns in SQLAlchemy's form."""
        return self._source.table.c

    def identity_mappings(self) -> sa.Select[Any]:
        """Return a select of distinct_id and resolved_distinct_id of every id that is known."""
        return self._source.identity.mappings(self._source.table)

    def segmentation(
        self,
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
        cumulative: bool = False,
        limit: int = 60,
    ) -> SegmentationResult:
        """Return a measure of events by time."""
        period = self._period(from_date, to_date)
        question = segmentations.Question(
            *(event, period, unit, measure, of, per_user, on, where, first_time, rolling, limit)
        )
        statement = segmentations.statement(self._source, question)
        lines, total = series(
            self._storage.execute_rows(statement), question, cumulative=cumulative
        )
        return SegmentationResult(
            event=name_of(question),
            from_date=period.first.isoformat(),
            to_date=period.last.isoformat(),
            unit=unit,
            segment_property=None if on is None else str(on),
            total=total,
            series=lines,
            measure=measure,
            **self._common(statement),
        )

    def frequency(
        self,
        *,
        from_date: Day,
        to_date: Day,
        event: Events = None,
        unit: Bucket = "day",
        addiction_unit: Literal["hour", "day"] = "hour",
        where: Where = None,
        counting: frequencies.Counting = "at_least",
    ) -> FrequencyResult:
        """Return how many users were active in how many hours or days of each unit."""
        period = self._period(from_date, to_date)
        statement = frequencies.select(
            self._source,
            event,
            from_date=from_date,
            to_date=to_date,
            unit=unit,
            addiction_unit=addiction_unit,
            where=where,
        )
        rows = self._storage.execute_rows(statement)
        names = names_of(event)
        return FrequencyResult(
            event=None if names is None else ", ".join(names),
            from_date=period.first.isoformat(),
            to_date=period.last.isoformat(),
            unit=unit,
            addiction_unit=addiction_unit,
            data=frequencies.numbers(rows, period, unit, addiction_unit, counting),
            counting=counting,
            **self._common(statement),
        )

    def funnel(
        self,
        steps: Sequence[str | Step],
        *,
        from_date: Day,
        to_date: Day,
        window: timedelta = funnels.WINDOW,
        count: funnels.Count = "uniques",
        order: funnels.Order = "specific",
        exclusions: Sequence[str | Exclusion] = (),
        holding_constant: Sequence[str] = (),
        reentry: funnels.Reentry = "default",
        on: By | None = None,
        attribution: funnels.Attribution = "first",
        where: Where = None,
        unit: Bucket | None = None,
        limit: int = 200,
    ) -> FunnelResult:
        """Return how many got how far."""
        question = funnels.Question.of(
            self._period(from_date, to_date),
            steps,
            window=window,
            count=count,
            order=order,
            exclusions=exclusions,
            holding_constant=holding_constant,
            reentry=reentry,
            on=on,
            attribution=attribution,
            where=where,
            unit=unit,
            limit=limit,
        )
        whole, statement = self._funnel(replace(question, on=None, unit=None))
        broken: dict[str, Any] = {}
        if on is not None:
            found, statement = self._funnel(replace(question, unit=None))
            broken["segments"] = {str(segment): line for (_, segment), line in found.items()}
        if unit is not None:
            found, statement = self._funnel(replace(question, on=None))
            broken["trend"] = {str(day): line for (day, _), line in found.items()}
        if on is not None and unit is not None:
            found, statement = self._funnel(question)
            both: dict[str, Any] = {}
            for (day, segment), line in found.items():
                both.setdefault(str(day), {})[str(segment)] = line
            broken["trend_segments"] = both
        return FunnelResult(
            funnel_id=None,
            funnel_name=" → ".join(step.name for step in question.steps),
            from_date=question.period.first.isoformat(),
            to_date=question.period.last.isoformat(),
            conversion_rate=whole[None, None][-1].overall_conv_ratio,
            steps=whole[None, None],
            count=count,
            **broken,
            **self._common(statement),
        )

    def _funnel(self, question: funnels.Question) -> tuple[dict[Any, Any], sa.Select[Any]]:
        statement = funnels.statement(self._source, question)
        return lines(self._storage.execute_rows(statement), question), statement

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
        retention_type: retentions.RetentionType = "birth",
        counting: retentions.Counting = "on",
        calendar: bool = False,
        brackets: Sequence[int] | None = None,
        on: By | None = None,
        limit: int = 60,
    ) -> RetentionResult:
        """Return who came back."""
        period = self._period(from_date, to_date)
        question = retentions.Question(
            *(born_event, return_event, period, born_where, return_where, unit, interval),
            *(interval_count, retention_type, counting, calendar),
            *(None if brackets is None else tuple(brackets), on, limit, self._end),
        )
        statement = retentions.statement(self._source, question)
        rows = self._storage.execute_rows(statement)
        found, segments = cohorts(rows, question, self._end)
        return RetentionResult(
            born_event=label_of_events(question.born[0]),
            return_event=label_of_events(return_event),
            from_date=period.first.isoformat(),
            to_date=period.last.isoformat(),
            unit=unit,
            cohorts=found,
            average=average(found),
            segments=segments,
            counting=counting,
            **self._common(statement),
        )

    @property
    def _end(self) -> datetime:
        """The first instant after the data, in UTC."""
        zone = self._source.zone
        if isinstance(self._as_of, datetime):
            return to_utc(self._as_of) + timedelta(microseconds=1)
        if self._as_of is not None:
            return start_of(self._as_of + timedelta(days=1), zone)
        latest = sa.select(sa.func.max(self._source.time))
        found = self._storage.execute_rows(latest)[0][0]
        loaded = self._loaded_until()
        ends = [loaded] if loaded is not None else []
        if found is not None:
            ends.append(found + timedelta(microseconds=1))
        return max(ends, default=datetime(1970, 1, 1))

    def _loaded_until(self) -> datetime | None:
        """Return the end of the days that the table's metadata name, if it has such."""
        try:
            metadata = self._storage.get_metadata(self._name)
        except (MixpanelDataError, AttributeError):
            return None
        if metadata.to_date is None:
            return None
        end = start_of(date.fromisoformat(metadata.to_date) + timedelta(days=1), self._source.zone)
        # A day that was loaded before its end is there only up to then.
        return min(end, to_utc(metadata.fetched_at))
