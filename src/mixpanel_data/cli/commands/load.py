"""``load``: files in Mixpanel's export formats into a table, all of them or none."""

import sys
from collections.abc import Sequence
from datetime import date, datetime, timezone
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from mixpanel_data import LoadInfo, QueryError, StorageEngine, TableMetadata, UnsupportedError
from mixpanel_data.cli.console import count
from mixpanel_data.cli.errors import completing, print_done, say
from mixpanel_data.cli.options import (
    DbOption,
    ProjectOption,
    QuietOption,
    TableNameOption,
    WaitOption,
    open_database,
)
from mixpanel_data.cli.views.progress import load_progress, part_done
from mixpanel_data.formats import expand
from mixpanel_data.types import TableKind

_STDIN = Path("-")

_EVENTS_EXAMPLES = """\b
Examples:
  mixpanel-data load events events.jsonl --db data.db
  mixpanel-data load events "2025-03-*.jsonl.gz" --from 2025-03-01 --to 2025-03-31
  mixpanel-data load events today.jsonl --append --project 12345
  mixpanel-data load events again.jsonl --replace --from 2025-03-30 --to 2025-03-31
  zcat events.jsonl.gz | mixpanel-data load events - --db data.db
"""
_PROFILES_EXAMPLES = """\b
Examples:
  mixpanel-data load profiles profiles.jsonl --db data.db
  mixpanel-data load profiles "page-*.json" --table users_march --db data.db
  mixpanel-data load profiles today.jsonl --append --on-conflict update --db data.db
"""

app = typer.Typer(
    help="Load exported files into a table.", no_args_is_help=True, rich_markup_mode=None
)


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
        help='Files or patterns ("2025-03-*.jsonl.gz"), plain, gzip or zstd; - is stdin.',
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


@app.command(epilog=_EVENTS_EXAMPLES)
def events(
    files: FilesArgument,
    table: TableNameOption = "events",
    append: AppendOption = False,
    replace: ReplaceOption = False,
    create: CreateOption = False,
    allow_empty: AllowEmptyOption = False,
    db: DbOption = None,
    project: ProjectOption = None,
    wait: WaitOption = 0.0,
    from_date: FromOption = None,
    to_date: ToOption = None,
    event: EventOption = None,
    no_optimize: NoOptimizeOption = False,
    quiet: QuietOption = False,
) -> None:
    """Load exported events into a table.

    The files hold raw exports, one JSON event a line. Several files are one load: all of them
    are stored, or nothing is. An event that equals an earlier one in name, time, distinct_id
    and $insert_id is skipped as a duplicate. A different event under an $insert_id that is
    taken is a collision: it is kept, under an id of its own.

    With --replace the events that the table holds of the days from --from to --to, in UTC and
    both included, are removed in the same step: late, changed and deleted events come out right.
    Files that hold events of other days, or none at all, are refused then.
    """
    if create and not (append or replace):
        raise typer.BadParameter("it needs --append or --replace", param_hint="--create")
    if replace and not (from_date and to_date):
        raise typer.BadParameter(
            "give --from and --to: the days to replace", param_hint="--replace"
        )
    metadata = _metadata("events", from_date, to_date, event)
    sources = _existing(files)
    storage = open_database(db, project, read_only=False, wait=wait)
    options = _options(create=create, allow_empty=allow_empty, append=append, replace=replace)
    _load(storage, table, sources, metadata, quiet, not no_optimize, **options)


@app.command(epilog=_PROFILES_EXAMPLES)
def profiles(
    files: FilesArgument,
    table: TableNameOption = "profiles",
    append: AppendOption = False,
    on_conflict: OnConflictOption = None,
    create: CreateOption = False,
    allow_empty: AllowEmptyOption = False,
    db: DbOption = None,
    project: ProjectOption = None,
    wait: WaitOption = 0.0,
    from_date: FromOption = None,
    to_date: ToOption = None,
    no_optimize: NoOptimizeOption = False,
    quiet: QuietOption = False,
) -> None:
    """Load exported profiles into a table.

    The files hold pages of the engage API or one JSON profile a line. Several files are one
    load: all of them are stored, or nothing is. Of profiles with the same distinct_id the first
    is kept; the others are skipped as duplicates.

    With --append --on-conflict update, the one with the latest $last_seen is kept instead; of
    equal ones the new one. With replace it is always the new one.
    """
    for name, given in (("--on-conflict", on_conflict), ("--create", create)):
        if given and not append:
            raise typer.BadParameter("it needs --append", param_hint=name)
    metadata = _metadata("profiles", from_date, to_date)
    sources = _existing(files)
    options = _options(create=create, allow_empty=allow_empty, append=append)
    if on_conflict not in (None, OnConflict.IGNORE):
        options["on_conflict"] = on_conflict.value
    storage = open_database(db, project, read_only=False, wait=wait)
    _load(storage, table, sources, metadata, quiet, not no_optimize, **options)


def load_files(
    storage: StorageEngine,
    table: str,
    sources: Sequence[Path | BinaryIO],
    metadata: TableMetadata,
    *,
    quiet: bool = False,
    **options: Any,
) -> str:
    """Load files and streams into one table, show the progress, and return a line that sums it up.

    *options* are those of ``StorageEngine.load_export``.
    """
    files = [source for source in sources if isinstance(source, Path)]
    # A pipe has no size.
    known = len(files) == len(sources) and all(file.is_file() for file in files)
    total = sum(file.stat().st_size for file in files) if known else None
    before = len(storage.load_history(table))
    with load_progress(total, quiet=quiet) as progress:
        try:
            storage.load_export(table, sources, metadata, progress=progress.bytes_read, **options)
        except (KeyboardInterrupt, RuntimeError):
            # Ctrl-C may come too late, while the load commits; DuckDB has an error of its own then.
            if len(storage.load_history(table)) == before:
                raise
        done = storage.load_history(table)[-1]
        progress.finished(done.records)
    return _summary(done, shows_replaced=bool(options.get("replace") or "on_conflict" in options))


def _summary(done: LoadInfo, *, shows_replaced: bool) -> str:
    if done.outside:
        noted = count(done.outside, "record")
        say(f"Note: {noted} of other days or events than --from, --to and --event say.")
    if done.invalid_last_seen:
        noted = count(done.invalid_last_seen, "profile")
        say(f"Note: {noted} with a $last_seen that is no time; last_seen is NULL there.")
    parts = [f"{count(done.stored, 'row')} stored"]
    if shows_replaced:
        parts.append(f"{count(done.replaced, 'row')} replaced")
    parts.append(f"{count(done.duplicates, 'duplicate')} skipped")
    if done.type == "events":
        parts.append(f"{count(done.collisions, 'collision')} kept")
    return f"{done.table_name}: {', '.join(parts)}"


def _load(
    opened: StorageEngine,
    table: str,
    sources: Sequence[Path | BinaryIO],
    metadata: TableMetadata,
    quiet: bool,
    optimize: bool,
    **options: Any,
) -> None:
    stored: list[str] = []
    # Ctrl-C while the database is being closed: the load is stored all the same.
    with completing(lambda: next(iter(stored), None)), opened as storage:
        stored.append(load_files(storage, table, sources, metadata, quiet=quiet, **options))
        # Of typed columns that are there, the load has taken care.
        if optimize and not storage.typed_columns(table):
            _optimize(storage, table, quiet)
    if not quiet:
        print_done(stored[0])


def _optimize(storage: StorageEngine, table: str, quiet: bool) -> None:
    """Make typed columns, for which the load, which is stored, does not fail."""
    try:
        with part_done(f"Optimizing {table}", quiet=quiet) as progress:
            storage.optimize(table, progress=progress)
    except UnsupportedError:
        pass
    except QueryError as error:
        say(f"Note: {table} is loaded, but was not optimized: {error}")


def _existing(names: list[Path]) -> list[Path | BinaryIO]:
    """Return the files that the names and patterns stand for, and stdin for ``-``."""
    # No callback of the argument: on Python 3.10 typer cannot take one with a list.
    sources: list[Any] = []
    for name in names:
        try:
            sources += [sys.stdin.buffer] if name == _STDIN else expand(name)
        except (FileNotFoundError, ValueError):
            raise typer.BadParameter(f"{name} does not exist", param_hint="FILE") from None
    for source in sources:
        if isinstance(source, Path) and source.is_dir():
            raise typer.BadParameter(f"{source} is a directory", param_hint="FILE")
    return sources


def _options(*, create: bool, allow_empty: bool, **flags: bool) -> dict[str, Any]:
    """Return the options of ``load_export`` for the flags that were given."""
    options: dict[str, Any] = {name: True for name, given in flags.items() if given}
    if allow_empty:
        options["allow_empty"] = True
    if create:
        options["if_missing"] = "create"
    return options


def _metadata(
    kind: TableKind, from_date: str | None, to_date: str | None, events: list[str] | None = None
) -> TableMetadata:
    # Without the options the days stay unknown: events that came say nothing of days without any.
    if from_date and to_date and from_date > to_date:
        raise typer.BadParameter(f"{from_date} is after --to {to_date}", param_hint="--from")
    return TableMetadata(
        type=kind,
        fetched_at=datetime.now(timezone.utc),
        from_date=from_date,
        to_date=to_date,
        filter_events=events or None,
    )
