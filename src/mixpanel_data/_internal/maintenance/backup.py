"""Copies of database files, byte by byte."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mixpanel_data._internal.duckdb.files import open_shared, read_at

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


def atomic_replace(new: Path, old: Path) -> None:
    """Let *new* take the place of *old*, its mode too, at once and for good."""
    new.chmod(old.stat().st_mode & 0o777)
    _sync(new)
    new.replace(old)
    _sync(old.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
