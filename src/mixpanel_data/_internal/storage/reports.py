"""The calls of StorageEngine that answer the usual questions about events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

from mixpanel_data._internal.storage.inspection import InspectionMixin
from mixpanel_data._internal.storage.queries import QueryMixin

if TYPE_CHECKING:
    from mixpanel_data.reports import Reports


class ReportMixin(QueryMixin, InspectionMixin):
    """The calls that give reports."""

    def reports(
        self,
        table: str,
        *,
        timezone: str = "UTC",
        identity: str = "stored",
        profiles: str | None = None,
        excluded_events: Sequence[str] = (),
        as_of: date | datetime | str | None = None,
    ) -> Reports:
        """Return Mixpanel's reports over a table of events; see ``mixpanel_data.reports``.

        *timezone* is the project's zone, an IANA name: days, weeks and months are its. *identity*
        is "stored", "simplified", "original", or the name of a table of distinct_id and
        resolved_distinct_id. *profiles* names the table to join by the resolved user. "Any event"
        leaves *excluded_events* out. *as_of* is the end of what was loaded: a day of the zone, or a
        time in UTC (either as text too); by default what the table and its metadata say.

        Raises:
            TableNotFoundError: a table is not there.
            NotEventsTableError: it has not the columns of events (of profiles, of mappings).
            ValueError: there is no such zone.
        """
        # pandas and the reports are loaded only when they are needed.
        from mixpanel_data.reports import Reports

        return Reports(
            self,
            table,
            timezone=timezone,
            identity=identity,
            profiles=profiles,
            excluded_events=excluded_events,
            as_of=as_of,
        )
