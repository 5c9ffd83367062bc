"""The values that go into and come out of the library, all immutable."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypedDict

from mixpanel_data._internal.copied_table import CopiedTable as CopiedTable
from mixpanel_data._internal.display import RUN, Shown, html_table, runs, runs_text, text_table
from mixpanel_data._internal.sql_result import SQLResult as SQLResult
from mixpanel_data._internal.sql_result import distinct_names as distinct_names
from mixpanel_data._internal.zones import zone_of

if TYPE_CHECKING:
    from mixpanel_data._internal.table_metadata import TableMetadata as TableMetadata
else:

    def __getattr__(name):
        """Return TableMetadata, which needs pydantic: that takes long to load."""
        if name != "TableMetadata":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from mixpanel_data._internal.table_metadata import TableMetadata

        return globals().setdefault(name, TableMetadata)


TableKind = Literal["events", "profiles"]
LoadAction = Literal["create", "append", "replace", "adopt"]


_TABLE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*", re.ASCII)


def check_table_name(name: object) -> None:
    """Refuse a name that user tables may not have.

    Raises:
        ValueError: the name is empty, starts with an underscore, or holds other characters.
    """
    if not isinstance(name, str) or not _TABLE_NAME.fullmatch(name):
        raise ValueError(
            f"Invalid table name {name!r}: use letters, digits and underscores, and do not start"
            " with an underscore (that prefix is reserved for internal tables)."
        )


class EventRecord(TypedDict):
    """One event as ``create_events_table`` takes it; a time without an offset is UTC."""

    event_name: str
    event_time: datetime | str
    distinct_id: str
    insert_id: str
    properties: dict[str, Any]


class _RequiredOfProfile(TypedDict):
    distinct_id: str
    properties: dict[str, Any]


class ProfileRecord(_RequiredOfProfile, total=False):
    """One user profile as ``create_profiles_table`` takes it; a time without an offset is UTC."""

    last_seen: datetime | str | None


def utc_now() -> datetime:
    """Return the present as an aware datetime in UTC."""
    return datetime.now(timezone.utc)


def check_time_zone(name: str) -> str:
    """Return the IANA name of a time zone, or raise a TimeZoneError if there is no such zone."""
    return zone_of(name).key


@dataclass(frozen=True, slots=True, repr=False)
class TableInfo(Shown):
    """One user table in the catalogue; ``fetched_at`` is aware, in UTC."""

    name: str
    type: TableKind
    row_count: int
    fetched_at: datetime

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {**asdict(self), "fetched_at": self.fetched_at.isoformat()}


@dataclass(frozen=True, slots=True, repr=False)
class ColumnInfo(Shown):
    """One column; ``type`` is DuckDB's own name for it."""

    name: str
    type: str
    nullable: bool
    primary_key: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return asdict(self)


@dataclass(frozen=True, slots=True, repr=False)
class TableSchema:
    """The columns of one table, in their order."""

    table_name: str
    columns: list[ColumnInfo]

    def _rows(self) -> tuple[list[str], list[list[Any]]]:
        rows = [[c.name, c.type, c.nullable, c.primary_key] for c in self.columns]
        return ["name", "type", "nullable", "primary_key"], rows

    def __repr__(self) -> str:
        return f"TableSchema(table_name={self.table_name!r})\n{text_table(*self._rows())}"

    def _repr_html_(self) -> str:
        return html_table(*self._rows(), caption=self.table_name)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return asdict(self)


@dataclass(frozen=True, slots=True, repr=False)
class LoadInfo(Shown):
    """One finished load, as the load history keeps it; its times are aware, in UTC.

    ``records`` were read, ``stored`` of them kept. ``duplicates`` were skipped, ``collisions`` kept
    under an ``insert_id`` of their own, and ``replaced`` rows of the table were replaced.
    ``filters`` are the filter fields of the load's metadata that were given; ``outside`` counts the
    records of other days or events. ``invalid_last_seen`` counts the profiles whose ``$last_seen``
    is no ISO time: it is NULL in the column, and stays as it is in the properties.

    ``time_zone`` is the zone whose wall clock the times were, None for UTC. ``ambiguous_times``
    came twice in it, ``missing_times`` were skipped; see ``TableMetadata``. ``time_offset`` are the
    seconds that the stored times are ahead of UTC, as far as the times at which Mixpanel received a
    sample of the events show a constant offset, and None where they do not.
    """

    _shown: ClassVar[tuple[str, ...]] = (
        *("table_name", "action", "finished_at", "from_date", "to_date", "records", "stored"),
        *("duplicates", "collisions", "replaced", "source"),
    )

    table_name: str
    type: TableKind
    action: LoadAction
    source: str | None
    started_at: datetime
    finished_at: datetime
    from_date: str | None
    to_date: str | None
    filters: dict[str, Any]
    records: int
    stored: int
    duplicates: int
    collisions: int
    replaced: int
    library_version: str
    duckdb_version: str
    outside: int = 0
    invalid_last_seen: int = 0
    time_zone: str | None = None
    ambiguous_times: int = 0
    missing_times: int = 0
    time_offset: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        times = {key: getattr(self, key).isoformat() for key in ("started_at", "finished_at")}
        return {**asdict(self), **times}


@dataclass(frozen=True, slots=True, repr=False)
class Coverage:
    """The days of a table that its loads cover, and the missing ones between first and last.

    ``undated`` counts the loads that did not say which days they cover.
    """

    table_name: str
    loaded: list[date]
    missing: list[date]
    undated: int

    def __repr__(self) -> str:
        days = "; ".join(runs_text(self.loaded, self.missing)) or "no days"
        return f"Coverage(table_name={self.table_name!r}, {days}, undated={self.undated})"

    def _repr_html_(self) -> str:
        caption = f"{self.table_name}, {self.undated:,} undated loads"
        return html_table(RUN, runs(self.loaded, self.missing), caption=caption)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        days = {
            key: [day.isoformat() for day in getattr(self, key)] for key in ("loaded", "missing")
        }
        return {**asdict(self), **days}


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision of the schema, and what it adds."""

    id: str
    summary: str

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Migration:
    """What an upgrade or downgrade did: the revisions before and after, and the backup it made."""

    before: str | None
    after: str | None
    backup: Path | None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {**asdict(self), "backup": self.backup and str(self.backup)}


@dataclass(frozen=True, slots=True)
class DatabaseStatus:
    """What a DuckDB file is to this library.

    ``size`` is in bytes. ``revision`` is None where nothing in the file is this library's;
    ``pending`` are the revisions that an upgrade would apply. ``unregistered`` are tables that have
    the columns of a kind but are not in the catalogue, ``others`` all else that is in the file.
    ``typed`` says how many properties of a table are typed columns, where those are up to date,
    ``time_zones`` the zones of tables whose times came in another one than UTC.
    """

    path: Path
    size: int
    storage_version: str
    revision: str | None
    head: str
    pending: list[Revision]
    tables: list[TableInfo]
    unregistered: dict[str, TableKind]
    others: list[str]
    typed: dict[str, int] = field(default_factory=dict)
    time_zones: dict[str, str] = field(default_factory=dict)

    @property
    def is_known(self) -> bool:
        """Whether this library knows the revision, or there is none."""
        return self.revision in (None, self.head) or bool(self.pending)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        tables = [table.to_dict() for table in self.tables]
        return {**asdict(self), "path": str(self.path), "tables": tables}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a table, and what to do about it."""

    table: str
    problem: str
    remedy: str

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Recovery:
    """What recovering a file did: the copy of how it was, and what its log no longer brings back.

    ``cut`` are the bytes cut off the log, ``lost_transactions`` those that ended in them as far as
    they can be read, ``lost_loads`` the loads among these.
    """

    copy: Path | None
    cut: int
    lost_transactions: int
    lost_loads: list[LoadInfo]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        loads = [load.to_dict() for load in self.lost_loads]
        return {**asdict(self), "copy": self.copy and str(self.copy), "lost_loads": loads}
