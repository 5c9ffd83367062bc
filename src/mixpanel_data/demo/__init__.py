"""A month of a made-up music app in Mixpanel's export format: something to try the library with.

The data is the same every time. It has the oddities of real exports in small numbers: lines that
came twice, events without an ``$insert_id``, an ``$insert_id`` used for two events, an id that is
a number, a line separator inside a string.
"""

from __future__ import annotations

import gzip
import random
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import orjson

from mixpanel_data.demo.month import Event, events
from mixpanel_data.demo.people import DAYS, MONTH, Listener, listeners

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = ["DAYS", "MONTH", "write_export"]

_SEED = 20250301
_LISTENERS = 900


def write_export(directory: Path) -> tuple[Path, Path]:
    """Write ``events.jsonl.gz`` and ``profiles.jsonl.gz`` into *directory*; return their paths."""
    rng = random.Random(_SEED)  # noqa: S311 - it has to repeat itself, not to keep a secret
    people = listeners(rng, _LISTENERS)
    month = events(rng, people)
    profiles = list(_profiles(people, month))
    directory.mkdir(parents=True, exist_ok=True)
    return (
        _write(directory / "events.jsonl.gz", _with_oddities(rng, month)),
        _write(directory / "profiles.jsonl.gz", profiles),
    )


def _with_oddities(rng: random.Random, month: list[Event]) -> list[Event]:
    searches = [event for event in month if event["event"] == "search"]
    for event in rng.sample(month, 12):
        event["properties"].pop("$insert_id")
    searches[0]["properties"]["query"] = "line\u2028separator"
    searches[1]["properties"]["distinct_id"] = 4711
    # One $insert_id for two events: only the whole identity tells them apart.
    month[-1]["properties"]["$insert_id"] = month[-2]["properties"]["$insert_id"]
    repeated = rng.sample([e for e in month if "$insert_id" in e["properties"]], 30)
    return month + repeated


def _profiles(people: list[Listener], month: list[Event]) -> Iterator[dict[str, Any]]:
    seen = {event["properties"]["distinct_id"]: event["properties"]["time"] for event in month}
    subscribed = {e["properties"]["distinct_id"] for e in month if e["event"] == "subscribe"}
    for listener in people:
        properties = {
            "$name": listener.name,
            "$email": f"{listener.user_id}@example.com",
            "$city": listener.country.city,
            "$country_code": listener.country.code,
            "$created": listener.joined.isoformat(),
            "plan": "premium" if listener.user_id in subscribed else listener.plan,
            "devices": [{"id": listener.device_id, "os": listener.platform["$os"]}],
        }
        if listener.user_id in seen:
            properties["$last_seen"] = _naive_iso(seen[listener.user_id])
        yield {"$distinct_id": listener.user_id, "$properties": properties}


def _naive_iso(stamp: int) -> str:
    return datetime.fromtimestamp(stamp, timezone.utc).replace(tzinfo=None).isoformat()


def _write(path: Path, lines: Iterable[dict[str, Any]]) -> Path:
    # Neither a time nor a name in the gzip header: the same bytes every time.
    with path.open("wb") as file, gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
        packed.writelines(orjson.dumps(line) + b"\n" for line in lines)
    return path
