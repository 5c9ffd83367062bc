"""``load``: files in Mixpanel's export formats into a table, all of them or none."""

import sys
from collections.abc import Callable
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Annotated, Any

import typer

from mixpanel_data import StorageEngine, TableMetadata
from mixpanel_data.cli.options import (
    DbOption,
    ProjectOption,
    QuietOption,
    TableNameOption,
    open_database,
)
from mixpanel_data.cli.progress import load_progress
from mixpanel_data.formats import read_export, read_profiles
from mixpanel_data.types import TableKind

_EVENTS_EXAMPLES = """\b
Examples:
  mixpanel-data load events events.jsonl --db data.db
  mixpanel-data load events 2025-03-*.jsonl.gz --table march --from 2025-03-01 --to 2025-03-31
  mixpanel-data load events today.jsonl --append --project 12345
  zcat events.jsonl.gz | mixpanel-data load events - --db data.db
"""
_PROFILES_EXAMPLES = """\b
Examples:
  mixpanel-data load profiles profiles.jsonl --db data.db
  mixpanel-data load profiles page-*.json --table users_march --db data.db
"""

app = typer.Typer(
    help="Load exported files into a table.", no_args_is_help=True, rich_markup_mode=None
)


def _existing(files: list[Path]) -> list[Path]:
    for file in files:
        if str(file) != "-" and not file.exists():
            raise typer.BadParameter(f"{file} does not exist")
        if file.is_dir():
            raise typer.BadParameter(f"{file} is a directory")
    return files


FilesArgument = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE",
        callback=_existing,
        show_default=False,
        help="Files, plain, gzip or zstd; - is stdin.",
    ),
]
AppendOption = Annotated[
    bool, typer.Option("--append", help="Add to a table that is there, skipping what it holds.")
]


def _day(text: str | None) -> str | None:
    try:
        # Python 3.11 and later read other ISO forms, too.
        if text is None or date.fromisoformat(text).isoformat() == text:
            return text
    except ValueError:
        pass
    raise typer.BadParameter(f"{text!r} is not a day as YYYY-MM-DD")


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

_READERS: dict[TableKind, Callable[..., Any]] = {"events": read_export, "profiles": read_profiles}
_STORE: dict[tuple[TableKind, bool], Callable[..., int]] = {
    ("events", False): StorageEngine.create_events_table,
    ("events", True): StorageEngine.append_events_table,
    ("profiles", False): StorageEngine.create_profiles_table,
    ("profiles", True): StorageEngine.append_profiles_table,
}


@app.command(epilog=_EVENTS_EXAMPLES)
def events(
    files: FilesArgument,
    table: TableNameOption = "events",
    append: AppendOption = False,
    db: DbOption = None,
    project: ProjectOption = None,
    from_date: FromOption = None,
    to_date: ToOption = None,
    quiet: QuietOption = False,
) -> None:
    """Load exported events into a table.

    The files hold raw exports, one JSON event a line. Several files are one load: all of them
    are stored, or nothing is. An event that equals an earlier one in name, time, distinct_id
    and $insert_id is skipped as a duplicate. A different event under an $insert_id that is
    taken is a collision: it is kept, under an id of its own.
    """
    metadata = _metadata("events", from_date, to_date)
    _load(open_database(db, project, read_only=False), files, table, metadata, append, quiet)


@app.command(epilog=_PROFILES_EXAMPLES)
def profiles(
    files: FilesArgument,
    table: TableNameOption = "profiles",
    append: AppendOption = False,
    db: DbOption = None,
    project: ProjectOption = None,
    from_date: FromOption = None,
    to_date: ToOption = None,
    quiet: QuietOption = False,
) -> None:
    """Load exported profiles into a table.

    The files hold pages of the engage API or one JSON profile a line. Several files are one
    load: all of them are stored, or nothing is. Of profiles with the same distinct_id the first
    is kept; the others are skipped as duplicates.
    """
    metadata = _metadata("profiles", from_date, to_date)
    _load(open_database(db, project, read_only=False), files, table, metadata, append, quiet)


def _load(
    opened: StorageEngine,
    files: list[Path],
    table: str,
    metadata: TableMetadata,
    append: bool,
    quiet: bool,
) -> None:
    with opened as storage:
        summary = load_files(storage, files, table, metadata, append=append, quiet=quiet)
    if not quiet:
        print(summary)


def load_files(
    storage: StorageEngine,
    files: list[Path],
    table: str,
    metadata: TableMetadata,
    *,
    append: bool = False,
    quiet: bool = False,
) -> str:
    """Load *files* into one table, showing the progress, and give a line that sums it up."""
    sources = [sys.stdin.buffer if str(file) == "-" else file for file in files]
    with load_progress(_size(files), quiet=quiet) as progress:
        records = _READERS[metadata.type](*sources, progress=progress.bytes_read)
        store = _STORE[metadata.type, append]
        stored = store(storage, table, records, metadata, progress.rows_read)
    counts = storage.get_metadata(table)
    parts = [f"{_count(stored, 'row')} stored", f"{_count(counts.duplicates, 'duplicate')} skipped"]
    if metadata.type == "events":
        parts.append(f"{_count(counts.collisions, 'collision')} kept")
    return f"{table}: {', '.join(parts)}"


def _size(files: list[Path]) -> int | None:
    """Give the bytes of all files; None where a pipe does not tell."""
    if all(file.is_file() for file in files):
        return sum(file.stat().st_size for file in files)
    return None


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _metadata(kind: TableKind, from_date: str | None, to_date: str | None) -> TableMetadata:
    # Without the options the days stay unknown: events that came say nothing of days without any.
    if from_date and to_date and from_date > to_date:
        raise typer.BadParameter(f"{from_date} is after --to {to_date}", param_hint="--from")
    now = datetime.now(timezone.utc)
    return TableMetadata(type=kind, fetched_at=now, from_date=from_date, to_date=to_date)
