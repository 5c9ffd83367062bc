"""What the commands of reports share: their options, and how an answer is printed."""

import sys
from collections.abc import Callable
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from mixpanel_data.cli.console import console
from mixpanel_data.cli.errors import needed_packages, say
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
from mixpanel_data.cli.views import writers
from mixpanel_data.cli.views.frame import write_frame
from mixpanel_data.exceptions import MixpanelDataError

# A function of Reports and the command's own options, and one that draws its result.
Ask = Callable[..., Any]
Picture = Callable[[Console, Any], None]

TimezoneOption = Annotated[
    str,
    typer.Option("--timezone", metavar="ZONE", help="The project's zone: an IANA name."),
]
IdentityOption = Annotated[
    str,
    typer.Option(
        "--identity",
        metavar="RULES",
        help="Whose an event is: stored, simplified, original, or a table of id mappings.",
    ),
]
ProfilesOption = Annotated[
    str | None,
    typer.Option(
        "--profiles",
        metavar="TABLE",
        show_default=False,
        help="The table of profiles, for user[...] in expressions.",
    ),
]
OutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        show_default=False,
        help="Write to FILE; as a picture if it ends in .html, .png or .svg.",
    ),
]
SqlOption = Annotated[bool, typer.Option("--sql", help="Print the SQL instead of the answer.")]

EventsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="EVENT", show_default=False, help="Events; none for any event."),
]
FromOption = Annotated[
    str, typer.Option("--from", metavar="DATE", show_default=False, help="The first day.")
]
ToOption = Annotated[
    str, typer.Option("--to", metavar="DATE", show_default=False, help="The last day.")
]
UnitOption = Annotated[
    str, typer.Option("--unit", "-u", metavar="UNIT", help="hour, day, week, month or total.")
]
LongUnitOption = Annotated[
    str, typer.Option("--unit", "-u", metavar="UNIT", help="day, week or month.")
]
OnOption = Annotated[
    str | None,
    typer.Option(
        "--on", metavar="BY", show_default=False, help="Break down by a property or expression."
    ),
]
WhereOption = Annotated[
    str | None,
    typer.Option(
        "--where", "-w", metavar="EXPR", show_default=False, help="Only what passes an expression."
    ),
]
BornWhereOption = Annotated[
    str | None,
    typer.Option("--born-where", metavar="EXPR", show_default=False, help="Filter of births."),
]
ReturnWhereOption = Annotated[
    str | None,
    typer.Option("--return-where", metavar="EXPR", show_default=False, help="Filter of returns."),
]
LimitOption = Annotated[
    int, typer.Option("--limit", metavar="N", min=1, help="Segments; the rest is $other.")
]
WindowOption = Annotated[
    str, typer.Option("--window", metavar="TIME", help="How long it may take: 90s, 30m, 12h, 7d.")
]
EndsOption = Annotated[
    list[str] | None,
    typer.Option("--exclude", metavar="EVENT", show_default=False, help="Ends an attempt."),
]
HoldOption = Annotated[
    list[str] | None,
    typer.Option(
        "--hold", metavar="PROPERTY", show_default=False, help="The same in all steps; up to 3."
    ),
]


def choice(flag: str, text: str, *others: str) -> Any:
    """Return an option for one of the library's own words."""
    return typer.Option(flag, *others, metavar="NAME", help=text)


def report(picture: Picture) -> Callable[[Ask], Callable[..., None]]:
    """Return a decorator: a command with a table and all shared options, around a question."""

    def decorate(ask: Ask) -> Callable[..., None]:
        def run(
            *,
            table: TableArgument,
            timezone: TimezoneOption = "UTC",
            identity: IdentityOption = "stored",
            profiles: ProfilesOption = None,
            format_: FormatOption = None,
            output: OutputOption = None,
            sql: SqlOption = False,
            db: DbOption = None,
            project: ProjectOption = None,
            wait: WaitOption = 0.0,
            **asked: Any,
        ) -> None:
            drawn = format_ is None and not sql and writers.is_picture(output)
            chosen = Format.TABLE if sql or drawn else chosen_format(format_, output)
            with open_database(db, project, wait=wait) as storage:
                check_output(output, storage.path)
                try:
                    reports = storage.reports(
                        table, timezone=timezone, identity=identity, profiles=profiles
                    )
                    result = ask(reports, **asked)
                except ValueError as error:
                    if isinstance(error, MixpanelDataError):
                        raise
                    # The library's word on arguments that mean nothing together.
                    raise typer.BadParameter(str(error)) from None
                if sql:
                    _write(f"{result.sql}\n".encode(), output)
                elif drawn and output is not None:
                    with needed_packages():
                        # pandas is loaded with the reports, when they are needed.
                        from mixpanel_data.reports import charts

                        _write(charts.render(result, output.suffix.lower()), output)
                else:
                    _print(result, chosen, output, picture)

        table, *shared = list(signature(run).parameters.values())[:-1]
        own = list(signature(ask).parameters.values())[1:]
        run.__name__, run.__doc__ = ask.__name__, ask.__doc__
        run.__signature__ = Signature(  # type: ignore[attr-defined]
            [p.replace(kind=Parameter.KEYWORD_ONLY) for p in (table, *own, *shared)]
        )
        return run

    return decorate


def _print(result: Any, chosen: Format, output: Path | None, picture: Picture) -> None:
    if chosen is Format.JSON:
        _write(orjson.dumps(result.to_dict(), option=orjson.OPT_INDENT_2) + b"\n", output)
    elif chosen is Format.TABLE and output is None and sys.stdout.isatty():
        picture(console(), result)
    else:
        write_frame(result.df, chosen, output)
    if chosen is Format.TABLE and (people := result.identity) is not None:
        say(f"Identity {people.rules}: ids {people.ids:,}, people {people.people:,}")


def _write(text: bytes, output: Path | None) -> None:
    with writers.output(output) as out:
        out.write(text)
