"""Copies of database files, byte by byte, which get their name when they are whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mixpanel_data._internal.duckdb import blocks
from mixpanel_data._internal.duckdb.files import open_shared, publish, read_at, sync
from mixpanel_data._internal.duckdb.temp_files import BINARY, PrivateDirectory
from mixpanel_data.exceptions import DamagedDatabaseError

_CHUNK = 1 << 24


def copy_file(source: Path, destination: Path) -> None:
    """Copy a file that this process may have open and locked, to a private one.

    Raises:
        FileExistsError: the destination is there.
        OSError: it cannot be written; what was written of it is gone.
    """
    opened = open_shared(source)
    target = os.open(destination, os.O_CREAT | os.O_EXCL | os.O_WRONLY | BINARY, 0o600)
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


@contextmanager
def written_beside(path: Path, source: Path) -> Iterator[Path]:
    """Yield a place beside *path* for a copy of *source*, named *path* when the block ends.

    Raises:
        FileExistsError: *path* is there.
        DamagedDatabaseError: a block of the copy is not whole.
    """
    with PrivateDirectory.beside(path) as new:
        yield new
        for problem in blocks.damage(new):
            raise DamagedDatabaseError(
                f"{source} was not copied: {problem}. Keep the file, check the disk, and restore an"
                " earlier backup.",
                db_path=str(source),
            )
        publish(new, path)


def atomic_replace(new: Path, old: Path) -> None:
    """Let *new* take the place of *old*, its mode too, at once and for good."""
    new.chmod(old.stat().st_mode & 0o777)
    sync(new)
    new.replace(old)
    sync(old.parent)
