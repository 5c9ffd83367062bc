"""Tables of events made from short tuples, and one that is no table of events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from mixpanel_data import StorageEngine
from tests.support import clickhouse
from tests.support.factories import metadata

Make = Callable[..., StorageEngine]


@pytest.fixture(params=["duckdb", pytest.param("clickhouse", marks=pytest.mark.clickhouse)])
def storage(request: pytest.FixtureRequest) -> Iterator[StorageEngine]:
    """Yield an engine without a file, of each kind in turn."""
    with StorageEngine.memory() if request.param == "duckdb" else clickhouse.connect() as opened:
        yield opened


@pytest.fixture
def make(storage: StorageEngine) -> Make:
    """Return a function that makes the table ``events`` of (name, time, user, properties)."""

    def made(rows: Iterable[tuple[str, str, str, dict[str, Any]]] = ()) -> StorageEngine:
        records: list[Any] = [
            {
                "event_name": name,
                "event_time": time,
                "distinct_id": user,
                "insert_id": f"id-{number:05}",
                "properties": properties,
            }
            for number, (name, time, user, properties) in enumerate(rows)
        ]
        storage.create_events_table("events", records, metadata())
        return storage

    return made


@pytest.fixture
def profiles(memory: StorageEngine) -> StorageEngine:
    """Return an engine with a table ``people`` of three profiles."""
    plans: list[Any] = [
        {"distinct_id": user, "properties": {"plan": plan}}
        for user, plan in [("ann", "pro"), ("bob", "free"), ("cat", "pro")]
    ]
    memory.create_profiles_table("people", plans, metadata("profiles"))
    return memory


@pytest.fixture
def other(memory: StorageEngine) -> StorageEngine:
    """Return an engine with a table ``numbers``, which this library did not make."""
    memory.connection.execute(
        "CREATE TABLE numbers AS SELECT i::INTEGER AS n, i / 4 AS ratio,"
        " CASE WHEN i < 2 THEN 'low' END AS label, DATE '2024-01-01' + i::INTEGER AS day,"
        " (i * 1.25)::DECIMAL(10, 2) AS price FROM range(4) t(i)"
    )
    return memory
