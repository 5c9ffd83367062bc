"""Rows, metadata and kinds, made to order: every test states only what it is about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from mixpanel_data import StorageEngine
from mixpanel_data.types import TableKind, TableMetadata

START = datetime(2024, 1, 1)
FETCHED_AT = datetime(2024, 3, 1, 12, 30, tzinfo=timezone.utc)

Record = dict[str, Any]


def event(n: int = 0, **changes: Any) -> Record:
    """Return the event number *n*; equal numbers give equal events."""
    return {
        "event_name": f"Event {n % 7}",
        "event_time": START + timedelta(seconds=n),
        "distinct_id": f"user-{n % 11}",
        "insert_id": f"id-{n:06}",
        "properties": {"n": n},
        **changes,
    }


def profile(n: int = 0, **changes: Any) -> Record:
    """Return the profile number *n*; equal numbers give equal profiles."""
    return {
        "distinct_id": f"user-{n:06}",
        "properties": {"n": n},
        "last_seen": START + timedelta(seconds=n),
        **changes,
    }


def events(count: int, start: int = 0) -> Iterator[Any]:
    """Yield *count* events, one at a time."""
    return (event(n) for n in range(start, start + count))


def profiles(count: int, start: int = 0) -> Iterator[Any]:
    """Yield *count* profiles, one at a time."""
    return (profile(n) for n in range(start, start + count))


def metadata(kind: TableKind = "events", /, **changes: Any) -> TableMetadata:
    """Return the metadata of a fetch."""
    return TableMetadata(**{"type": kind, "fetched_at": FETCHED_AT, **changes})


@dataclass(frozen=True)
class Kind:
    """What differs between the two kinds of table, so that one test can speak of both."""

    name: TableKind
    key: str
    record: Callable[..., Record]

    @property
    def other(self) -> Kind:
        """The other kind."""
        return PROFILES if self.name == "events" else EVENTS

    def records(self, count: int, start: int = 0) -> Iterator[Record]:
        """Yield *count* different records, one at a time."""
        return (self.record(n) for n in range(start, start + count))

    def metadata(self, **changes: Any) -> TableMetadata:
        """Return metadata of this kind."""
        return metadata(self.name, **changes)

    def create(
        self,
        engine: StorageEngine,
        data: Iterable[Any],
        table: str = "data",
        meta: TableMetadata | None = None,
        **options: Any,
    ) -> int:
        """Call this kind's ``create_*_table``."""
        call: Callable[..., int] = getattr(engine, f"create_{self.name}_table")
        return call(table, data, meta or self.metadata(), **options)

    def append(
        self,
        engine: StorageEngine,
        data: Iterable[Any],
        table: str = "data",
        meta: TableMetadata | None = None,
        **options: Any,
    ) -> int:
        """Call this kind's ``append_*_table``."""
        call: Callable[..., int] = getattr(engine, f"append_{self.name}_table")
        return call(table, data, meta or self.metadata(), **options)


EVENTS = Kind("events", "insert_id", event)
PROFILES = Kind("profiles", "distinct_id", profile)


def dump(engine: StorageEngine) -> dict[str, Any]:
    """Return everything the database holds, internal tables too; but not when its loads ran."""
    if engine.engine.dialect.name != "duckdb":
        return _dump_of_clickhouse(engine)
    names = engine.execute_rows(
        "SELECT table_name, sql FROM duckdb_tables() WHERE NOT temporary ORDER BY ALL"
    )
    return {
        name: (sql, list(engine.execute_rows(f'SELECT {columns} FROM "{name}" ORDER BY ALL')))
        for name, sql in names
        for columns in ["* EXCLUDE (started_at, finished_at)" if name == "_loads" else "*"]
    }


def stored(engine: StorageEngine) -> dict[str, Any]:
    """Return all that ``dump`` does but typed rows, which a copy, say, does not have."""
    return {name: held for name, held in dump(engine).items() if not name.startswith("_typed")}


def _dump_of_clickhouse(engine: StorageEngine) -> dict[str, Any]:
    names = engine.execute_rows(
        "SELECT name, engine_full FROM system.tables WHERE database = currentDatabase()"
        " ORDER BY name"
    )
    return {
        name: (kind, list(engine.execute_rows(f'SELECT {columns} FROM "{name}" ORDER BY ALL')))
        for name, kind in names
        for columns in ["* EXCEPT (started_at, finished_at, load_id)" if name == "_loads" else "*"]
    }


class NeverStarted:
    """An iterable that nobody may iterate over."""

    def __iter__(self) -> Any:
        raise AssertionError("the iterable was started")
