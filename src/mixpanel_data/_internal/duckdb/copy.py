"""Whole databases by DuckDB itself: checkpoints, row counts, copies into new files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from mixpanel_data._internal.duckdb.dialect.search_path import system_functions_of
from mixpanel_data._internal.duckdb.files import create_private, publish, wal_path
from mixpanel_data._internal.duckdb.quoting import quoted
from mixpanel_data._internal.duckdb.temp_files import PrivateDirectory

_TARGET = "_rewritten"


def checkpoint(raw: duckdb.DuckDBPyConnection) -> None:
    """Write what the log holds into the file."""
    raw.execute("CHECKPOINT")


def compact_into(raw: duckdb.DuckDBPyConnection, destination: Path) -> None:
    """Write all of the database that *raw* is connected to into a new file, and nothing else.

    Raises:
        OSError: the new file does not hold the same rows.
    """
    version = storage_version(raw).rstrip("+")
    block = _ask(
        raw, "SELECT block_size FROM pragma_database_size() WHERE database_name = ?", _current(raw)
    )[0][0]
    options = f"STORAGE_VERSION '{version}', BLOCK_SIZE {block}"
    # DuckDB would make it readable by others until it can be changed.
    with PrivateDirectory.beside(destination) as made:
        raw.execute(f"ATTACH {_literal(made)} AS {_TARGET} ({options})")
        raw.execute(f"DETACH {_TARGET}")
        made.chmod(0o600)
        publish(made, destination)
    raw.execute(f"ATTACH {_literal(destination)} AS {_TARGET}")
    try:
        create_private(wal_path(destination))
        raw.execute(f"COPY FROM DATABASE {quoted(_current(raw))} TO {_TARGET}")
        refuse_different(row_counts(raw), row_counts(raw, _TARGET), destination)
        raw.execute(f"CHECKPOINT {_TARGET}")
    finally:
        raw.execute(f"DETACH {_TARGET}")


def storage_version(raw: duckdb.DuckDBPyConnection) -> str:
    """Return the version of DuckDB's file format, as "v1.0.0+": which DuckDB can read the file."""
    sql = "SELECT tags['storage_version'] FROM duckdb_databases() WHERE database_name = ?"
    return str(_ask(raw, sql, _current(raw))[0][0])


def row_counts(
    raw: duckdb.DuckDBPyConnection, database: str | None = None
) -> dict[tuple[str, str], int]:
    """Count the rows of every table of a database, by schema and name."""
    database = database or _current(raw)
    tables = _ask(
        raw, "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = ?", database
    )
    counts = {}
    for schema, table in tables:
        name = ".".join(map(quoted, (database, schema, table)))
        counts[schema, table] = int(_ask(raw, f"FROM {name} SELECT count(*)")[0][0])
    return counts


def refuse_different(original: object, copied: object, copy: Path) -> None:
    """Refuse a copy whose ``row_counts`` are not those of the original.

    Raises:
        OSError: they differ.
    """
    if copied != original:
        raise OSError(f"The copy {copy} does not hold what the original holds; try again.")


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _current(raw: duckdb.DuckDBPyConnection) -> str:
    return str(raw.execute("SELECT system.main.current_database()").fetchall()[0][0])


def _ask(raw: duckdb.DuckDBPyConnection, sql: str, *parameters: str) -> list[Any]:
    with system_functions_of(raw):
        return raw.execute(sql, parameters).fetchall()
