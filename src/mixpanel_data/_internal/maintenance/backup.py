"""Copies of database files: byte by byte, or rewritten without the space that nothing uses."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mixpanel_data._internal.duckdb.files import create_private, open_shared, read_at, wal_path

if TYPE_CHECKING:
    import duckdb

_CHUNK = 1 << 24


def copy_file(source: Path, destination: Path) -> None:
    """Copy a file that this process may have open and locked, to a private one.

    Raises:
        FileExistsError: the destination is there.
        OSError: it cannot be written; what was written of it is gone.
    """
    opened = open_shared(source)
    target = os.open(destination, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with removed_on_error(destination), os.fdopen(target, "wb") as file:
        while chunk := read_at(opened, _CHUNK, file.tell()):
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def removed_on_error(*files: Path) -> Iterator[None]:
    """Remove *files* when the block fails."""
    try:
        yield
    except BaseException:
        for file in files:
            with suppress(OSError):
                file.unlink()
        raise


def compact_into(raw: duckdb.DuckDBPyConnection, destination: Path) -> None:
    """Write all of the database that *raw* is connected to into a new file, and nothing else.

    Raises:
        OSError: the new file does not hold the same rows.
    """
    path, version = str(destination).replace("'", "''"), storage_version(raw).rstrip("+")
    block = raw.execute(
        "SELECT block_size FROM pragma_database_size() WHERE database_name = current_database()"
    ).fetchall()[0][0]
    raw.execute(f"ATTACH '{path}' AS _rewritten (STORAGE_VERSION '{version}', BLOCK_SIZE {block})")
    try:
        # Before there are rows in it, and in the log that the rows go through.
        destination.chmod(0o600)
        create_private(wal_path(destination))
        raw.execute(f"COPY FROM DATABASE {_quoted(_current(raw))} TO _rewritten")
        _refuse_different(_row_counts(raw), _row_counts(raw, "_rewritten"), destination)
        raw.execute("CHECKPOINT _rewritten")
    finally:
        raw.execute("DETACH _rewritten")


def storage_version(raw: duckdb.DuckDBPyConnection) -> str:
    """Return the version of DuckDB's file format, as "v1.0.0+": which DuckDB can read the file."""
    sql = (
        "SELECT tags['storage_version'] FROM duckdb_databases()"
        " WHERE database_name = current_database()"
    )
    return str(raw.execute(sql).fetchall()[0][0])


def check_same(
    original: duckdb.DuckDBPyConnection, copied: duckdb.DuckDBPyConnection, copy: Path
) -> None:
    """Refuse a copy that does not hold the same tables with the same numbers of rows.

    Raises:
        OSError: it does not.
    """
    _refuse_different(_row_counts(original), _row_counts(copied), copy)


def atomic_replace(new: Path, old: Path) -> None:
    """Let *new* take the place of *old*, its mode too, at once and for good."""
    new.chmod(old.stat().st_mode & 0o777)
    _sync(new)
    new.replace(old)
    _sync(old.parent)


def _row_counts(
    raw: duckdb.DuckDBPyConnection, database: str | None = None
) -> dict[tuple[str, str], int]:
    """Count the rows of every table of a database, by schema and name."""
    database = database or _current(raw)
    tables = raw.execute(
        "SELECT schema_name, table_name FROM duckdb_tables()"
        " WHERE database_name = ? AND NOT temporary",
        [database],
    ).fetchall()
    counts = {}
    for schema, table in tables:
        name = ".".join(map(_quoted, (database, schema, table)))
        counts[schema, table] = int(raw.execute(f"FROM {name} SELECT count(*)").fetchall()[0][0])
    return counts


def _refuse_different(original: object, copied: object, copy: Path) -> None:
    if copied != original:
        raise OSError(f"The copy {copy} does not hold what the original holds; try again.")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _current(raw: duckdb.DuckDBPyConnection) -> str:
    return str(raw.execute("SELECT current_database()").fetchall()[0][0])


def _quoted(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'
