"""The events that reports are measured with: 60 days of a product whose few best users do much.

All is drawn by the hash of a number, so that every run has the same rows.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.rows import PREPARED, metadata

FROM, TO = "2025-01-01", "2025-03-01"  # 60 days, both inclusive
STEPS = ("view_item", "add_to_cart", "checkout", "purchase")
_LENGTH = 7  # events of a session, on average
_ATTEMPTS = 5_000  # of the bot, an event every 250 seconds

_NAMES = {
    **{"page_view": 27, "app_open": 15, "view_item": 14, "search": 11, "add_to_cart": 7},
    **{"play": 7, "checkout": 5, "purchase": 4, "share": 4, "login": 3, "signup": 3},
}
_EVENTS = f"""
    WITH drawn AS (
        SELECT s, ({{users}} * ((_1 + 0.05) ** 2.6 - 0.0004) / 1.1347)::INTEGER AS who, _2, _3,
            (_4 + _5 + _6) / 3 AS hour, 1 + floor(ln(_7) / ln(1 - 1 / {_LENGTH})) AS length,
            floor(_8 * 30) AS pause
        FROM (SELECT s, {", ".join(f"(hash(s, {n}) + 1) / 2.0 ** 64 AS _{n}" for n in range(1, 9))}
              FROM range({{sessions}}) t(s))
    ), sessions AS (
        SELECT *, 86400 * (least(59, floor(-18 * ln((hash(who, 9) + 1) / 2.0 ** 64))
            + floor(-14 * ln(_2) * _3)) + hour) AS start
        FROM drawn
    ), events AS (
        SELECT *, unnest(range(length::BIGINT)) AS n FROM sessions
    ), moments AS (
        -- One of a hundred is at the time of the one before.
        SELECT *, n - (n > 0 AND hash(s, n, 10) % 100 = 0)::BIGINT AS m FROM events
    ), times AS (
        SELECT *, floor(1000 * (start + 90 * m + hash(s, m, 11) % 120
            + CASE WHEN m > pause THEN 2400 ELSE 0 END)) AS ms
        FROM moments
    )
    SELECT {[name for name, share in _NAMES.items() for _ in range(share)]}
            [1 + (hash(s, n, 12) % 100)::INTEGER] AS event_name,
        make_timestamp((ms * 1000)::BIGINT + epoch_us(TIMESTAMP '{FROM}')) AS event_time,
        format('user-{{{{:06d}}}}-{{{{:08x}}}}', who, hash(who, 13) >> 32) AS distinct_id,
        printf('%016x-%07x%04x', hash(s, n, 14), s, n) AS insert_id,
        json_object(
            'browser', ['Chrome', 'Safari', 'Firefox', 'Edge'][1 + (hash(who, 15) % 4)::INTEGER],
            'country', ['US', 'DE', 'GB', 'FR', 'IN'][1 + (hash(who, 16) % 5)::INTEGER],
            'amount', 1 + hash(s, n, 17) % 500, 'page', '/p/' || hash(s, n, 18) % 400) AS properties
    FROM times WHERE ms < 60 * 86400000.0
    ORDER BY ms // 86400000, insert_id
"""
_BOT = f"""
    SELECT {list(STEPS)}[1 + i % 4], TIMESTAMP '{FROM}' + to_seconds(250 * i), 'bot', 'bot-' || i,
        '{{"browser":"Bot","country":"US","amount":1,"page":"/"}}'
    FROM range({4 * _ATTEMPTS}) t(i)
"""


def _write(path: Path, count: int) -> None:
    from mixpanel_data import StorageEngine

    select = _EVENTS.format(users=max(count // 50, 100), sessions=count // _LENGTH)
    with StorageEngine(path) as storage:
        storage.index_limit = 0
        storage.create_events_table("events", [], metadata())
        storage.connection.execute("INSERT INTO events " + select)


def _beside(path: Path, count: int) -> Path:
    """Return the database of the events, which is written where it is missing."""
    events = path.with_name("skewed.db")
    if not events.exists():
        write_events(events, count)
    return events


def write_events(path: Path, count: int) -> None:
    """Write a database whose table ``events`` holds about five times as many events."""
    _write(path, 5 * count)


def write_twice(path: Path, count: int) -> None:
    """Write one of twice the events and users."""
    _write(path, 10 * count)


def write_with_bot(path: Path, count: int) -> None:
    """Write one with the same events, and those of a bot."""
    import duckdb

    shutil.copyfile(_beside(path, count), path)
    with duckdb.connect(str(path)) as connection:
        connection.execute("INSERT INTO events " + _BOT)


def write_parquet(path: Path, count: int) -> None:
    """Write the same events as a Parquet file."""
    import duckdb

    with duckdb.connect(str(_beside(path, count)), read_only=True) as connection:
        # JSON would be binary for polars.
        text = "SELECT * REPLACE (properties::VARCHAR AS properties) FROM events"
        connection.execute(f"COPY ({text}) TO '{path}' (FORMAT parquet)")


def write_clickhouse(path: Path, count: int) -> None:
    """Write the same events as a table of ClickHouse's, where it is installed."""
    try:
        from chdb.session import Session
    except ModuleNotFoundError:
        return
    parquet = path.with_name("skewed.parquet")
    if not parquet.exists():
        write_parquet(parquet, count)
    session = Session(str(path))
    session.query(
        "CREATE TABLE events (event_name LowCardinality(String), event_time DateTime64(6, 'UTC'),"
        " distinct_id String, insert_id String, properties String)"
        " ENGINE = MergeTree ORDER BY tuple()"
    )
    session.query(f"INSERT INTO events SELECT * FROM file('{parquet}', Parquet)")
    session.close()


PREPARED.update(
    {
        "skewed.db": write_events,
        "twice.db": write_twice,
        "skewed_bot.db": write_with_bot,
        "skewed.parquet": write_parquet,
        "skewed.ch": write_clickhouse,
    }
)
