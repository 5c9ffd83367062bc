"""A way on from a write-ahead log that DuckDB refuses: cut it, and find out what that costs."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from mixpanel_data._internal.duckdb.copy import checkpoint
from mixpanel_data._internal.duckdb.database import Database
from mixpanel_data._internal.duckdb.errors import BAD_LOG, NEEDS_WRITING, query_errors
from mixpanel_data._internal.duckdb.files import resolve_path, wal_path
from mixpanel_data._internal.duckdb.temp_files import PrivateDirectory
from mixpanel_data._internal.duckdb.wal import Log, read_log
from mixpanel_data._internal.maintenance import backup as copies
from mixpanel_data._internal.schema import load_history
from mixpanel_data._internal.schema.tables import loads_table
from mixpanel_data.exceptions import (
    DamagedDatabaseError,
    DatabaseLockedError,
    DatabaseNotFoundError,
    MixpanelDataError,
)
from mixpanel_data.types import LoadInfo, Recovery

# What DuckDB adds to the name of a log.
_SUFFIXES = ("", ".checkpoint", ".recovery")


def recover(path: str | Path) -> Recovery:
    """Cut a damaged log at its last whole transaction, after copying all that is there.

    Where the file can be read and its log is whole, nothing is done.

    Raises:
        QueryError, OSError: the file itself cannot be read, with or without its log.
    """
    # DuckDB keeps the log beside the file itself.
    path = Path(os.path.realpath(resolve_path(path)))
    if not path.exists():
        raise DatabaseNotFoundError(path)
    log = read_log(wal_path(path))
    damaged = wal_path(path).exists() and (log is None or log.whole < len(log.data))
    try:
        _history(path)
        if not damaged:
            return Recovery(None, 0, 0, [])
    except DatabaseLockedError:
        # Its log is not damaged, but being written.
        raise
    except (MixpanelDataError, OSError) as error:
        if not damaged and not BAD_LOG.search(str(error)):
            raise
    copy = _keep(path)
    there = _history_of_all(copy, log)
    cut = _cut(path, log, copy)
    with query_errors(f"checkpoint {path}"), Database.open(path) as database:
        checkpoint(database.root_connection)
    kept = _history(path)
    lost = [load for load in there if load not in kept]
    commits = [entry for entry in log.later_entries() if entry.is_commit] if log else []
    return Recovery(copy, cut, max(len(commits), len(lost), int(cut > 0)), lost)


def _keep(path: Path) -> Path:
    """Copy a file and its logs under a name of their own, and return that."""
    number = 1
    while (copy := path.with_name(f"{path.name}.damaged{number}")).exists():
        number += 1
    for suffix in _SUFFIXES:
        source = Path(f"{wal_path(path)}{suffix}")
        if source.exists():
            copies.copy_file(source, Path(f"{wal_path(copy)}{suffix}"))
    copies.copy_file(path, copy)
    return copy


def _cut(path: Path, log: Log | None, copy: Path) -> int:
    """Cut the log at its last transaction with which the file can be read; return the bytes cut.

    Raises:
        DamagedDatabaseError: it cannot even be read without the log, which is there again.
    """
    size: int = wal_path(path).stat().st_size if wal_path(path).exists() else 0
    problem: Exception | None = None
    ends: list[int] = [*(log.commits if log else ()), 0]
    for end in ends:
        if size:
            os.truncate(wal_path(path), end)
        try:
            _history(path)
        except DatabaseLockedError:
            raise
        except (MixpanelDataError, OSError) as error:
            problem = error
        else:
            return size - end
    if size:
        shutil.copyfile(wal_path(copy), wal_path(path))
    raise DamagedDatabaseError(
        f"{path} cannot be read without its log, either, and is as it was: {problem}. Restore a"
        f" backup, or load the tables again into a new file. Copy: {copy}",
        db_path=str(path),
    )


def _history(path: Path, *, read_only: bool = True) -> list[LoadInfo]:
    """Return the loads in a file.

    Raises:
        MixpanelDataError, OSError: it does not open, or cannot be read.
    """
    try:
        with (
            Database.open(path, read_only=read_only) as database,
            database.transaction("read the history of loads") as connection,
        ):
            return load_history.history(connection)
    except OSError as error:
        if not read_only or not NEEDS_WRITING.search(str(error)):
            raise
    with PrivateDirectory.beside(path) as scratch:
        copies.copy_file(path, scratch)
        copies.copy_file(wal_path(path), wal_path(scratch))
        return _history(scratch, read_only=False)


def _history_of_all(copy: Path, log: Log | None) -> list[LoadInfo]:
    """Return all loads that can be read, those in the damaged part of the log too.

    DuckDB reads their rows itself, out of a log in which nothing else follows the whole part.
    """
    if log is None:
        return []
    with PrivateDirectory.beside(copy) as scratch:
        shutil.copyfile(copy, scratch)
        wal_path(scratch).write_bytes(log.with_inserts_into(loads_table.name))
        try:
            return _history(scratch, read_only=False)
        except (MixpanelDataError, OSError):
            return []
