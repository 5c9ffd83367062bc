"""The options of ``load``."""

from datetime import date
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from mixpanel_data.cli.options import ListFormat, table_name


class OnConflict(str, Enum):
    """What becomes of a profile that the table holds already."""

    IGNORE = "ignore"
    UPDATE = "update"
    REPLACE = "replace"


def _day(text: str | None) -> str | None:
    try:
        # Python 3.11 and later read other ISO forms, too.
        if text is None or date.fromisoformat(text).isoformat() == text:
            return text
    except ValueError:
        pass
    raise typer.BadParameter(f"{text!r} is not a day as YYYY-MM-DD")


FilesArgument = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE",
        show_default=False,
        help='Files or patterns ("2025-03-*.jsonl.gz"), packed or not; - is stdin.',
    ),
]
AppendOption = Annotated[
    bool, typer.Option("--append", help="Add to a table that is there, skipping what it holds.")
]
ReplaceOption = Annotated[
    bool,
    typer.Option(
        "--replace",
        help="Add to a table that is there, replacing what it holds of --from to --to.",
    ),
]
EventOption = Annotated[
    list[str] | None,
    typer.Option(
        "--event",
        metavar="NAME",
        show_default=False,
        help="An event that the export was limited to, to be kept with the table; may be given"
        " several times. --replace then removes these events only.",
    ),
]
OnConflictOption = Annotated[
    OnConflict | None,
    typer.Option(
        "--on-conflict",
        show_default=False,
        help="With --append, of a profile that is there already: ignore the new one (if not"
        " given), update it to the one with the later $last_seen, or replace it in any case.",
    ),
]
CreateOption = Annotated[
    bool,
    typer.Option("--create", help="With --append or --replace: make a table that is not there."),
]
AllowEmptyOption = Annotated[
    bool,
    typer.Option(
        "--allow-empty",
        help="Take files without a single record for days without any, not for a failed download.",
    ),
]
FromOption = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="YYYY-MM-DD",
        callback=_day,
        show_default=False,
        help="The first day that was exported, to be kept with the table.",
    ),
]
ToOption = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="YYYY-MM-DD",
        callback=_day,
        show_default=False,
        help="The last day that was exported, to be kept with the table.",
    ),
]
AnyTableOption = Annotated[
    str | None,
    typer.Option(
        "--table",
        "-t",
        metavar="NAME",
        callback=table_name,
        show_default=False,
        help="The table's name. Default: events or profiles, by what the files hold.",
    ),
]
ReportOption = Annotated[
    ListFormat,
    typer.Option(
        "--format", "-f", help="A line for people, or JSON for programs: the load, or the error."
    ),
]
