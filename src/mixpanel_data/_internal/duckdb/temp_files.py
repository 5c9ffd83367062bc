"""Private directories for databases that are not kept, for spilled rows, for files not yet whole.

An open one is locked by its process, so that others can tell it from what a killed one left, also
where they share the directory but not the list of processes.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from mixpanel_data._internal.deferral import deferred_interrupts

try:
    import fcntl
except ModuleNotFoundError:  # Windows
    _has_locks = False
else:
    _has_locks = True

# On Windows a descriptor changes line ends unless it is told not to.
BINARY: int = getattr(os, "O_BINARY", 0)
EPHEMERAL_FILE = "ephemeral.db"

_PREFIX = "mixpanel_data_"
_BESIDE = f".{_PREFIX}"
_MARKER = ".mixpanel_data_temporary"
# DuckDB's names of the directory beside a database that it spills to, and of the files in it.
_SPILLED, _SPILLED_FILE = ".tmp", "duckdb_temp_"


class PrivateDirectory:
    """A directory that its owner alone may enter, in use by this process."""

    def __init__(self, path: Path, *, whole: bool) -> None:
        """Use *path*, which goes as a *whole* with this object, or else if it is empty."""
        self.path = path
        self._whole = whole
        self._lock: int | None = None
        if _has_locks:
            self._lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            with suppress(OSError):  # a file system without locks
                fcntl.flock(self._lock, fcntl.LOCK_SH)

    @classmethod
    def temporary(cls) -> PrivateDirectory:
        """Make one in the system's temporary directory, and remove what killed processes left."""
        folder = Path(tempfile.gettempdir())
        _sweep(folder, _PREFIX)
        return cls._marked(folder, f"{_PREFIX}{os.getpid()}_")

    @classmethod
    @contextmanager
    def beside(cls, path: Path) -> Iterator[Path]:
        """Yield a place for a new file, to be moved to *path* when it is whole.

        What killed processes left of such files is removed.
        """
        _sweep(path.parent, _BESIDE)
        with ExitStack() as stack:
            with deferred_interrupts():
                made = cls._marked(path.parent, _BESIDE)
                stack.callback(made.remove)
            yield made.path / "new.db"

    @classmethod
    @deferred_interrupts()  # else one between two steps would leave it without its marker
    def _marked(cls, folder: Path, prefix: str) -> PrivateDirectory:
        made = cls(Path(tempfile.mkdtemp(prefix=prefix, dir=folder)), whole=True)
        try:
            marker = os.open(
                made.path / _MARKER, os.O_CREAT | os.O_EXCL | os.O_WRONLY | BINARY, 0o600
            )
            with os.fdopen(marker, "w") as file:
                file.write(_mark(made.path))
        except BaseException:
            made.remove()
            raise
        return made

    @classmethod
    def for_spilling(cls, database: Path) -> PrivateDirectory | None:
        """Make and use the one beside a database that DuckDB would make for all to read.

        One of another name where that is somebody else's. None where it cannot be made; then
        DuckDB could not write there, either.
        """
        path = database.with_name(f"{database.name}{_SPILLED}")
        try:
            if _is_others(path):
                path = database.with_name(f"{_BESIDE}{path.name}")
            while True:
                path.mkdir(mode=0o700, exist_ok=True)
                path.chmod(0o700)
                made = cls(path, whole=False)
                # Another process may have removed it before it was locked.
                lock = made._lock
                if lock is None or os.path.samestat(os.fstat(lock), path.stat()):
                    return made
                os.close(lock)
        except OSError:
            return None

    def is_known_for(self, database: Path) -> bool:
        """Return whether DuckDB spills the rows of *database* here without being told."""
        return self.path == database.with_name(f"{database.name}{_SPILLED}") or (
            self.path == database.parent
        )

    def remove_leftovers(self) -> None:
        """Remove what killed processes spilled here, unless another database object uses this.

        And what they left of new files beside the database.
        """
        if self._is_free():
            for left in self.path.glob(f"{_SPILLED_FILE}*"):
                with suppress(OSError):
                    left.unlink()
            if self._lock is not None:
                fcntl.flock(self._lock, fcntl.LOCK_SH)
        _sweep(self.path.parent, _BESIDE)

    @deferred_interrupts()
    def remove(self) -> None:
        """Remove it, unless something else is using it."""
        if self._is_free():
            if self._whole:
                shutil.rmtree(self.path, ignore_errors=True)
            else:
                with suppress(OSError):
                    self.path.rmdir()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _is_free(self) -> bool:
        try:
            return self._lock is None or _lock_alone(self._lock)
        except OSError:  # a file system without locks
            return True


def _is_others(path: Path) -> bool:
    """Return whether *path* is no directory, or holds more than what DuckDB spills."""
    try:
        return not all(name.startswith(_SPILLED_FILE) for name in os.listdir(path))
    except FileNotFoundError:
        return False
    except NotADirectoryError:
        return True


def _mark(folder: Path) -> str:
    """Return what the marker of *folder* holds; that of a copy, or of a renamed one, differs."""
    status = folder.stat()
    return f"{folder.name} {status.st_dev} {status.st_ino}\n"


def _sweep(parent: Path, prefix: str) -> None:
    """Remove what killed processes left behind; never what a living one may use, nor a user's."""
    if _has_locks:
        with suppress(OSError):
            for name in os.listdir(parent):
                if name.startswith(prefix):
                    _remove_dead(parent / name)


def _remove_dead(folder: Path) -> None:
    with suppress(OSError, ValueError):
        mine = not folder.is_symlink() and folder.stat().st_uid == os.getuid()
        if mine and (folder / _MARKER).read_text() == _mark(folder):
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                if _lock_alone(lock):
                    shutil.rmtree(folder)
            finally:
                os.close(lock)


def _lock_alone(directory: int) -> bool:
    """Lock an open directory for this descriptor alone, unless another one has locked it."""
    try:
        fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
