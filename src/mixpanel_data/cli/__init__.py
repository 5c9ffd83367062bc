"""The command line, ``mixpanel-data``: it reads the arguments, calls StorageEngine, and prints.

Results go to stdout, everything else to stderr; nothing is ever asked of a program. Exit codes:

====  =================================================================================
0     done
1     the data or the database refused: a bad record, an unknown table, wrong SQL, no file
2     usage: an unknown option, a missing argument, a question that needs ``--yes``
3     the terminal packages are missing: ``pip install 'mixpanel-data[cli]'``
4     another process holds the database; the same command may work later
130   Ctrl-C; nothing was changed, or (db upgrade) it says how far it came
141   whoever read the output went away
143   SIGTERM; nothing was changed
====  =================================================================================

With ``--format json`` an error is one line of JSON on stderr, ``{"code", "message", "details"}``.

The packages typer and rich come with the extra ``cli``; only this package imports them.
"""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
from contextlib import suppress

from mixpanel_data._version import __version__

__all__ = ["main"]

_TERMINAL_PACKAGES = ("typer", "rich", "click")


def main() -> None:
    """Run the command line and exit."""
    if sys.argv[1:] == ["--version"]:
        # Without the commands, which take their time to load. They know what to do about an error.
        with suppress(OSError, ValueError):
            print(f"mixpanel-data {__version__}", flush=True)
            sys.exit(0)
    # What is imported stays: to look for garbage in it, while it is loaded and when the process
    # ends, would take a quarter of the time of a query.
    gc.set_threshold(50_000)
    atexit.register(gc.freeze)
    before = signal.getsignal(signal.SIGINT)
    # Ignored by whoever started this process, as nohup does: then it stays so.
    if before is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _leave)
    try:
        from mixpanel_data.cli.app import run
    except BaseException as error:
        signal.signal(signal.SIGINT, before)
        if isinstance(error, KeyboardInterrupt):
            sys.exit(130)
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if (missing or "").partition(".")[0] not in _TERMINAL_PACKAGES:
            raise
        print(
            "Error: the command line needs more packages: pip install 'mixpanel-data[cli]'",
            file=sys.stderr,
        )
        sys.exit(3)
    run()


def _leave(*_: object) -> None:
    """End the process at once: no command has begun, and an import may swallow an exception."""
    with suppress(Exception):
        print("Interrupted.", file=sys.stderr, flush=True)
    os._exit(130)
