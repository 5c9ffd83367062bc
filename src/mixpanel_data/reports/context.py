"""What the methods of ``Reports`` share: the source, the storage, and what is checked before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, Protocol

import sqlalchemy as sa

from mixpanel_data._internal.schema import functions as fn
from mixpanel_data._internal.schema.event_names import warn_of_unknown
from mixpanel_data._internal.schema.properties import event_property
from mixpanel_data._internal.schema.tables import EVENTS, PROFILES, Kind, converted, user_table
from mixpanel_data._internal.spelling import closest
from mixpanel_data.exceptions import MixpanelDataError
from mixpanel_data.reports import expressions, linked
from mixpanel_data.reports import identity as identities
from mixpanel_data.reports.errors import NotEventsTableError, UnknownPropertyError
from mixpanel_data.reports.results import IdentitySummary
from mixpanel_data.reports.source import TIME, By, Events, Source, Where, names_of, several
from mixpanel_data.reports.times import (
    FIRST_DAY,
    LAST_DAY,
    Moment,
    Period,
    end_of,
    start_of,
    to_utc,
    within_range,
    zone_of,
)
from mixpanel_data.types import TableMetadata, TableSchema

_SAMPLE = 100_000  # events whose keys a suggestion is looked for in
# In an expression, a name this long and this much like a known one is taken for a slip.
_TELLING, _ALIKE = 4, 0.75


class Warehouse(Protocol):
    """What the reports need of a storage."""

    def execute_rows(self, sql: sa.Executable) -> Sequence[Any]:
        """Return the rows of a statement as tuples."""

    def query(self, statement: sa.Executable) -> Sequence[Any]:
        """Return the rows of a statement, JSON as Python values."""

    def own_functions(self) -> AbstractContextManager[None]:
        """Let the statements in the block use the database's own functions."""

    def table(self, name: str) -> sa.Table:
        """Return a table as it is stored."""

    def get_schema(self, name: str) -> TableSchema:
        """Return the columns of a table."""

    def get_metadata(self, name: str) -> TableMetadata:
        """Return what a table was loaded with."""


class Planned(Exception):  # noqa: N818 - the statement that was wanted, never seen outside
    """A report came to the statement that it would run."""

    def __init__(self, statement: sa.Select[Any]) -> None:
        super().__init__()
        self.statement = statement


class Context:
    """A table of a storage, as the reports ask it."""

    planning = False
    """Whether a report only goes up to its statement."""

    def __init__(
        self,
        storage: Warehouse,
        table_name: str,
        timezone: str,
        identity: str,
        profiles: str | None,
        excluded_events: Sequence[str],
        as_of: Moment | None,
    ) -> None:
        self.storage = storage
        self.zone_name = timezone
        self.name = self._checked(table_name, EVENTS)
        stored = storage.table(self.name)
        table = converted(stored, "event_time", "properties")
        if table is stored:
            table = user_table(EVENTS, self.name)
        rules = self._identity(identity, table)
        people = None
        if profiles is not None:
            people = rules.people(user_table(PROFILES, self._checked(profiles, PROFILES)))
        zone = zone_of(timezone)
        self.source = Source(table, zone, rules, people, several(excluded_events))
        self._as_of = None if as_of is None else end_of(as_of, "as_of", zone)
        self._known: set[tuple[tuple[str, ...] | None, str]] = set()
        self._looked_up: set[str] = set()

    def _checked(self, name: str, kind: Kind) -> str:
        schema = self.storage.get_schema(name)
        columns = {column.name for column in schema.columns}
        if missing := [c.name for c in kind.template.c if c.name not in columns]:
            raise NotEventsTableError(schema.table_name, missing, kind.name)
        return schema.table_name

    def _identity(self, rules: str, table: sa.Table) -> identities.Identity:
        if rules == "stored":
            return identities.stored()
        if rules == "simplified":
            return identities.simplified(table)
        if rules == "original":
            return identities.original(table)
        if not isinstance(rules, str):
            raise ValueError(f"identity must name rules or a table, not {rules!r}.")
        schema = self.storage.get_schema(rules)
        wanted = ("distinct_id", "resolved_distinct_id")
        columns = {column.name for column in schema.columns}
        if missing := [name for name in wanted if name not in columns]:
            raise NotEventsTableError(schema.table_name, missing, "identity mappings")
        name = sa.quoted_name(schema.table_name, quote=True)
        return identities.mapping(sa.table(name, *(sa.column(c, sa.String) for c in wanted)))

    def rows(self, statement: sa.Executable) -> Sequence[Any]:
        """Return the rows of a statement."""
        with self.storage.own_functions():
            return self.storage.execute_rows(statement)

    def answer(self, statement: sa.Select[Any], *, typed: bool = False) -> Sequence[Any]:
        """Return the rows of a report's own statement; *typed* ones have JSON as Python values."""
        if self.planning:
            raise Planned(statement)
        if not typed:
            return self.rows(statement)
        with self.storage.own_functions():
            return self.storage.query(statement)

    def common(self, statement: sa.Select[Any]) -> dict[str, Any]:
        """Return the fields that all results have."""
        return {
            "statement": statement,
            "render": self._render,
            "identity": self.people,
            "timezone": self.zone_name,
        }

    def _render(self, statement: sa.ClauseElement) -> str:
        engine = getattr(self.storage, "engine", None)
        return str(statement.compile(engine, compile_kwargs={"literal_binds": True}))

    @property
    def rounds(self) -> int:
        """How many rounds of a recursion cost the engine less than to do without one."""
        dialect = getattr(getattr(self.storage, "engine", None), "dialect", None)
        return int(getattr(dialect, "recursive_rounds", linked.MANY))

    @cached_property
    def people(self) -> IdentitySummary | None:
        """How many ids became how many people; counted once, None for ids as they are stored."""
        rules = self.source.identity.rules
        if rules == "stored":
            return None
        rows = self.source.identity.mappings(self.source.table).order_by(None).subquery()
        ids, people = rows.c.distinct_id, rows.c.resolved_distinct_id
        counts = sa.select(sa.func.count(ids.distinct()), sa.func.count(people.distinct()))
        return IdentitySummary(rules, *self.rows(counts)[0])

    @property
    def end(self) -> datetime:
        """The first instant after the data, in UTC.

        As of what the caller says, else the later of the last event and of the end of the days in
        the table's metadata (of the fetch, for a day that was fetched before its end). Events of
        days that no report takes tell nothing of it.
        """
        if self._as_of is not None:
            return self._as_of
        known = self.source.during(Period(FIRST_DAY, LAST_DAY, self.source.zone))
        last = self.rows(sa.select(sa.func.max(self.source.time)).where(*known))[0][0]
        ends = [] if last is None else [last + timedelta(microseconds=1)]
        if (loaded := self._loaded_until()) is not None:
            ends.append(loaded)
        return max(ends, default=datetime(1970, 1, 1))

    def _loaded_until(self) -> datetime | None:
        try:
            metadata = self.storage.get_metadata(self.name)
        except MixpanelDataError:
            # A table that the library did not make has none.
            return None
        if metadata.to_date is None:
            return None
        day = within_range(date.fromisoformat(metadata.to_date)) + timedelta(days=1)
        # The days of a table that was loaded with a zone are that zone's.
        zone = zone_of(metadata.time_zone) if metadata.time_zone else self.source.zone
        return min(start_of(day, zone), to_utc(metadata.fetched_at))

    def check_properties(
        self, events: Events, *, by: Iterable[By | None] = (), where: Iterable[Where] = ()
    ) -> None:
        """Refuse names of properties that no event has: a slip would look like an answer.

        A bare name (*by*) must be there. A name in an expression is refused only where it looks
        like another one: an expression may ask for what is not there. Of a name of events that does
        so, a warning is logged.

        Raises:
            UnknownPropertyError: there is no such property, though there are such events.
            ExpressionError: text that is no expression.
        """
        names = names_of(events)
        unknown = [name for name in names or () if name not in self._looked_up]
        self._looked_up.update(unknown)
        warn_of_unknown(self.source.table, unknown, self.rows)
        texts = [part for part in where if isinstance(part, str)]
        for part in by:
            if isinstance(part, str):
                if expressions.is_expression(part):
                    texts.append(part)
                else:
                    self._check_property(names, part, strict=True)
        for text in texts:
            for name in expressions.property_names(text):
                self._check_property(names, name, strict=False)

    def _check_property(self, names: tuple[str, ...] | None, name: str, *, strict: bool) -> None:
        if name == TIME or (names, name) in self._known:
            return
        table = self.source.table
        asked = self.source.named(names)
        one = sa.select(sa.literal(1)).select_from(table).where(asked).limit(1)
        if self.rows(one.where(event_property(table, name).is_not(None))):
            self._known.add((names, name))
        elif self.rows(one):
            sample = sa.select(table.c.properties).where(asked).limit(_SAMPLE).subquery()
            keys = sa.select(fn.explode(fn.json_object_keys(sample.c.properties))).distinct()
            known = [row[0] for row in self.rows(keys)]
            slip = len(name) >= _TELLING and closest(name, known, _ALIKE) is not None
            if strict or slip:
                raise UnknownPropertyError(name, names, known)
