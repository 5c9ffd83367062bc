"""Database files as earlier versions or strangers left them, and what can be seen in a file."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import duckdb

from mixpanel_data import maintenance

ASSETS = Path(__file__).parents[1] / "maintenance" / "assets"
REVISIONS = [revision.id for revision in maintenance.history()]
HEAD = REVISIONS[-1]

CATALOG = """CREATE TABLE _metadata (table_name VARCHAR PRIMARY KEY, type VARCHAR NOT NULL,
    fetched_at TIMESTAMP NOT NULL, from_date DATE, to_date DATE, row_count INTEGER NOT NULL)"""
EVENTS = """CREATE TABLE "{}" (event_name VARCHAR NOT NULL, event_time TIMESTAMP NOT NULL,
    distinct_id VARCHAR NOT NULL, insert_id VARCHAR PRIMARY KEY, properties JSON)"""
PROFILES = """CREATE TABLE "{}" (distinct_id VARCHAR PRIMARY KEY, properties JSON,
    last_seen TIMESTAMP)"""
# What a later revision adds to users' tables is not looked at.
_FIRST_COLUMNS = ("event_name", "event_time", "distinct_id", "insert_id", "properties", "last_seen")
_ROWS = """INSERT INTO "{}" SELECT 'Event ' || n % 3, TIMESTAMP '2024-01-01' + to_minutes(n),
    'user-' || n % 5, 'id-' || n * 7919 % 15485863, json_object('n', n, 'text', repeat('x', {}))
    FROM range({}) t(n)"""


def asset(revision: str, folder: Path) -> Path:
    """Copy the file that was written when *revision* was made."""
    return Path(shutil.copy(ASSETS / f"{revision}.db", folder / "old.db"))


def do(path: Path, *statements: str) -> Path:
    """Run statements on a file by DuckDB alone."""
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            connection.execute(statement)
    return path


def ask(path: Path, query: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query that DuckDB alone answers."""
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(query).fetchall()


def unregistered(path: Path, name: str, rows: int, *, text: int = 1) -> Path:
    """Write an events table of so many rows that no catalogue names."""
    return do(path, EVENTS.format(name), _ROWS.format(name, text, rows))


def original(path: Path, tables: dict[str, int], *, text: int = 1) -> Path:
    """Write a file as the original library did, with events tables of so many rows."""
    do(path, CATALOG)
    for name, rows in tables.items():
        unregistered(path, name, rows, text=text)
        entry = (name, "events", "2024-02-01 12:30:00", "2024-01-01", "2024-01-31", rows)
        do(path, f"INSERT INTO _metadata VALUES {entry}")
    return path


def stranger(path: Path) -> Path:
    """Write a file with nothing of the library's in it."""
    return do(path, "CREATE TABLE songs AS SELECT 1 AS id", "CREATE VIEW top AS FROM songs")


def contents(path: Path) -> dict[str, Any]:
    """Return all that users have in a file, in order: rows, comments, keys, indexes, catalogue."""
    with duckdb.connect(str(path), read_only=True) as connection:

        def ask(sql: str) -> list[tuple[Any, ...]]:
            return connection.execute(sql).fetchall()

        listed = "FROM duckdb_{0}() WHERE NOT starts_with(table_name, '_') ORDER BY ALL"
        tables = ask("SELECT table_name, comment " + listed.format("tables"))
        return {
            "tables": tables,
            "rows": {name: ask(_all_rows(connection, name)) for name, _ in tables},
            "columns": ask(
                "SELECT table_name, column_index, column_name, data_type, is_nullable, comment "
                "FROM duckdb_columns() WHERE NOT internal AND NOT starts_with(table_name, '_') "
                f"AND (column_name IN {_FIRST_COLUMNS} OR table_name IN ('notes', 'busy')) "
                "ORDER BY ALL"
            ),
            "keys": ask(
                "SELECT table_name, constraint_type, constraint_column_names "
                + listed.format("constraints")
            ),
            "indexes": ask("SELECT table_name, sql " + listed.format("indexes")),
            "views": ask("SELECT view_name, sql FROM duckdb_views() WHERE NOT internal"),
            "catalogue": ask(
                "SELECT table_name, type, fetched_at, from_date, to_date, row_count FROM _metadata"
                " ORDER BY table_name"
            )
            if ask("FROM duckdb_tables() WHERE table_name = '_metadata'")
            else [],
        }


def _all_rows(connection: duckdb.DuckDBPyConnection, name: str) -> str:
    columns = [column[0] for column in connection.execute(f'DESCRIBE "{name}"').fetchall()]
    ours = [column for column in columns if column in _FIRST_COLUMNS]
    return 'FROM "{}" SELECT {}'.format(name, ", ".join(ours or columns))


def without_keys(seen: dict[str, Any]) -> dict[str, Any]:
    """Leave out what a revision may change: whether a large table has its key as an index."""
    return {**seen, "keys": [], "columns": [c[:4] + c[5:] for c in seen["columns"]]}


def schema(path: Path) -> list[tuple[Any, ...]]:
    """Return the columns of the internal tables."""
    return ask(
        path,
        "SELECT table_name, column_name, data_type, is_nullable FROM duckdb_columns()"
        " WHERE starts_with(table_name, '_') ORDER BY table_name, column_index",
    )


def revision_of(path: Path) -> str | None:
    """Return the revision that a file is at."""
    return maintenance.status(path).revision


def stamp(path: Path, revision: str) -> Path:
    """Write another revision into a file."""
    return do(path, f"UPDATE _alembic_version SET version_num = '{revision}'")


def as_json(value: object) -> str:
    """Return what was seen as text, to pass between processes."""
    return json.dumps(value, default=str, sort_keys=True)
