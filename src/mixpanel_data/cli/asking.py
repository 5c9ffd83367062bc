"""What all commands that ask share: a table, where the answer goes, and how it is written."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mixpanel_data.cli.commands.query import confine, write_result
from mixpanel_data.cli.console import Screen, console
from mixpanel_data.cli.errors import needed_packages
from mixpanel_data.cli.notes import print_notes_of
from mixpanel_data.cli.options import (
    DbOption,
    Format,
    FormatOption,
    ProjectOption,
    TableArgument,
    WaitOption,
    check_output,
    chosen_format,
    open_database,
)
from mixpanel_data.cli.signatures import Command, with_options_of
from mixpanel_data.cli.views import writers
from mixpanel_data.cli.views.frame import write_frame
from mixpanel_data.cli.views.results import result_of
from mixpanel_data.exceptions import MixpanelDataError

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy import Executable

    from mixpanel_data import StorageEngine

OutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        show_default=False,
        help="Write to FILE instead of stdout; a report as a picture, if it ends in .html, .png or"
        " .svg.",
    ),
]
SqlOption = Annotated[bool, typer.Option("--sql", help="Print the SQL instead of the answer.")]

Picture = Callable[[Screen, Any], None]

print_notes_of("mixpanel_data._internal.schema.event_names")


@dataclass(frozen=True)
class Asked:
    """The storage that is asked, and what becomes of the answer."""

    storage: "StorageEngine"
    chosen: Format
    output: Path | None
    sql: bool
    drawn: bool = False
    """Whether the answer goes into the file as a picture."""

    def print_sql(self, statement: "Executable | str") -> None:
        """Write a statement, which need not have been run, as SQL."""
        text = statement if isinstance(statement, str) else self.storage.sql_text(statement)
        self._write(f"{text}\n".encode())

    def show_rows(self, statement: "Executable") -> None:
        """Show the rows of a statement as those of ``query``: exact, and JSON as it is."""
        if self.sql:
            self.print_sql(statement)
        else:
            rows = result_of(self.storage, self.storage.sql_text(statement))
            write_result(rows, self.chosen, self.output, 0)

    def show(
        self, answer: Any, short: "Callable[[pd.DataFrame], pd.DataFrame] | None" = None
    ) -> None:
        """Show the frame of an answer; as a table, what *short* makes of it."""
        if self.sql:
            self.print_sql(answer.sql)
        else:
            frame = answer.df
            if short is not None and self.chosen is Format.TABLE:
                frame = short(frame)
            write_frame(frame, self.chosen, self.output)

    def show_report(self, result: Any, picture: Picture) -> None:
        """Show a report: as a picture, as JSON with all its fields, or its frame."""
        if self.drawn and self.output is not None:
            with needed_packages():
                # pandas is loaded with the reports, when they are needed.
                from mixpanel_data.reports import charts

                self._write(charts.render(result, self.output.suffix.lower()))
        elif self.chosen is Format.JSON:
            import orjson

            self._write(orjson.dumps(result.to_dict(), option=orjson.OPT_INDENT_2) + b"\n")
        elif self.chosen is Format.TABLE and self.output is None and sys.stdout.isatty():
            picture(console(), result)
        else:
            write_frame(result.df, self.chosen, self.output)

    def _write(self, text: bytes) -> None:
        with writers.output(self.output) as out:
            out.write(text)


def asking(ask: Callable[..., None], *, confined: bool = True, draws: bool = False) -> Command:
    """Return a command: *ask*, which gets an Asked and a table, with the options of all.

    A *confined* one may run SQL that the user wrote; one that *draws* makes pictures, too.
    """

    def run(
        *,
        table: TableArgument,
        format_: FormatOption = None,
        output: OutputOption = None,
        sql: SqlOption = False,
        db: DbOption = None,
        project: ProjectOption = None,
        wait: WaitOption = 0.0,
        **asked: Any,
    ) -> None:
        drawn = draws and format_ is None and not sql and writers.is_picture(output)
        chosen = Format.TABLE if sql or drawn else chosen_format(format_, output, draws=draws)
        with open_database(db, project, wait=wait) as storage:
            check_output(output, storage.path)
            if confined:
                confine(storage)
            try:
                ask(Asked(storage, chosen, output, sql, drawn), table, **asked)
            except ValueError as error:
                if isinstance(error, MixpanelDataError):
                    raise
                # The library's word on arguments that mean nothing together.
                raise typer.BadParameter(str(error)) from None

    return with_options_of(run, ask, own=2)
