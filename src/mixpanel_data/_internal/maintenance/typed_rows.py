"""Typed rows in what is done with whole files."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from mixpanel_data._internal.duckdb.copy import checkpoint
from mixpanel_data._internal.duckdb.database import Database
from mixpanel_data._internal.schema import revisions, typed, versions
from mixpanel_data._internal.schema.typed import TypedRows
from mixpanel_data.types import Problem


def current(connection: sa.Connection) -> list[TypedRows]:
    """Return the typed rows that are as their tables are; a file of an older revision has none."""
    at_head = revisions.current_revision(connection) == versions.head()
    return typed.all_current(connection) if at_head else []


def problems(database: Database, connection: sa.Connection) -> Iterator[Problem]:
    """Yield the tables whose typed rows are not what their JSON says, read in full."""
    for rows in current(connection):
        if not typed.is_exact(connection, rows):
            words = ["mixpanel-data", "optimize", rows.table, "--db", str(database.path)]
            remedy = f"`{shlex.join(words)}`."
            yield Problem(rows.table, "has typed rows that differ from it.", remedy)


def guard_copy(database: Database, copy: Path) -> None:
    """Set the triggers of a database's typed rows in a copy, where DuckDB leaves them out."""
    with database.begin() as connection:
        guarded = current(connection)
    if guarded:
        with Database.open(copy) as copied:
            with copied.write(f"copy {database.path}") as connection:
                for rows in guarded:
                    typed.resume(connection, rows)
            checkpoint(copied.root_connection)
