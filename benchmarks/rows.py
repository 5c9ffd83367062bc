"""The rows that everything is measured with: events of eleven properties, and their export."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
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


def write_export(path: Path, count: int) -> None:
    """Write the same events as Mixpanel exports them."""
    with path.open("wb") as file:
        for row in events(count):
            ids = {"distinct_id": row["distinct_id"], "$insert_id": row["insert_id"]}
            line = {"event": row["event_name"], "properties": {**row["properties"], **ids}}
            file.write(orjson.dumps(line) + b"\n")
