"""One load as it was asked for, and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal, get_args

import sqlalchemy as sa

from mixpanel_data._internal.schema.tables import EVENTS, Kind
from mixpanel_data._internal.zones import WallClock, days, local_of, zone_of
from mixpanel_data._version import __version__
from mixpanel_data.exceptions import TimeZoneError
from mixpanel_data.types import LoadAction, LoadInfo, check_table_name, utc_now

if TYPE_CHECKING:
    from mixpanel_data.types import TableMetadata

OnConflict = Literal["ignore", "update", "replace"]
IfMissing = Literal["error", "create"]
Progress = Callable[[int], object]

_UTC = "UTC"


def check_metadata(metadata: object) -> None:
    """Refuse what is no metadata.

    Raises:
        TypeError: it has not what a TableMetadata has.
    """
    if not hasattr(metadata, "filter_events"):
        raise TypeError(f"metadata must be a TableMetadata, not {metadata!r}.")


@dataclass(frozen=True)
class LoadJob:
    """What a load is to do, checked before anything is touched."""

    kind: Kind
    table: str
    metadata: TableMetadata
    action: LoadAction
    index_limit: int
    on_conflict: OnConflict = "ignore"
    source: str | None = None
    if_missing: IfMissing = "error"
    needs_records: bool = False
    """Whether a source without a single record is refused."""
    is_export: bool = False
    dates_from_records: bool = False
    """Whether the days are those of the first and last event, as nobody said them."""
    needs_window: bool = False
    """Whether records outside the window of the metadata are refused, not only counted."""
    started_at: datetime = field(default_factory=utc_now)

    def __post_init__(self) -> None:
        check_table_name(self.table)
        check_metadata(self.metadata)
        if self.metadata.type != self.kind.name:
            raise ValueError(
                f"metadata.type is {self.metadata.type!r}, but the records are {self.kind.name}."
            )
        for name, literal in (("on_conflict", OnConflict), ("if_missing", IfMissing)):
            if (value := getattr(self, name)) not in get_args(literal):
                raise ValueError(f"{name} must be one of {get_args(literal)}, not {value!r}.")
        if self.on_conflict != "ignore" and self.kind.version is None:
            raise ValueError(f"on_conflict={self.on_conflict!r} is for profiles, not for events.")
        if self.action == "replace" and not (self.metadata.from_date and self.metadata.to_date):
            raise ValueError("replace needs metadata with from_date and to_date: what to replace.")

    @property
    def time_zone(self) -> str:
        """The zone of the days, and of times without an offset."""
        return self.metadata.time_zone or _UTC

    def clock(self) -> WallClock | None:
        """Return what reads the times of the records; None where they are UTC."""
        return None if self.time_zone == _UTC else WallClock(self.time_zone)

    def for_table(self, held: TableMetadata) -> LoadJob:
        """Return the job in the zone of the table that it adds to, which *held* is known of.

        Raises:
            TimeZoneError: it says another one.
        """
        zone = held.time_zone or _UTC
        if self.metadata.time_zone not in (None, held.time_zone, zone):
            suggestion = "Leave time_zone (--time-zone) out, or load into a table of its own."
            raise TimeZoneError(
                f"The times of table '{self.table}' were loaded as {zone}, those of this load are"
                f" said to be {self.time_zone}. Nothing was changed. {suggestion}",
                **{"table_name": self.table, "time_zone": zone, "given": self.time_zone},
                suggestion=suggestion,
            )
        metadata = self.metadata.model_copy(update={"time_zone": held.time_zone})
        return replace(self, metadata=metadata)

    def local_text(self, moment: datetime) -> str:
        """Return a stored time as people read it, in the zone of the job."""
        if self.time_zone == _UTC:
            return str(moment)
        return f"{local_of(moment, zone_of(self.time_zone))} {self.time_zone}"

    def replace_condition(self, table: sa.Table) -> sa.ColumnElement[bool] | None:
        """Return the condition on the events that a replacing load replaces, None for others."""
        return self.window(table) if self.action == "replace" else None

    def window(self, table: sa.Table) -> sa.ColumnElement[bool] | None:
        """Return the condition on events of the days and names that the metadata says."""
        meta, conditions = self.metadata, []
        if self.kind is not EVENTS:
            return None
        start, end = days(meta.from_date, meta.to_date, zone_of(self.time_zone))
        if meta.from_date is not None:
            conditions.append(table.c.event_time >= start)
        if meta.to_date is not None:
            conditions.append(table.c.event_time <= end)
        if meta.filter_events is not None:
            conditions.append(table.c.event_name.in_(meta.filter_events))
        return sa.and_(*conditions) if conditions else None


@dataclass(frozen=True)
class LoadResult:
    """What became of the records of one load, and how many rows they replaced."""

    read: int
    stored: int
    collisions: int
    replaced: int = 0
    outside: int = 0
    """Records of other days or events than the job's metadata says."""
    invalid_last_seen: int = 0
    """Profiles of an export whose ``$last_seen`` is no time, and NULL in the column."""
    ambiguous_times: int = 0
    missing_times: int = 0
    time_offset: int | None = None
    """What is wrong with the times, as in ``LoadInfo``."""

    @property
    def duplicates(self) -> int:
        """The records that were skipped."""
        return self.read - self.stored

    def history_entry(self, job: LoadJob, table: str, database_version: str) -> LoadInfo:
        """Return the entry of the finished load for the load history."""
        return LoadInfo(
            table_name=table,
            type=job.kind.name,
            action=job.action,
            source=job.source,
            started_at=job.started_at,
            finished_at=utc_now(),
            from_date=job.metadata.from_date,
            to_date=job.metadata.to_date,
            filters=job.metadata.filters,
            records=self.read,
            stored=self.stored,
            duplicates=self.duplicates,
            collisions=self.collisions,
            replaced=self.replaced,
            outside=self.outside,
            invalid_last_seen=self.invalid_last_seen,
            time_zone=job.metadata.time_zone,
            ambiguous_times=self.ambiguous_times,
            missing_times=self.missing_times,
            time_offset=self.time_offset,
            library_version=__version__,
            duckdb_version=database_version,
        )
