"""Database files of this process: shared descriptors, private modes, the write-ahead log."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_MAGIC, _MAGIC_AT = b"DUCK", 8
# The files that this process has looked into, by device and inode, each held open: closing any
# descriptor of a file drops every POSIX lock that the process has on it, DuckDB's own included.
_open_files: dict[tuple[int, int], int] = {}


def open_shared(path: Path) -> int:
    """Return a descriptor for reading the file, which stays open: see ``_open_files``."""
    status = path.stat()
    place = status.st_dev, status.st_ino
    if place not in _open_files:
        _open_files[place] = os.open(path, os.O_RDONLY)
    return _open_files[place]


def close_shared(open_descriptor: int) -> None:
    """Close what ``descriptor`` gave, of a file that nothing in this process has open any more."""
    for place, held in list(_open_files.items()):
        if held == open_descriptor:
            os.close(_open_files.pop(place))


def read_at(opened: int, size: int, at: int) -> bytes:
    """Read from *at* on. Threads share the descriptor of a file, and so its position."""
    if hasattr(os, "pread"):
        return os.pread(opened, size, at)
    os.lseek(opened, at, os.SEEK_SET)
    return os.read(opened, size)


def wal_path(path: Path) -> Path:
    """Return the path of a database's write-ahead log."""
    # DuckDB takes what follows a "?" for options, and keeps it at the end.
    name, mark, rest = path.name.partition("?")
    return path.with_name(f"{name}.wal{mark}{rest}")


def create_private(path: Path) -> None:
    """Make an empty file that its owner alone may read, unless there is one."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def sync(path: Path) -> None:
    """Wait until a file, or the names in a directory, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def publish(new: Path, path: Path) -> None:
    """Give a finished file its final name, at once and for good.

    Raises:
        FileExistsError: the name is taken.
    """
    sync(new)
    try:
        os.link(new, path)
    except FileExistsError:
        raise
    except OSError:
        # A file system without hard links.
        if path.exists():
            raise FileExistsError(f"{path} is there already.") from None
        new.rename(path)
    else:
        new.unlink()
    sync(path.parent)


def is_duckdb_file(path: Path) -> bool:
    """Return whether the file begins as DuckDB's do."""
    return read_at(open_shared(path), len(_MAGIC), _MAGIC_AT) == _MAGIC
