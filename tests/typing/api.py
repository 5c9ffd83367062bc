"""The public calls as type checkers see them: mypy and pyright check them, nothing runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Session
from typing_extensions import assert_type

from mixpanel_data import (
    ColumnSummary,
    Coverage,
    EventRecord,
    EventStats,
    LoadInfo,
    ProfileRecord,
    PropertyDistributionResult,
    PropertyValueCount,
    StorageEngine,
    TableMetadata,
    WorkspaceInfo,
)
from mixpanel_data.exploration import PropertyInfo
from mixpanel_data.orm import Event, EventMixin, Profile, event, profile
from mixpanel_data.types import ColumnInfo, SQLResult, TableInfo, TableKind, TableSchema


class JanuaryEvent(Event):
    """A table of events."""

    __tablename__ = "events_jan"


class Customer(Profile):
    """A table of profiles."""

    __tablename__ = "customers"


class Base(DeclarativeBase):
    """A project's own."""


class OwnEvent(EventMixin, Base):
    """A table of events under it."""

    __tablename__ = "events_own"


def opening(path: Path) -> None:
    """Every way to open gives an engine."""
    assert_type(StorageEngine(path), StorageEngine)
    assert_type(StorageEngine("x.db", read_only=True), StorageEngine)
    assert_type(StorageEngine.for_project("1", read_only=True), StorageEngine)
    assert_type(StorageEngine.open_existing(path, read_only=False), StorageEngine)
    assert_type(StorageEngine.ephemeral(), StorageEngine)
    with StorageEngine.memory() as engine:
        assert_type(engine, StorageEngine)
        assert_type(engine.path, Path | None)
        assert_type(engine.read_only, bool)
        assert_type(engine.connection, duckdb.DuckDBPyConnection)
        assert_type(engine.engine, sa.Engine)


def writing(engine: StorageEngine, meta: TableMetadata) -> None:
    """Records are iterables of typed mappings."""

    def events() -> Iterator[EventRecord]:
        yield {
            "event_name": "A",
            "event_time": "2024-01-01T00:00:00Z",
            "distinct_id": "u",
            "insert_id": "i",
            "properties": {"$os": "iOS"},
        }

    profiles: list[ProfileRecord] = [{"distinct_id": "u", "properties": {}}]
    heard: list[int] = []
    assert_type(engine.create_events_table("a", events(), meta), int)
    assert_type(engine.append_events_table("a", events(), meta, heard.append, 500), int)
    assert_type(engine.create_profiles_table("p", profiles, meta, progress_callback=print), int)
    assert_type(engine.append_profiles_table("p", profiles, meta, batch_size=10), int)
    assert_type(engine.load_export("e", ["a.jsonl", Path("b.gz")], meta, append=True), int)
    zoned = TableMetadata(type="events", fetched_at=datetime(2024, 1, 1), time_zone="US/Pacific")
    assert_type(engine.append_events_table("a", events(), zoned, replace=True), int)
    assert_type(zoned.time_zone, str | None)
    engine.create_events_table("a", profiles, meta)  # type: ignore[arg-type]
    engine.create_events_table("a", [{"event_name": "A"}], meta)  # type: ignore[typeddict-item]


def asking(engine: StorageEngine) -> None:
    """Each call has its own form of result; query keeps the types of the statement."""
    assert_type(engine.execute("SELECT 1"), duckdb.DuckDBPyRelation)
    assert_type(engine.execute("SELECT ?", [1]), duckdb.DuckDBPyRelation)
    assert_type(engine.execute_df("SELECT ?", [1]), pd.DataFrame)
    assert_type(engine.execute_rows("SELECT $x", {"x": 1}), SQLResult)
    assert_type(engine.execute_rows_params(sa.select(sa.literal(1)), {}), SQLResult)
    assert_type(engine.execute_scalar("SELECT 1"), Any)

    pairs = sa.select(JanuaryEvent.event_name, JanuaryEvent.event_time)
    for row in engine.query(pairs):
        name, time = row._tuple()
        assert_type(name, str)
        assert_type(time, datetime)
    seen: Sequence[sa.Row[datetime | None]] = engine.query(sa.select(Customer.last_seen))
    assert_type(engine.table("a"), sa.Table)
    assert seen


def mapped(engine: StorageEngine) -> None:
    """The mapped classes have typed attributes."""
    session = engine.session()
    assert_type(session, Session)
    for found in session.scalars(sa.select(JanuaryEvent)):
        assert_type(found, JanuaryEvent)
        assert_type(found.event_time, datetime)
        assert_type(found.insert_id, str)
    for name in engine.query(sa.select(event("a").event_name, OwnEvent.distinct_id)):
        assert_type(name._tuple(), tuple[str, str])
    for person in session.scalars(sa.select(profile("p"))):
        assert_type(person, Profile)
    for customer in session.scalars(sa.select(Customer)):
        assert_type(customer.last_seen, datetime | None)


def looking(engine: StorageEngine) -> None:
    """What is in the database comes as typed values."""
    assert_type(engine.list_tables(), list[TableInfo])
    assert_type(engine.list_tables()[0].type, TableKind)
    assert_type(engine.get_schema("a"), TableSchema)
    assert_type(engine.get_schema("a").columns, list[ColumnInfo])
    assert_type(engine.get_metadata("a"), TableMetadata)
    assert_type(engine.table_exists("a"), bool)
    assert_type(engine.get_metadata("a").from_date, str | None)
    assert_type(engine.load_history("a"), list[LoadInfo])
    assert_type(engine.loads()[0].time_offset, int | None)
    assert_type(engine.coverage("a"), Coverage)
    assert_type(engine.coverage("a").missing, list[date])


def exploring(engine: StorageEngine) -> None:
    """What is in a table comes as typed values."""
    assert_type(engine.sample("a", n=5, seed=1), pd.DataFrame)
    assert_type(engine.summarize("a").columns, list[ColumnSummary])
    assert_type(engine.event_breakdown("a").events, list[EventStats])
    assert_type(engine.event_breakdown("a").date_range, tuple[datetime, datetime])
    assert_type(engine.property_keys("a", event="b"), list[str])
    assert_type(engine.column_stats("a", "b", top_n=3).mean, float | None)
    assert_type(engine.column_stats("a", engine.table("a").c.b).df, pd.DataFrame)
    assert_type(engine.properties("a", event="b", sample=10).properties, list[PropertyInfo])
    assert_type(engine.property_values("a", "b", limit=3), list[str])
    shares = engine.property_distribution("a", None, "b", from_date="2024-01-01", limit=3)
    assert_type(shares, PropertyDistributionResult)
    assert_type(shares.values, tuple[PropertyValueCount, ...])
    assert_type(shares.to_dict(), dict[str, Any])
    assert_type(engine.sample_statement("a", 3, seed=1), sa.Select[Any])
    assert_type(engine.property_keys_statement("a", "b"), sa.Select[Any])
    assert_type(engine.sql_text(engine.property_keys_statement("a")), str)
    assert_type(engine.info(), WorkspaceInfo)
