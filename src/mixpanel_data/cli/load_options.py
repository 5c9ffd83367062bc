"""The options of ``load``, and what they mean together."""

from datetime import date, datetime, timezone
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mixpanel_data.cli.options import ListFormat, check_zone, complete_table, table_name
from mixpanel_data.types import TableKind

if TYPE_CHECKING:
    from mixpanel_data import TableMetadata


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
        autocompletion=complete_table,
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


def refuse(others: str, kind: str, **options: object) -> None:
    """Refuse options that are for *others*, not for the kind that is loaded."""
    for name, given in options.items():
        if given:
            raise typer.BadParameter(
                f"it is for {others}, not for {kind}", param_hint=f"--{name.replace('_', '-')}"
            )


def check_events(append: bool, replace: bool, create: bool, metadata: "TableMetadata") -> None:
    """Refuse options that mean nothing together for events."""
    if create and not (append or replace):
        raise typer.BadParameter("it needs --append or --replace", param_hint="--create")
    if replace and not (metadata.from_date and metadata.to_date):
        raise typer.BadParameter(
            "give --from and --to: the days to replace", param_hint="--replace"
        )


def check_profiles(append: bool, on_conflict: OnConflict | None, create: bool) -> None:
    """Refuse options that mean nothing together for profiles."""
    for name, given in (("--on-conflict", on_conflict), ("--create", create)):
        if given and not append:
            raise typer.BadParameter("it needs --append", param_hint=name)


def options_of(
    create: bool, allow_empty: bool, on_conflict: OnConflict | None = None, **flags: bool
) -> dict[str, Any]:
    """Return the options of ``load_export`` for the flags that were given."""
    options: dict[str, Any] = {name: True for name, given in flags.items() if given}
    if allow_empty:
        options["allow_empty"] = True
    if create:
        options["if_missing"] = "create"
    if on_conflict is not None and on_conflict is not OnConflict.IGNORE:
        options["on_conflict"] = on_conflict.value
    return options


def _check_day(text: str | None, flag: str) -> None:
    try:
        # Python 3.11 and later read other ISO forms, too.
        if text is None or date.fromisoformat(text).isoformat() == text:
            return
    except ValueError:
        pass
    raise typer.BadParameter(f"{text!r} is not a day as YYYY-MM-DD", param_hint=flag)


def metadata_of(
    kind: TableKind,
    from_date: str | None,
    to_date: str | None,
    events: list[str] | None = None,
    time_zone: str | None = None,
) -> "TableMetadata":
    """Return the metadata that the options say, from now on."""
    # pydantic is loaded only where something is loaded.
    from mixpanel_data import TableMetadata

    _check_day(from_date, "--from")
    _check_day(to_date, "--to")
    # Without the options the days stay unknown: events that came say nothing of days without any.
    if from_date and to_date and from_date > to_date:
        raise typer.BadParameter(f"{from_date} is after --to {to_date}", param_hint="--from")
    return TableMetadata(
        type=kind,
        fetched_at=datetime.now(timezone.utc),
        from_date=from_date,
        to_date=to_date,
        filter_events=events or None,
        time_zone=time_zone,
    )
