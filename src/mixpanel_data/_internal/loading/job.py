"""One load as it was asked for, and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

import sqlalchemy as sa

from mixpanel_data._internal.duckdb import VERSION as DUCKDB_VERSION
from mixpanel_data._internal.schema.tables import EVENTS, Kind
from mixpanel_data._version import __version__
from mixpanel_data.types import LoadAction, LoadInfo, TableMetadata, check_table_name, utc_now

OnConflict = Literal["ignore", "update", "replace"]
IfMissing = Literal["error", "create"]
Progress = Callable[[int], object]


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

    def replace_condition(self, table: sa.Table) -> sa.ColumnElement[bool] | None:
        """Return the condition on the events that a replacing load replaces, None for others."""
        return self.window(table) if self.action == "replace" else None

    def window(self, table: sa.Table) -> sa.ColumnElement[bool] | None:
        """Return the condition on events of the days and names that the metadata says."""
        meta, conditions = self.metadata, []
        if self.kind is not EVENTS:
            return None
        if meta.from_date is not None:
            conditions.append(table.c.event_time >= datetime.fromisoformat(meta.from_date))
        if meta.to_date is not None:
            # Not "before the next day": after the last day of the calendar there is none.
            last = datetime.fromisoformat(f"{meta.to_date}T23:59:59.999999")
            conditions.append(table.c.event_time <= last)
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

    @property
    def duplicates(self) -> int:
        """The records that were skipped."""
        return self.read - self.stored

    def history_entry(self, job: LoadJob, table: str) -> LoadInfo:
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
            library_version=__version__,
            duckdb_version=DUCKDB_VERSION,
        )
