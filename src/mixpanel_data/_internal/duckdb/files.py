"""Database files of this process: their paths, shared descriptors, private modes, their logs."""

from __future__ import annotations

import os
import re
import stat
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import duckdb
import sqlalchemy as sa

from mixpanel_data._internal.duckdb.temp_files import BINARY, PrivateDirectory
from mixpanel_data.exceptions import DatabaseLockedError, ForkedEngineError, UnsupportedError

Result = TypeVar("Result")

Place = tuple[int, int]
"""A file whatever it is called: its device and inode."""

# Seconds between two tries for a lock.
_RETRY = 0.05
# Windows has no descriptors of directories, and replaces no file that is open.
HAS_DIRECTORIES = hasattr(os, "O_DIRECTORY")
# A Path has lost one of the two slashes; a single letter is a drive of Windows.
_SERVER = re.compile(r"clickhouse(db)?(\+\w+)?:/")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
_MAGIC, _MAGIC_AT = b"DUCK", 8
# What file systems take, with what DuckDB may add for the log beside a database.
_LONGEST_NAME = 255 - len(".wal.checkpoint")
# The files that this process has looked into, each held open: closing any descriptor of a file
# drops every POSIX lock that the process has on it, DuckDB's own included.
_open_files: dict[Place, int] = {}
# The files that the parent had open at a fork, and the parent: DuckDB would use what it has of
# them in memory, and the lock on them is the parent's.
_inherited: dict[Place, int] = {}
# Held while a file is opened, and while a descriptor is closed of which no other is open.
opening = threading.RLock()


def resolve_path(path: str | Path) -> Path:
    """Return the absolute path that a user's *path* means, with ``~`` for the home directory.

    Raises:
        ValueError: it is empty, a URL, or means a database in memory.
        UnsupportedError: it is the URL of a server.
        OSError: there is no such home directory, DuckDB cannot open files of this name, or what is
            there is no file.
    """
    text = os.fspath(path)
    if _SERVER.match(text):
        raise UnsupportedError(
            "This is for DuckDB files, and not for a database on a ClickHouse server. Open that"
            " with StorageEngine.connect(url); back it up, check and change it by the server's own"
            " BACKUP, CHECK TABLE and ALTER TABLE.",
            engine="clickhouse",
        )
    if not text or text.startswith(":memory:"):
        raise ValueError(
            f"{text!r} is not the path of a file. Use StorageEngine.memory() for a database without"
            " one, or StorageEngine.ephemeral() for a file that is not kept."
        )
    if _URL.match(text):
        raise ValueError(
            f"{text!r} is a URL, and not the path of a file. Use StorageEngine.connect(url) for"
            f" duckdb:///PATH, or write ./{text} for a path that begins so."
        )
    # A Path of "./~" would have lost what makes it no home directory.
    absolute = Path(os.path.expanduser(text)).absolute()
    if text.startswith("~") and absolute == Path(text).absolute():
        raise OSError(
            f"Failed to create database at {text}: there is no such home directory. Write"
            f" ./{text}, or the absolute path, for a file of that name, or set HOME."
        )
    if problem := _problem(absolute):
        name = str(absolute).encode(errors="backslashreplace").decode()
        raise OSError(f"Failed to create database at {name}: {problem}.")
    return absolute


def _problem(path: Path) -> str | None:
    """Return why DuckDB cannot open a path, or would open another file, or wait for ever."""
    if str(path).encode(errors="replace").decode() != str(path):
        return "its name is not UTF-8. Choose another name"
    if os.sep == "/" and "\\" in str(path):
        return "DuckDB takes a backslash for a slash. Choose another name"
    if os.path.isdir(path):
        return "Is a directory, and no file"
    if len(os.fsencode(path.name)) > _LONGEST_NAME and not os.path.exists(path):
        return f"its name is longer than {_LONGEST_NAME} bytes. Choose a shorter one"
    is_other = os.path.exists(path) and not os.path.isfile(path)
    return "it is a device or pipe, and no file" if is_other else None


def home() -> Path:
    """Return the user's home directory.

    Raises:
        OSError: there is none.
    """
    try:
        return Path.home()
    except RuntimeError as error:
        raise OSError(
            "This user has no home directory: set HOME, or give the path of a database."
        ) from error


def place_of(path: Path) -> Place:
    """Return which file is at *path*."""
    status = path.stat()
    return status.st_dev, status.st_ino


def open_shared(path: Path) -> int:
    """Return a descriptor for reading the file, which stays open: see ``close_unused``."""
    with opening:
        place = place_of(path)
        if place not in _open_files:
            _open_files[place] = os.open(path, os.O_RDONLY | BINARY)
        return _open_files[place]


def close_shared(open_descriptor: int) -> None:
    """Close what ``open_shared`` gave, of a file that nothing in this process has open any more."""
    with opening:
        for place, held in list(_open_files.items()):
            if held == open_descriptor:
                os.close(_open_files.pop(place))


def close_unused() -> None:
    """Close the shared descriptors of files that nothing else in this process has open."""
    with opening:
        uses = _descriptors() if _open_files else Counter()
        for place, held in list(_open_files.items()):
            if uses[place] <= 1:
                del _open_files[place]
                os.close(held)


def _descriptors() -> Counter[Place]:
    """Count the open descriptors of this process by their files."""
    found: Counter[Place] = Counter()
    # Where there is no such directory, closing a descriptor drops no locks, either.
    with suppress(OSError):
        for name in os.listdir("/dev/fd"):
            with suppress(OSError):
                status = os.fstat(int(name))
                if stat.S_ISREG(status.st_mode):
                    found[status.st_dev, status.st_ino] += 1
    return found


def _forked() -> None:
    global opening
    opening = threading.RLock()
    _inherited.update(dict.fromkeys(_descriptors(), os.getppid()))
    _open_files.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def refuse_inherited(path: Path) -> None:
    """Refuse a file that the parent of this process had open when it forked.

    Raises:
        ForkedEngineError: it had.
    """
    parent = _inherited.get(place_of(path)) if _inherited and path.exists() else None
    if parent is not None:
        raise ForkedEngineError(
            f"Process {parent} had '{path}' open when it forked this process, {os.getpid()}, where"
            " writes to it would be lost. Close it in the parent before the fork, or start the"
            " process anew: multiprocessing.get_context('spawn')."
        )


def read_at(opened: int, size: int, at: int) -> bytes:
    """Read from *at* on. Threads share the descriptor of a file, and so its position."""
    if hasattr(os, "pread"):
        return os.pread(opened, size, at)
    os.lseek(opened, at, os.SEEK_SET)
    return os.read(opened, size)


def wal_path(path: Path) -> Path:
    """Return the path of a database's write-ahead log."""
    path = Path(os.path.realpath(path))
    # DuckDB takes what follows a "?" for options, and keeps it at the end.
    name, mark, rest = path.name.partition("?")
    return path.with_name(f"{name}.wal{mark}{rest}")


def create_private(path: Path) -> None:
    """Make an empty file that its owner alone may read, or take one that is there from others."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | BINARY, 0o600))
    except FileExistsError:
        with suppress(OSError):
            path.chmod(0o600)


def create_database(path: Path) -> None:
    """Make a database that its owner alone may read, whole or not at all, unless there is one."""
    # DuckDB would make it readable by others, and takes no empty file.
    with PrivateDirectory.beside(path) as new:
        duckdb.connect(str(new)).close()
        new.chmod(0o600)
        with suppress(FileExistsError):
            publish(new, path)


def sync(path: Path) -> None:
    """Wait until a file, or the names in a directory, are on the disk."""
    if not HAS_DIRECTORIES and path.is_dir():
        return
    # Windows syncs only what may be written to.
    descriptor = os.open(path, os.O_RDONLY if HAS_DIRECTORIES else os.O_RDWR | BINARY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def publish(new: Path, path: Path) -> None:
    """Move a finished file to its final name, at once and for good.

    Raises:
        FileExistsError: the name is taken.
    """
    close_unused()
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
    try:
        return read_at(open_shared(path), len(_MAGIC), _MAGIC_AT) == _MAGIC
    finally:
        close_unused()


def keep_wal_private(wal: Path | None, engine: sa.Engine) -> None:
    """Make the log before each statement and commit of *engine* that may write to it."""
    if wal is None:
        return

    def before_execute(_: object, __: object, statement: str, *rest: object) -> None:
        if statement[:6].upper() != "SELECT":
            create_private(wal)

    sa.event.listen(engine, "before_cursor_execute", before_execute)
    sa.event.listen(engine, "commit", lambda _: create_private(wal))


def wait_for_lock(timeout: float, action: Callable[[], Result]) -> Result:
    """Return what *action* returns, which is tried for *timeout* seconds while a file is locked.

    Raises:
        ValueError: *timeout* is negative.
        DatabaseLockedError: the file was locked all that time.
    """
    if not timeout >= 0:
        raise ValueError(f"timeout must be a number of seconds, 0 or more, not {timeout!r}.")
    end = time.monotonic() + timeout
    while True:
        try:
            return action()
        except DatabaseLockedError:
            left = end - time.monotonic()
            if left <= 0:
                raise
            time.sleep(min(_RETRY, left))
