"""How a command ends: one line for an error, an exit code for each kind of end."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import sys
from contextlib import contextmanager, suppress
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NoReturn, cast

import typer
import typer.core

from mixpanel_data.cli.commands import COMMANDS, Commands, load_library
from mixpanel_data.cli.console import printable
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
    from collections.abc import Callable, Iterator
    from types import FrameType

REFUSED = 1
USAGE = 2
MISSING = 3
LOCKED = 4
# Windows has no such signal.
_READER_GONE = 128 + getattr(signal, "SIGPIPE", 13)
_USAGE_ERROR = typer.BadParameter.__mro__[1]

# DuckDB points into the statement with a copy of the line and a caret below it.
_POINTER = re.compile(r"\s*^LINE (\d+):.*", re.MULTILINE | re.DOTALL)
# Of tables it may suggest one of its own, or of the library's.
_GUESS = re.compile(r'\s*Did you mean "([^"]*)"\?')

# What to do on the command line about what a query may not.
_HINTS = {
    re.compile(r"disabled by configuration|configuration has been locked"): (
        "A query reads and writes nothing outside of the database; --allow-external lets it."
    ),
    re.compile(
        r"Values were not provided|argument[/ ]count mismatch|at or near \":\""
        r"|Unexpected prepared parameter"
    ): ("-p NAME=VALUE gives $NAME in the statement a value."),
    re.compile(r"in read-only mode"): (
        "A query only reads; to change the database use Python: StorageEngine(path)."
    ),
}

# The spellings of the option for programs.
_JSON = frozenset(["--format json", "--format=json", "-f json", "-fjson"])

_received: list[int] = []
# What is said beside the results of a command that answers in JSON, until it ends.
_held: list[str] | None = None


def watch_signals() -> None:
    """Turn Ctrl-C and SIGTERM into a KeyboardInterrupt, so that everything rolls back."""
    for number in (signal.SIGINT, signal.SIGTERM):
        # Ignored by whoever started this process, as nohup does: then it stays so.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _on_signal)


def _ignore_signals() -> None:
    """Let nothing change any more what the command did and said."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is _on_signal:
            signal.signal(number, signal.SIG_IGN)


def _on_signal(number: int, _frame: FrameType | None) -> NoReturn:
    _received.append(number)
    # A second one ends the process at once; the database is safe then, too.
    signal.signal(number, signal.SIG_DFL)
    raise KeyboardInterrupt


def raise_received() -> None:
    """Raise the interrupt of a signal again: an import of C code may have swallowed it."""
    if _received:
        raise KeyboardInterrupt


class Interrupted(KeyboardInterrupt):
    """An interrupt that left more than nothing; its text says what."""


def is_interrupt(error: BaseException) -> bool:
    """Return whether a signal ended it; DuckDB may have turned that into an error of its own."""
    return bool(_received) or isinstance(error, KeyboardInterrupt)


@contextmanager
def completing(look_up: Callable[[], str | None]) -> Iterator[None]:
    """Let an interrupt in the block say what *look_up* finds done, None for nothing."""
    try:
        yield
    except BaseException as error:
        if is_interrupt(error) and not isinstance(error, Interrupted):
            done = look_up()
            raise Interrupted(f"too late: {done}" if done else "nothing was changed.") from error
        raise


def print_done(line: str) -> None:
    """Print what was done; that it cannot be printed is no failure of what was done."""
    try:
        print(line)
        sys.stdout.flush()
    except (OSError, ValueError):
        # What is left in the buffer would fail again at the end.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - until the process ends
        with suppress(OSError, ValueError):
            say(line)


class Root(typer.core.TyperGroup):
    """The group of all commands: whatever ends one of them ends here.

    The context's object, if any, is called when one begins.
    """

    _json = False

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands: Any = Commands()

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the commands, none of which is loaded."""
        return list(COMMANDS)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write what each command does, none of which is loaded."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments, and note whether they ask for JSON."""
        pairs = map(" ".join, pairwise(args))
        self._json = not _JSON.isdisjoint([*args, *pairs])
        return list(super().parse_args(ctx, args))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that *args* begin with, and load what it needs before it begins."""
        resolved = super().resolve_command(ctx, args)
        if not ctx.resilient_parsing:
            if set(args).isdisjoint(ctx.help_option_names):
                load_library(args[0])
            if ctx.obj is not None:
                ctx.obj()
        return resolved

    def invoke(self, ctx: Any) -> Any:
        """Run the command; say what went wrong in one line, without a traceback.

        In JSON an error is all that stderr gets: what was said before is in its details.
        """
        global _held
        _held = [] if self._json else None
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            raise typer.Exit(_READER_GONE) from None
        except BaseException as error:
            if is_interrupt(error):
                number = _received[0] if _received else signal.SIGINT
                left = str(error) if isinstance(error, Interrupted) else "nothing was changed."
                self._say("INTERRUPTED", f"Interrupted; {left}")
                # Where C code ran the Python code that the interrupt ended, Python would end itself
                # by SIGINT, whatever the exit code; running some more makes it forget that.
                exec("")  # noqa: S102
                raise typer.Exit(128 + number) from None
            if isinstance(error, (MixpanelDataError, OSError, ValueError)):
                details = error.details if isinstance(error, MixpanelDataError) else {}
                prefix = "" if self._json else "Error: "
                self._say(_name(error), f"{prefix}{explain(error)}", details)
                raise typer.Exit(_code(error)) from None
            if isinstance(error, MissingPackageError):
                prefix = "" if self._json else "Error: "
                self._say("MISSING_PACKAGE", f"{prefix}{error}")
                raise typer.Exit(MISSING) from None
            if isinstance(error, _USAGE_ERROR):
                usage = cast(typer.BadParameter, error)
                if self._json:
                    self._say("USAGE", usage.format_message())
                    raise typer.Exit(USAGE) from None
                usage.message = "\n".join(map(printable, usage.message.split("\n")))
            raise
        finally:
            _ignore_signals()
            held, _held = _held, None
            for line in held or ():
                say(line)
        return result

    def _say(self, code: str, message: str, details: dict[str, Any] | None = None) -> None:
        """Print what went wrong for people, or as JSON for programs."""
        if not self._json:
            say(message)
            return
        details = dict(details or {})
        if _held:
            details["notes"] = _held.copy()
            _held.clear()
        error = {"code": code, "message": message, "details": details}
        typer.echo(json.dumps(error, default=str), err=True)


def say(line: str) -> None:
    """Print a line for the user, beside the results, with no control characters from the data."""
    if _held is None:
        typer.echo(printable(line), err=True)
    else:
        _held.append(printable(line))


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
                str(error)
                if error.close
                else f"Table '{error.table_name}' not found."
                " `mixpanel-data tables` shows the tables that are there."
            )
        case DatabaseNotFoundError():
            message = (
                f"Database '{error.db_path}' does not exist."
                " Load something first: mixpanel-data load events FILE --db"
                f" {shlex.quote(error.db_path)}"
            )
        case DatabaseLockedError(holding_pid=pid, host=None):
            holder = "another process" if pid is None else f"process {pid}"
            message = (
                f"Database '{error.db_path}' is locked by {holder}."
                " Close it there, or wait and try again."
            )
        case MixpanelDataError(code="BAD_EXPRESSION", details=where):
            # The library points with a second line and a caret.
            text, at = where["expression"], where["position"]
            problem = str(error).partition(":\n")[0]
            message = f"{problem}: {text[:at]} <-- HERE {text[at:]}"
        case SchemaVersionError():
            message = _explain_revision(error)
        case QueryError():
            message = _explain_query(error)
        case _:
            message = str(error) or type(error).__name__
    return " ".join(message.split())


def _explain_query(error: QueryError) -> str:
    suggestion = error.details.get("suggestion", "")
    message = _POINTER.sub(r" (line \1)", str(error).removesuffix(suggestion).rstrip())
    guess = _GUESS.search(message)
    if guess and (suggestion or guess[1].startswith("_")):
        message = message.replace(guess[0], "")
    for sign, hint in _HINTS.items():
        suggestion = hint if sign.search(message) else suggestion
    if suggestion:
        end = "" if message.endswith(("!", "?", ".")) else "."
        message += f"{end} {suggestion}"
    return message


def _explain_revision(error: SchemaVersionError) -> str:
    at = f"Database '{error.db_path}' is at schema revision {error.revision}"
    if error.older:
        return (
            f"{at}, and this version works with {error.head}. Upgrade it:"
            f" mixpanel-data db upgrade {shlex.quote(error.db_path)}"
        )
    return (
        f"{at}, which this version, at {error.head}, does not know. Update it:"
        " pip install --upgrade mixpanel-data"
    )


class MissingPackageError(ImportError):
    """A package of an extra, which its text names, is missing."""


@contextmanager
def needed_packages() -> Iterator[None]:
    """Let a command end with code 3 where a package of an extra is missing."""
    try:
        yield
    except ImportError as error:
        raise MissingPackageError(str(error)) from None


def discard_unwritten() -> None:
    """Leave nothing in the buffers that Python could not write, and would fail on, at its end."""
    for name in ("stdout", "stderr"):
        try:
            getattr(sys, name).flush()
        except (OSError, ValueError):
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 - until the process ends


def _name(error: Exception) -> str:
    """Return the code of an error for programs."""
    if isinstance(error, MixpanelDataError):
        return error.code
    return "OS_ERROR" if isinstance(error, OSError) else "INVALID_VALUE"


def _code(error: Exception) -> int:
    return LOCKED if isinstance(error, DatabaseLockedError) else REFUSED
