"""Open a database file without touching the network, and set up its session."""

from __future__ import annotations

import os
import re
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb

_MAGIC, _MAGIC_AT = b"DUCK", 8
# What DuckDB reads as "open this with an extension" (or over the network) rather than as a path.
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9_+]+:")

# Set after connecting: DuckDB refuses a second connection whose configuration differs, so a
# configuration of ours would shut out a plain duckdb.connect() of the same file.
_SESSION = {
    "autoinstall_known_extensions": "false",
    # Else DuckDB draws one on stdout, where a program's results go, in any Python it takes for an
    # interactive one: under -c and -m, too.
    "enable_progress_bar": "false",
    "python_enable_replacements": "false",
    "TimeZone": "UTC",
}


# The files that this process has looked into, by device and inode, each held open: closing any
# descriptor of a file drops every POSIX lock that the process has on it, DuckDB's own included.
_looked_into: dict[tuple[int, int], int] = {}

# The last connection to each path; while one lives, the file is known to be DuckDB's.
_connected: weakref.WeakValueDictionary[str, duckdb.DuckDBPyConnection] = (
    weakref.WeakValueDictionary()
)


def open_database(
    database: str, config: dict[str, Any], read_only: bool = False
) -> duckdb.DuckDBPyConnection:
    """Connect to a file, or to ``:memory:`` with an optional name."""
    if not database.startswith(":memory:") and database not in _connected:
        _refuse_foreign(database)
    chosen = {name.lower(): value for name, value in config.items()}
    ours = {name.lower() for name in _SESSION}
    config = {name: value for name, value in config.items() if name.lower() not in ours}
    raw = duckdb.connect(database, read_only=read_only, config=config)
    for name, default in _SESSION.items():
        value = str(chosen.get(name.lower(), default)).replace("'", "''")
        raw.execute(f"SET {name} = '{value}'")
    _connected[database] = raw
    return raw


def _refuse_foreign(database: str) -> None:
    """Refuse what DuckDB would fetch an extension for: another format, or another protocol."""
    if _SCHEME.match(database):
        raise duckdb.IOException(f'IO Error: "{database}" is not a local DuckDB database file')
    path = Path(database).expanduser()
    if path.is_file() and not _is_duckdb(path):
        size = "" if path.stat().st_size else "empty, and "
        raise duckdb.IOException(f'IO Error: "{path}" is {size}not a DuckDB database file')


def descriptor(path: Path) -> int:
    """Give a descriptor for reading the file, which stays open: see ``_looked_into``."""
    status = path.stat()
    place = status.st_dev, status.st_ino
    if place not in _looked_into:
        _looked_into[place] = os.open(path, os.O_RDONLY)
    return _looked_into[place]


def release(open_descriptor: int) -> None:
    """Close what ``descriptor`` gave, of a file that nothing in this process has open any more."""
    for place, held in list(_looked_into.items()):
        if held == open_descriptor:
            os.close(_looked_into.pop(place))


def read_at(opened: int, size: int, at: int) -> bytes:
    """Read from *at* on. Threads share the descriptor of a file, and so its position."""
    if hasattr(os, "pread"):
        return os.pread(opened, size, at)
    os.lseek(opened, at, os.SEEK_SET)
    return os.read(opened, size)


def log_of(path: Path) -> Path:
    """Give the path of a database's write-ahead log."""
    # DuckDB takes what follows a "?" for options, and keeps it at the end.
    name, mark, rest = path.name.partition("?")
    return path.with_name(f"{name}.wal{mark}{rest}")


def create_private(path: Path) -> None:
    """Make an empty file that its owner alone may read, unless there is one."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _is_duckdb(path: Path) -> bool:
    return read_at(descriptor(path), len(_MAGIC), _MAGIC_AT) == _MAGIC
