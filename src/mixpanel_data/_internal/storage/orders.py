"""One load, as it was asked for: what to do, and the caller's own code in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import duckdb
import sqlalchemy as sa

from mixpanel_data._internal import ledger, load
from mixpanel_data._internal.storage.base import Progress
from mixpanel_data._internal.tables import Kind, check_name
from mixpanel_data._version import __version__
from mixpanel_data.types import LoadAction, LoadInfo, TableMetadata

OnConflict = Literal["ignore", "update"]


@dataclass(frozen=True)
class Order:
    """What a load is to do, checked before anything is touched."""

    kind: Kind
    name: str
    metadata: TableMetadata
    action: LoadAction = "create"
    on_conflict: OnConflict = "ignore"
    source: str | None = None

    def __post_init__(self) -> None:
        check_name(self.name)
        if self.metadata.type != self.kind.name:
            raise ValueError(
                f"metadata.type is {self.metadata.type!r}, but the records are {self.kind.name}."
            )
        if self.on_conflict not in ("ignore", "update"):
            raise ValueError(f"on_conflict must be 'ignore' or 'update', not {self.on_conflict!r}.")
        if self.action == "replace" and not (self.metadata.from_date and self.metadata.to_date):
            raise ValueError("replace needs metadata with from_date and to_date: what to replace.")

    def making_way(self, table: sa.Table) -> sa.ColumnElement[bool] | None:
        """Select the events that a replacing load is to replace."""
        first, last = self.metadata.from_date, self.metadata.to_date
        if self.action != "replace" or first is None or last is None:
            return None
        end = datetime.fromisoformat(last) + timedelta(days=1)
        chosen = sa.and_(
            table.c.event_time >= datetime.fromisoformat(first), table.c.event_time < end
        )
        names = self.metadata.filter_events
        return chosen if names is None else chosen & table.c.event_name.in_(names)

    def entry(self, table: str, started: datetime, counts: load.Counts) -> LoadInfo:
        """Give the ledger's row of the finished load."""
        return LoadInfo(
            table_name=table,
            type=self.kind.name,
            action=self.action,
            source=self.source,
            started_at=started,
            finished_at=ledger.now(),
            from_date=self.metadata.from_date,
            to_date=self.metadata.to_date,
            filters=self.metadata.filters,
            records=counts.read,
            stored=counts.stored,
            duplicates=counts.duplicates,
            collisions=counts.collisions,
            replaced=counts.replaced,
            library_version=__version__,
            duckdb_version=duckdb.__version__,
        )


class Caller:
    """The caller's own code: its iterator and its callback, whose errors are theirs."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self.errors: list[BaseException] = []

    def pull(
        self, records: Iterable[Mapping[str, Any]], batch_size: int
    ) -> Iterator[Mapping[str, Any]]:
        """Pass *records* on, and report every full batch that is not the last."""
        try:
            for total, record in enumerate(records):
                if total and total % batch_size == 0:
                    self.report(total)
                yield record
        except Exception as error:
            self.errors.append(error)
            raise

    def report(self, rows: int) -> None:
        """Call the progress callback, where there is one."""
        try:
            if self._progress is not None:
                self._progress(rows)
        except Exception as error:
            self.errors.append(error)
            raise
