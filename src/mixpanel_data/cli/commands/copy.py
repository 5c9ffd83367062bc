"""``copy``: tables into another database, rows, metadata and history."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from mixpanel_data.cli.console import count, print_json
from mixpanel_data.cli.errors import Interrupted, is_interrupt, print_done, say
from mixpanel_data.cli.options import (
    ListFormat,
    ListFormatOption,
    QuietOption,
    WaitOption,
    open_database,
    table_name,
)
from mixpanel_data.cli.views.progress import work
from mixpanel_data.types import CopiedTable

_EXAMPLES = """\b
Examples:
  mixpanel-data copy --from music.db --to march.db --table events
  mixpanel-data copy --from music.db --to clickhousedb://default@localhost:8123/music
"""

app = typer.Typer(rich_markup_mode=None)

SourceOption = Annotated[
    str, typer.Option("--from", metavar="SOURCE", show_default=False, help="A file or a URL.")
]
TargetOption = Annotated[
    str,
    typer.Option(
        "--to", metavar="TARGET", show_default=False, help="A file, which may be new, or a URL."
    ),
]
TablesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--table", "-t", metavar="NAME", show_default=False, help="Only this one; may be repeated."
    ),
]


@app.command(epilog=_EXAMPLES)
def copy(
    source: SourceOption,
    target: TargetOption,
    tables: TablesOption = None,
    wait: WaitOption = 0.0,
    format_: ListFormatOption = ListFormat.TABLE,
    quiet: QuietOption = False,
) -> None:
    """Copy tables of events and profiles into another database, each of them as a whole.

    Rows, metadata and load history come over as they are, and the counts and checksums of the rows
    are compared before a table is stored. A table that the target has already with the same rows
    is left as it is: after an interrupt the same command goes on from there.
    """
    names = None if tables is None else [str(table_name(name)) for name in tables]
    if source == target or Path(source).resolve() == Path(target).resolve():
        raise typer.BadParameter("it is the same database as --from", param_hint="--to")
    with _saying_what_stays(), open_database(source, None, wait=wait) as from_:
        for name in names or ():
            # A table that is not there is no reason to make a file.
            from_.get_schema(name)
        with (
            open_database(target, None, read_only=False, wait=wait) as to,
            work("Comparing", quiet=quiet, step="Copying {}") as report,
        ):

            def progress(name: str, rows: int, total: int) -> None:
                if report is not None:
                    report(name, rows / max(total, 1))

            copied = from_.copy_to(to, names, progress=progress)
    if format_ is ListFormat.JSON:
        print_json([table.to_dict() for table in copied])
    elif not quiet:
        for table in copied:
            print_done(_line(table))
        if not copied:
            say(f"No tables of events or profiles in {source}.")


def _line(table: CopiedTable) -> str:
    rows = f"{count(table.row_count, 'row')}"
    done = f"{rows} copied" if table.copied else f"the same {rows} are there already"
    return f"{table.name}: {done}, checksum {table.checksum}"


@contextmanager
def _saying_what_stays() -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        if is_interrupt(error):
            message = "tables that were copied stay; the same command goes on from there."
            raise Interrupted(message) from error
        raise
