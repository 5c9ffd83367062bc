"""How a command ends: one line for an error, an exit code for each kind of end."""

from __future__ import annotations

import os
import re
import shlex
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

import typer
import typer.core

from mixpanel_data.exceptions import (
    DatabaseLockedError,
    DatabaseNotFoundError,
    MixpanelDataError,
    QueryError,
    SchemaVersionError,
    TableExistsError,
    TableNotFoundError,
)

if TYPE_CHECKING:
    from types import FrameType

REFUSED = 1
LOCKED = 4
_READER_GONE = 128 + signal.SIGPIPE

# DuckDB points into the statement with a copy of the line and a caret below it.
_POINTER = re.compile(r"\s*^LINE (\d+):.*", re.MULTILINE | re.DOTALL)

_received: list[int] = []


def watch_signals() -> None:
    """Turn Ctrl-C and SIGTERM into a KeyboardInterrupt, so that everything rolls back."""
    for number in (signal.SIGINT, signal.SIGTERM):
        # Ignored by whoever started this process, as nohup does: then it stays so.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _on_signal)


def _on_signal(number: int, _frame: FrameType | None) -> NoReturn:
    _received.append(number)
    # A second one ends the process at once; the database is safe then, too.
    signal.signal(number, signal.SIG_DFL)
    raise KeyboardInterrupt


class Interrupted(KeyboardInterrupt):
    """An interrupt that left more than nothing; its text says what."""


def is_interrupt(error: BaseException) -> bool:
    """Return whether a signal ended it; DuckDB may have turned that into an error of its own."""
    return bool(_received) or isinstance(error, KeyboardInterrupt)


class Commands(typer.core.TyperGroup):
    """The group of all commands: whatever ends one of them ends here."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; say what went wrong in one line, without a traceback."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            raise typer.Exit(_READER_GONE) from None
        except BaseException as error:
            if is_interrupt(error):
                number = _received[0] if _received else signal.SIGINT
                left = str(error) if isinstance(error, Interrupted) else "nothing was changed."
                say(f"Interrupted; {left}")
                raise typer.Exit(128 + number) from None
            if isinstance(error, (MixpanelDataError, OSError, ValueError)):
                say(f"Error: {explain(error)}")
                raise typer.Exit(_code(error)) from None
            raise
        return result


def say(line: str) -> None:
    """Print a line for the user, beside the results."""
    typer.echo(line, err=True)


def explain(error: Exception) -> str:
    """Return in one line what went wrong, and what to do about it on the command line."""
    match error:
        case TableExistsError():
            message = (
                f"Table '{error.table_name}' already exists. Add to it with --append, choose"
                " another name with --table, or remove it with"
                f" `mixpanel-data drop {shlex.quote(error.table_name)}`."
            )
        case TableNotFoundError():
            message = (
                f"Table '{error.table_name}' not found."
                " `mixpanel-data tables` shows the tables that are there."
            )
        case DatabaseNotFoundError():
            message = (
                f"Database '{error.db_path}' does not exist."
                " Load something first: mixpanel-data load events FILE --db"
                f" {shlex.quote(error.db_path)}"
            )
        case DatabaseLockedError(holding_pid=pid):
            holder = "another process" if pid is None else f"process {pid}"
            message = (
                f"Database '{error.db_path}' is locked by {holder}."
                " Close it there, or wait and try again."
            )
        case SchemaVersionError(older=True):
            message = (
                f"Database '{error.db_path}' is at schema revision {error.revision}, and this"
                f" version works with {error.head}. Upgrade it:"
                f" mixpanel-data db upgrade {shlex.quote(error.db_path)}"
            )
        case SchemaVersionError():
            message = (
                f"Database '{error.db_path}' is at schema revision {error.revision}, which this"
                f" version, at {error.head}, does not know. Update it: pip install --upgrade"
                " mixpanel-data"
            )
        case QueryError():
            message = _POINTER.sub(r" (line \1)", str(error))
        case _:
            message = str(error) or type(error).__name__
    return " ".join(message.split())


def exit_now(code: object) -> NoReturn:
    """End the process at once: everything is closed, there is nothing left to take down.

    An orderly end makes duckdb 2.0 list its own objects on stderr, as leaks, whenever pyarrow
    held data and SQLAlchemy was imported.
    """
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0)


def _code(error: Exception) -> int:
    return LOCKED if isinstance(error, DatabaseLockedError) else REFUSED
