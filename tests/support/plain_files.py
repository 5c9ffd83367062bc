"""Database files as the original library left them, and strangers' files; and what is in one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

CATALOG = """CREATE TABLE _metadata (table_name VARCHAR PRIMARY KEY, type VARCHAR NOT NULL,
    fetched_at TIMESTAMP NOT NULL, from_date DATE, to_date DATE, row_count INTEGER NOT NULL)"""
EVENTS = """CREATE TABLE {} (event_name VARCHAR NOT NULL, event_time TIMESTAMP NOT NULL,
    distinct_id VARCHAR NOT NULL, insert_id VARCHAR PRIMARY KEY, properties JSON)"""
ROWS = """INSERT INTO {} SELECT 'play', TIMESTAMP '2025-03-01' + to_seconds(n), 'u' || n % 7,
    'id-' || n, json_object('n', n) FROM range({}) t(n)"""


def do(path: Path, *statements: str) -> Path:
    """Run statements on a file, with nothing of the library's in between."""
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            connection.execute(statement)
    return path


def ask(path: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(query).fetchall()


def original(path: Path, rows: int = 5) -> Path:
    """Write a file as the original library did, with one events table."""
    entry = ("events", "events", "2025-04-01 12:30:00", "2025-03-01", "2025-03-31", rows)
    return do(
        path,
        CATALOG,
        EVENTS.format("events"),
        ROWS.format("events", rows),
        f"INSERT INTO _metadata VALUES {entry}",
    )


def stranger(path: Path) -> Path:
    """Write a file with nothing of the library's in it."""
    return do(path, "CREATE TABLE songs AS SELECT 1 AS id", "CREATE VIEW top AS FROM songs")
