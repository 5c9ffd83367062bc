"""What is in a table: CPU seconds of all threads, over events of 20 properties each.

Half of that is what two cores take for it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measure import SHARED, Run, measure
from benchmarks.rows import PREPARED, metadata
from benchmarks.typed import cpu

if TYPE_CHECKING:
    from mixpanel_data import StorageEngine

DATABASE = "wide.db"
_WIDE = """
    INSERT INTO events
    SELECT ['view', 'play', 'buy', 'login'][1 + d(i, 1, 4)],
        TIMESTAMP '2025-01-01' + to_seconds(5 * i), md5('user' || who), printf('%x', i),
        json_object(
            '$browser', ['Chrome', 'Safari', 'Firefox', 'Edge', 'Opera'][1 + d(who, 2, 5)],
            '$browser_version', 60 + d(who, 3, 80),
            '$os', ['Windows', 'iOS', 'Android'][1 + d(who, 4, 3)],
            '$city', 'City ' || d(who, 5, 3000), '$region', 'Region ' || d(who, 6, 400),
            'mp_country_code', 'US', 'plan', ['free', 'basic', 'pro'][1 + d(who, 7, 3)],
            '$screen_height', 600 + d(who, 8, 1400), '$screen_width', 800 + d(who, 9, 2200),
            '$user_id', md5('user' || who), '$device_id', md5('device' || who), 'mp_lib', 'web',
            '$lib_version', '2.' || d(i, 10, 5) || '.0',
            'session_id', printf('%08x-%x', who, i // 1000),
            'is_logged_in', d(i, 11, 3) = 0,
            '$current_url', 'https://example.com/' || d(i, 12, 977),
            'price', d(i, 13, 10000) / 100, 'quantity', 1 + d(i, 14, 9),
            '$mp_api_timestamp_ms', 1735689600000 + 5000 * i, 'time', 1735689600 + 5 * i)
    FROM (SELECT i, d(i, 15, 50000) AS who FROM range({count}) t(i))
"""
CALLS: dict[str, Callable[[StorageEngine], Any]] = {
    "sample": lambda s: s.sample("events"),
    "summarize": lambda s: s.summarize("events"),
    "event_breakdown": lambda s: s.event_breakdown("events"),
    "property_keys": lambda s: s.property_keys("events"),
    "column_stats of a property": lambda s: s.column_stats("events", "properties->>'$.plan'"),
    "property_values": lambda s: s.property_values("events", "$city"),
    "properties": lambda s: s.properties("events"),
}


def write_wide(path: Path, count: int) -> None:
    """Write a database of events of 20 properties, drawn by hashes."""
    from mixpanel_data import StorageEngine

    with StorageEngine(path) as storage:
        storage.index_limit = 0
        storage.create_events_table("events", [], metadata())
        connection = storage.connection
        connection.execute("CREATE TEMP MACRO d(i, n, k) AS (hash(16 * i + n) % k)::INTEGER")
        connection.execute(_WIDE.format(count=count))


PREPARED[DATABASE] = write_wide


def _explored(call: str) -> Run:
    def run(folder: Path, count: int) -> float:
        from mixpanel_data import StorageEngine

        with StorageEngine(folder / SHARED / DATABASE, read_only=True) as storage:
            return min(cpu(lambda: CALLS[call](storage)) for _ in range(3))

    return run


@measure("exploration: the keys of all documents, by hand", unit="CPU s", needs=DATABASE)
def keys_by_hand(folder: Path, count: int) -> float:
    import duckdb

    text = "SELECT sum(len(json_keys(properties))) FROM events"
    with duckdb.connect(str(folder / SHARED / DATABASE), read_only=True) as connection:
        return min(cpu(lambda: connection.execute(text).fetchall()) for _ in range(3))


for _call in CALLS:
    measure(f"exploration: {_call}", unit="CPU s", needs=DATABASE)(_explored(_call))
