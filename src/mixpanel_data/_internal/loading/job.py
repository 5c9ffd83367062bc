"""One load as it was asked for, and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

import sqlalchemy as sa

from mixpanel_data._internal.duckdb import VERSION as DUCKDB_VERSION
from mixpanel_data._internal.schema.tables import Kind
from mixpanel_data._version import __version__
from mixpanel_data.types import LoadAction, LoadInfo, TableMetadata, check_table_name, utc_now

OnConflict = Literal["ignore", "update"]
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
    started_at: datetime = field(default_factory=utc_now)

    def __post_init__(self) -> None:
        check_table_name(self.table)
        if self.metadata.type != self.kind.name:
            raise ValueError(
                f"metadata.type is {self.metadata.type!r}, but the records are {self.kind.name}."
            )
        if self.on_conflict not in ("ignore", "update"):
            raise ValueError(f"on_conflict must be 'ignore' or 'update', not {self.on_conflict!r}.")
        if self.action == "replace" and not (self.metadata.from_date and self.metadata.to_date):
            raise ValueError("replace needs metadata with from_date and to_date: what to replace.")

    @property
    def version_column(self) -> str | None:
        """The time column whose later value decides between two rows of one key, if any does."""
        return "last_seen" if self.on_conflict == "update" else None

    def replace_condition(self, table: sa.Table) -> sa.ColumnElement[bool] | None:
        """Return the condition on the events that a replacing load replaces, None for others."""
        first, last = self.metadata.from_date, self.metadata.to_date
        if self.action != "replace" or first is None or last is None:
            return None
        end = datetime.fromisoformat(last) + timedelta(days=1)
        chosen = sa.and_(
            table.c.event_time >= datetime.fromisoformat(first), table.c.event_time < end
        )
        names = self.metadata.filter_events
        return chosen if names is None else chosen & table.c.event_name.in_(names)


@dataclass(frozen=True)
class LoadResult:
    """What became of the records of one load, and how many rows they replaced."""

    read: int
    stored: int
    collisions: int
    replaced: int = 0

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
            library_version=__version__,
            duckdb_version=DUCKDB_VERSION,
        )
