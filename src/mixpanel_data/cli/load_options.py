"""The options of ``load``."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from mixpanel_data.cli.options import ListFormat, check_zone, table_name


class OnConflict(str, Enum):
    """What becomes of a profile that the table holds already."""

    IGNORE = "ignore"
    UPDATE = "update"
    REPLACE = "replace"


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
NoOptimizeOption = Annotated[
    bool,
    typer.Option("--no-optimize", help="Do not make typed columns for fast queries; see optimize."),
]
AllowEmptyOption = Annotated[
    bool,
    typer.Option(
        "--allow-empty",
        help="Take files without a single record for days without any, not for a failed download.",
    ),
]
TimeZoneOption = Annotated[
    str | None,
    typer.Option(
        "--time-zone",
        metavar="ZONE",
        callback=check_zone,
        show_default=False,
        help="The zone of a project from before 2023, whose times are its wall clock: an IANA name"
        " such as US/Pacific. They are stored in UTC.",
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
