"""The rows that everything is measured with: events of eleven properties, and files of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import orjson

START = datetime(2024, 1, 1)
NAMES = ("play", "pause", "skip", "page view", "sign up")


def events(count: int, first: int = 0) -> Iterator[Any]:
    """Yield *count* contract records."""
    for n in range(first, first + count):
        yield {
            "event_name": NAMES[n % 5],
            "event_time": START + timedelta(seconds=n),
            "distinct_id": f"user-{n % 5000}",
            "insert_id": f"{n * 2654435761 % 2**64:032x}",
            "properties": {
                "time": 1_704_067_200 + n,
                "$browser": "Chrome",
                "$city": "Paris",
                "mp_country_code": "FR",
                "amount": n * 0.25,
                "plan": "premium",
                "n": n,
                "ok": True,
                "$os": "Mac OS X",
                "track": f"song {n % 977}",
                "$lib_version": "2.45.0",
            },
        }


def metadata() -> Any:
    """Return the metadata of a fetch of events."""
    from mixpanel_data import TableMetadata

    return TableMetadata(type="events", fetched_at=datetime.now(timezone.utc))


def write_records(path: Path, count: int) -> None:
    """Write the records as they are, one JSON object a line."""
    with path.open("wb") as file:
        for row in events(count):
            file.write(orjson.dumps(row) + b"\n")


def write_export(path: Path, count: int) -> None:
    """Write the same events as Mixpanel exports them."""
    with path.open("wb") as file:
        for row in events(count):
            ids = {"distinct_id": row["distinct_id"], "$insert_id": row["insert_id"]}
            line = {"event": row["event_name"], "properties": {**row["properties"], **ids}}
            file.write(orjson.dumps(line) + b"\n")


def write_held(path: Path, count: int) -> None:
    """Write a database whose table ``e`` holds five times as many events."""
    from mixpanel_data import StorageEngine

    with StorageEngine(path) as storage:
        storage.create_events_table("e", events(5 * count), metadata())


def write_original(path: Path, count: int) -> None:
    """Write a database of the original library's, its table ``e`` with five times the events."""
    import duckdb

    from mixpanel_data import StorageEngine, maintenance

    with StorageEngine(path) as storage:
        storage.create_events_table("e", events(5 * count), metadata())
    maintenance.downgrade(path, "0001", backup=False)
    with duckdb.connect(str(path)) as connection:
        connection.execute("DROP TABLE _alembic_version")


PREPARED: dict[str, Callable[[Path, int], None]] = {
    "records.jsonl": write_records,
    "export.jsonl": write_export,
    "held.db": write_held,
    "original.db": write_original,
}
