"""A way on from a write-ahead log that DuckDB refuses: cut it, and find out what that costs."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from mixpanel_data._internal.duckdb.copy import checkpoint
from mixpanel_data._internal.duckdb.database import Database
from mixpanel_data._internal.duckdb.errors import NEEDS_WRITING
from mixpanel_data._internal.duckdb.files import resolve_path, wal_path
from mixpanel_data._internal.duckdb.temp_files import PrivateDirectory
from mixpanel_data._internal.duckdb.wal import Log, read_log
from mixpanel_data._internal.maintenance import backup as copies
from mixpanel_data._internal.schema import load_history
from mixpanel_data._internal.schema.tables import loads_table
from mixpanel_data.exceptions import DatabaseLockedError, DatabaseNotFoundError, MixpanelDataError
from mixpanel_data.types import LoadInfo, Recovery

# What DuckDB adds to the name of a log.
_SUFFIXES = ("", ".checkpoint", ".recovery")


def recover(path: str | Path) -> Recovery:
    """Cut a damaged log at its last whole transaction, after copying all that is there.

    Where the file opens and its log is whole, nothing is done.

    Raises:
        OSError: the file itself cannot be opened, with or without its log.
    """
    # DuckDB keeps the log beside the file itself.
    path = Path(os.path.realpath(resolve_path(path)))
    if not path.exists():
        raise DatabaseNotFoundError(path)
    log = read_log(wal_path(path))
    damaged = wal_path(path).exists() and (log is None or log.whole < len(log.data))
    if not damaged and _history(path) is not None:
        return Recovery(None, 0, 0, [])
    _refuse(path)
    copy = _keep(path)
    there = _history_of_all(copy, log)
    cut = _cut(path, log)
    with Database.open(path) as database:
        checkpoint(database.root_connection)
    kept = _history(path) or []
    lost = [load for load in there if load not in kept]
    commits = [entry for entry in log.later_entries() if entry.is_commit] if log else []
    return Recovery(copy, cut, max(len(commits), len(lost), bool(cut)), lost)


def _refuse(path: Path) -> None:
    """Refuse a file whose log is being written, or that does not open though it has none."""
    try:
        Database.open(path, read_only=True).close()
    except (MixpanelDataError, OSError) as error:
        if isinstance(error, DatabaseLockedError) or not _logs(path):
            raise


def _logs(path: Path) -> dict[str, Path]:
    """Return the logs beside a database by their suffixes."""
    logs = {suffix: Path(f"{wal_path(path)}{suffix}") for suffix in _SUFFIXES}
    return {suffix: log for suffix, log in logs.items() if log.exists()}


def _keep(path: Path) -> Path:
    """Copy a file and its logs under a name of their own, and return that."""
    number = 1
    while (copy := path.with_name(f"{path.name}.damaged{number}")).exists():
        number += 1
    for suffix, log in _logs(path).items():
        copies.copy_file(log, Path(f"{wal_path(copy)}{suffix}"))
    copies.copy_file(path, copy)
    return copy


def _cut(path: Path, log: Log | None) -> int:
    """Cut the log at its last transaction with which the file opens; return the bytes cut."""
    size: int = wal_path(path).stat().st_size if wal_path(path).exists() else 0
    ends: list[int] = [*(log.commits if log else ()), 0]
    for end in ends:
        if size:
            os.truncate(wal_path(path), end)
        if end == 0 or _history(path) is not None:
            return size - end
    return size


def _history(path: Path, *, read_only: bool = True) -> list[LoadInfo] | None:
    """Return the loads in a file, or None where it does not open."""
    try:
        with Database.open(path, read_only=read_only) as database, database.begin() as connection:
            return load_history.history(connection)
    except DatabaseLockedError:
        raise
    except (MixpanelDataError, OSError) as error:
        if not read_only or not NEEDS_WRITING.search(str(error)):
            return None
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
        return _history(scratch, read_only=False) or []
