"""Private directories for databases that are not kept, and what killed processes left of them."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

EPHEMERAL_FILE = "ephemeral.db"

_PREFIX = "mixpanel_data_"


def temporary_directory() -> str:
    """Make a private directory: what is in it, the WAL and spilled rows too, is its owner's."""
    _sweep()
    return tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}_")


def _sweep() -> None:
    """Remove what killed processes left behind; never what a living one may use."""
    if os.name != "posix":
        return
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*_*"):
        with suppress(OSError, ValueError):
            pid = int(folder.name.removeprefix(_PREFIX).partition("_")[0])
            mine = not folder.is_symlink() and folder.stat().st_uid == os.getuid()
            if mine and not _is_alive(pid) and not _is_locked(folder / EPHEMERAL_FILE):
                shutil.rmtree(folder)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def _is_locked(file: Path) -> bool:
    # A process in another container may share the directory but not our list of processes.
    import fcntl

    try:
        with file.open("r+b") as handle:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
