"""The options that several commands share, and the database that they choose."""

import io
import os
import re
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, suppress
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import typer.core

from mixpanel_data.cli.errors import explain, needed_packages, say
from mixpanel_data.cli.signatures import Command, with_options_of
from mixpanel_data.exceptions import DatabaseLockedError
from mixpanel_data.types import check_table_name, check_time_zone

if TYPE_CHECKING:
    from mixpanel_data import StorageEngine

DB_VARIABLE = "MIXPANEL_DATA_DB"


def table_name(name: str | None) -> str | None:
    """Return the name of a table, where there is one and users may have it."""
    try:
        if name is not None:
            check_table_name(name)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    return name


def check_zone(name: str | None) -> str | None:
    """Return the name of a time zone that an option was given, or None."""
    try:
        return name if name is None else check_time_zone(name)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


PathArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="PATH",
        show_default=False,
        help=f"The database file; or by --db, or ${DB_VARIABLE}.",
    ),
]


class Group(typer.core.TyperGroup):
    """A group that lists its commands with the whole first line of their help."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write what each command does."""
        with formatter.section("Commands"):
            lines = {n: (c.help or "").partition("\n")[0] for n, c in self.commands.items()}
            formatter.write_dl(list(lines.items()))


class FileCommand(typer.core.TyperCommand):
    """A command on a file that PATH names, or else --db or the environment."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments; without PATH, where another is missing and the file is named."""
        every = self.params
        try:
            return list(super().parse_args(ctx, list(args)))
        except typer.BadParameter:
            self.params = [param for param in every if param.name != "path"]
            ctx.params.clear()
            with suppress(typer.BadParameter):
                rest = list(super().parse_args(ctx, args))
                if ctx.params.get("db") or os.environ.get(DB_VARIABLE):
                    return rest
            raise
        finally:
            self.params = every


def on_file(do: Callable[..., None]) -> Command:
    """Return a command: *do*, which gets the path of a file that PATH or --db names."""

    def run(path: PathArgument = None, db: FileOption = None, **options: Any) -> None:
        do(database_file(path, db), **options)

    return with_options_of(run, do, own=1)


def database_file(path: Path | None, db: Path | None) -> Path:
    """Return the file that an argument, an option or the environment names."""
    if path and db and path.absolute() != db.absolute():
        raise typer.BadParameter(f"PATH is {path}; give one of them", param_hint="--db")
    if found := path or db or os.environ.get(DB_VARIABLE):
        # A Path has one of the slashes.
        if re.match(r"[\w+]{2,}:/", str(found)):
            raise typer.BadParameter("a server has no file: give that of one", param_hint="PATH")
        return Path(found)
    raise typer.BadParameter(
        f"which database? Give PATH or --db PATH, or set {DB_VARIABLE}", param_hint="PATH"
    )


def complete_table(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the tables that a word may become, of the database that the words before it choose."""
    # What goes wrong says so when the command runs; here it would end up among the words.
    with suppress(Exception), redirect_stderr(io.StringIO()):
        path = ctx.params.get("path") or ctx.params.get("db")
        with _open(path, ctx.params.get("project"), True, 0.0) as storage:
            if storage.path is None:
                # A server, which has SQL of its own.
                names = [table.name for table in storage.list_tables()]
            else:
                names = [name for (name,) in storage.execute_rows("SELECT name FROM (SHOW TABLES)")]
        return [name for name in names if name.startswith(incomplete) and name[0] != "_"]
    return []


PlaceArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="PATH",
        show_default=False,
        help=f"The database; or by --db, --project or ${DB_VARIABLE}.",
    ),
]
DbOption = Annotated[
    str | None,
    typer.Option(
        "--db",
        metavar="PATH",
        show_default=False,
        help="The database file, or the URL of a server: clickhousedb://HOST/DATABASE."
        f" Without --db and --project: ${DB_VARIABLE}.",
    ),
]
FileOption = Annotated[
    Path | None,
    typer.Option("--db", metavar="PATH", show_default=False, help="The same as PATH."),
]
ProjectOption = Annotated[
    str | None,
    typer.Option(
        "--project",
        metavar="ID",
        show_default=False,
        help="The database of a project: ~/.mixpanel_data/ID.db.",
    ),
]
TableArgument = Annotated[
    str,
    typer.Argument(
        metavar="TABLE", show_default=False, autocompletion=complete_table, help="The table."
    ),
]
QuietOption = Annotated[
    bool, typer.Option("--quiet", "-q", help="Say nothing unless something goes wrong.")
]
TableNameOption = Annotated[
    str,
    typer.Option(
        "--table",
        "-t",
        metavar="NAME",
        callback=table_name,
        autocompletion=complete_table,
        help="The table's name.",
    ),
]


class ListFormat(str, Enum):
    """How a short list is printed."""

    TABLE = "table"
    JSON = "json"


ListFormatOption = Annotated[
    ListFormat, typer.Option("--format", "-f", help="A table for people, or JSON for programs.")
]


class Format(str, Enum):
    """How a result is written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"
    PARQUET = "parquet"


FormatOption = Annotated[
    Format | None,
    typer.Option(
        "--format",
        "-f",
        show_default=False,
        help="How to write the result. Default: by the suffix of --output, else a table.",
    ),
]
OutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        show_default=False,
        help="Write to FILE instead of stdout; it is replaced only once the result is whole.",
    ),
]
FromOption = Annotated[
    str | None,
    typer.Option("--from", metavar="YYYY-MM-DD", show_default=False, help="The first day."),
]
ToOption = Annotated[
    str | None,
    typer.Option("--to", metavar="YYYY-MM-DD", show_default=False, help="The last day."),
]
WaitOption = Annotated[
    float,
    typer.Option(
        "--wait",
        metavar="SECONDS",
        min=0,
        help="How long to wait for a database that another process holds.",
    ),
]


def open_database(
    db: str | None, project: str | None, *, read_only: bool = True, wait: float = 0.0
) -> "StorageEngine":
    """Open the database that the options choose, or else the environment.

    For one that is locked, say who holds it, and *wait* that many seconds.
    """
    try:
        return _open(db, project, read_only, 0.0)
    except DatabaseLockedError as error:
        if not wait:
            raise
        say(f"Waiting up to {wait:g} s: {explain(error)}")
    return _open(db, project, read_only, wait)


def _open(db: str | None, project: str | None, read_only: bool, timeout: float) -> "StorageEngine":
    # Loaded only when a command runs, not for its help.
    from mixpanel_data import StorageEngine

    if db is not None and project is not None:
        raise typer.BadParameter("give --db or --project, not both", param_hint="--db")
    if project is not None:
        try:
            return StorageEngine.for_project(project, read_only=read_only, timeout=timeout)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--project") from None
    path = chosen_place(db)
    if not is_url(path):
        return StorageEngine(path, read_only=read_only, timeout=timeout)
    with needed_packages():
        return StorageEngine.connect(path, read_only=read_only)


def chosen_place(db: str | None) -> str:
    """Return the path or URL that --db names, or else the environment."""
    place = db or os.environ.get(DB_VARIABLE)
    if not place:
        raise typer.BadParameter(
            f"which database? Give --db PATH or --project ID, or set {DB_VARIABLE}",
            param_hint="--db",
        )
    return place


def one_place(path: str | None, db: str | None) -> str | None:
    """Return the database that an argument or --db names, None for neither."""
    if path and db and path != db:
        raise typer.BadParameter(f"PATH is {path}; give one of them", param_hint="--db")
    return path or db


def is_url(place: str) -> bool:
    """Return whether a database is named by a URL, and not by a path."""
    return "://" in place


def check_folder(file: Path, hint: str) -> None:
    """Refuse a new file in a folder that is not there."""
    if not file.absolute().parent.is_dir():
        raise typer.BadParameter(f"there is no folder {file.parent}", param_hint=hint)


def check_output(output: Path | None, database: Path | None) -> None:
    """Refuse to write into no folder, over the database or its log, or over another database."""
    if output is None:
        return
    check_folder(output, "--output")
    if database is not None:
        own = [database.resolve(), database.with_name(f"{database.name}.wal").resolve()]
        if output.resolve() in own or (output.exists() and output.samefile(database)):
            raise typer.BadParameter(
                f"{output} is the database itself; choose another file", param_hint="--output"
            )
    if output.is_file():
        with output.open("rb") as file:
            if file.read(12)[8:] == b"DUCK":
                raise typer.BadParameter(
                    f"{output} is a database; choose another file", param_hint="--output"
                )


def chosen_format(format_: Format | None, output: Path | None, *, draws: bool = False) -> Format:
    """Return the format that the options choose; parquet is not for a terminal.

    One that *draws* may make a picture instead, of other suffixes.
    """
    chosen = format_ or _format_of(output, draws)
    if chosen is Format.PARQUET and output is None and sys.stdout.isatty():
        raise typer.BadParameter("parquet is binary: add --output FILE", param_hint="--format")
    return chosen


def _format_of(output: Path | None, draws: bool) -> Format:
    if output is None:
        return Format.TABLE
    try:
        return Format(output.suffix.lower().lstrip("."))
    except ValueError:
        pictures = "Pictures end in .html, .png or .svg. " if draws else ""
        raise typer.BadParameter(
            f"what to write to {output}? {pictures}Add --format csv, json, jsonl or parquet",
            param_hint="--output",
        ) from None
