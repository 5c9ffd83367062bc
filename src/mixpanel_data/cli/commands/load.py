"""``load``: files in Mixpanel's export formats into a table, all of them or none."""

import dataclasses
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

import typer
import typer.core

from mixpanel_data.cli.console import json_text
from mixpanel_data.cli.errors import completing, print_done, raise_received, say
from mixpanel_data.cli.load_options import (
    AllowEmptyOption,
    AnyTableOption,
    AppendOption,
    CreateOption,
    EventOption,
    FilesArgument,
    NoOptimizeOption,
    OnConflictOption,
    ReplaceOption,
    ReportOption,
    TimeZoneOption,
    check_events,
    check_profiles,
    metadata_of,
    options_of,
    refuse,
)
from mixpanel_data.cli.notes import print_notes_of
from mixpanel_data.cli.options import (
    DbOption,
    FromOption,
    ListFormat,
    ProjectOption,
    QuietOption,
    TableNameOption,
    ToOption,
    WaitOption,
    open_database,
)
from mixpanel_data.cli.signatures import with_options_of
from mixpanel_data.cli.views.loads import say_what_is_odd, summary
from mixpanel_data.cli.views.progress import load_progress, part_done
from mixpanel_data.exceptions import QueryError, UnsupportedError
from mixpanel_data.formats import detect_kind, expand
from mixpanel_data.types import LoadInfo

if TYPE_CHECKING:
    from mixpanel_data import StorageEngine, TableMetadata

_STDIN = Path("-")

_EXAMPLES = """\b
Examples:
  mixpanel-data load export.jsonl.gz --db data.db
  mixpanel-data load "2025-03-*.zip" --table march --append --create --db data.db
"""
_EVENTS_EXAMPLES = """\b
Examples:
  mixpanel-data load events events.jsonl --db data.db
  mixpanel-data load events "2025-03-*.jsonl.gz" --from 2025-03-01 --to 2025-03-31
  mixpanel-data load events today.jsonl --append --project 12345
  mixpanel-data load events again.jsonl --replace --from 2025-03-30 --to 2025-03-31
  mixpanel-data load events old.jsonl --time-zone US/Pacific --project 12345
  zcat events.jsonl.gz | mixpanel-data load events - --db data.db
"""
_PROFILES_EXAMPLES = """\b
Examples:
  mixpanel-data load profiles profiles.jsonl --db data.db
  mixpanel-data load profiles "page-*.json" --table users_march --db data.db
  mixpanel-data load profiles today.jsonl --append --on-conflict update --db data.db
"""


print_notes_of("mixpanel_data._internal.loading")


class _Load(typer.core.TyperGroup):
    """The group of commands, in which files without a command are loaded by what they hold."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments; the first is a command, an option of the group, or a file."""
        if args and args[0] not in (*self.commands, *ctx.help_option_names):
            args = [_ANY, *args]
        return list(super().parse_args(ctx, args))


_ANY = "any"
app = typer.Typer(
    name="load",
    cls=_Load,
    help="Load exported files into a table.\n\nAll options of the two commands go without either,"
    " too: load FILE... tells by the files whether they hold events or profiles.",
    epilog=_EXAMPLES,
    no_args_is_help=True,
    subcommand_metavar="FILE... | COMMAND [ARGS]...",
    rich_markup_mode=None,
)


@dataclass(frozen=True)
class _Given:
    """What all loads are given."""

    sources: Sequence[Any]
    append: bool
    create: bool
    allow_empty: bool
    from_date: str | None
    to_date: str | None


_Plan = tuple[str, Sequence[Any], "TableMetadata", dict[str, Any]]
_Planned = TypeVar("_Planned", bound=Callable[..., _Plan])


def _command(epilog: str, name: str | None = None) -> Callable[[_Planned], _Planned]:
    """Return a decorator: what plans a load becomes a command with the options of all loads.

    A plan is the table, the sources, the metadata and the options of ``load_export``.
    """

    def register(plan: _Planned) -> _Planned:
        def run(
            *,
            files: FilesArgument,
            append: AppendOption = False,
            create: CreateOption = False,
            allow_empty: AllowEmptyOption = False,
            from_date: FromOption = None,
            to_date: ToOption = None,
            no_optimize: NoOptimizeOption = False,
            db: DbOption = None,
            project: ProjectOption = None,
            wait: WaitOption = 0.0,
            quiet: QuietOption = False,
            format_: ReportOption = ListFormat.TABLE,
            **own: Any,
        ) -> None:
            given = _Given(_existing(files), append, create, allow_empty, from_date, to_date)
            table, sources, metadata, options = plan(given, **own)
            storage = open_database(db, project, read_only=False, wait=wait)
            _load(storage, table, sources, metadata, quiet, format_, not no_optimize, **options)

        command = app.command(name, epilog=epilog, hidden=name is not None)
        command(with_options_of(run, plan, own=1))
        return plan

    return register


@_command(_EXAMPLES, name=_ANY)
def any_kind(
    given: _Given,
    table: AnyTableOption = None,
    replace: ReplaceOption = False,
    on_conflict: OnConflictOption = None,
    event: EventOption = None,
    time_zone: TimeZoneOption = None,
) -> _Plan:
    """Load exported files into a table; what they hold tells whether events or profiles.

    All else is as for the commands events and profiles.
    """
    kind, sources = detect_kind(given.sources)
    if kind is None and given.allow_empty:
        raise typer.BadParameter(
            "there is no record that tells what is loaded; say `load events` or `load profiles`",
            param_hint="FILE",
        )
    given = dataclasses.replace(given, sources=sources)
    if kind == "profiles":
        refuse("events", "profiles", replace=replace, event=event, time_zone=time_zone)
        return profiles(given, table or kind, on_conflict)
    refuse("profiles", "events", on_conflict=on_conflict)
    return events(given, table or "events", replace, event, time_zone)


@_command(_EVENTS_EXAMPLES)
def events(
    given: _Given,
    table: TableNameOption = "events",
    replace: ReplaceOption = False,
    event: EventOption = None,
    time_zone: TimeZoneOption = None,
) -> _Plan:
    """Load exported events into a table.

    The files hold raw exports, one JSON event a line; JSON lists, CSV, Parquet and archives are
    read, too. Several files are one load: all of them are stored, or nothing is. An event that
    equals an earlier one in name, time, distinct_id and $insert_id is skipped as a duplicate. A
    different event under an $insert_id that is taken is a collision: it is kept, under an id of
    its own.

    The days, --from and --to, are kept with the table. With --replace its events of these days are
    removed in the same step; files with events of other days, or none at all, are refused then.

    Times and days are UTC. Projects from before 2023 export the wall clock of their zone, which
    --time-zone converts; days are then that zone's. A time that comes twice in autumn is taken for
    the first of the two, one that is skipped in spring is read by the offset before the change.
    """
    metadata = metadata_of("events", given.from_date, given.to_date, event, time_zone)
    check_events(given.append, replace, given.create, metadata)
    options = options_of(given.create, given.allow_empty, append=given.append, replace=replace)
    return table, given.sources, metadata, options


@_command(_PROFILES_EXAMPLES)
def profiles(
    given: _Given, table: TableNameOption = "profiles", on_conflict: OnConflictOption = None
) -> _Plan:
    """Load exported profiles into a table.

    The files hold pages of the engage API or one JSON profile a line; JSON lists, CSV, Parquet and
    archives are read, too. Several files are one load: all of them are stored, or nothing is. Of
    profiles with the same distinct_id the first is kept; the others are skipped as duplicates.

    With --append --on-conflict update, the one with the latest $last_seen is kept instead; of
    equal ones the new one. With replace it is always the new one.
    """
    metadata = metadata_of("profiles", given.from_date, given.to_date)
    check_profiles(given.append, on_conflict, given.create)
    options = options_of(given.create, given.allow_empty, on_conflict, append=given.append)
    return table, given.sources, metadata, options


def load_files(
    storage: "StorageEngine",
    table: str,
    sources: Sequence[Path | BinaryIO],
    metadata: "TableMetadata",
    *,
    quiet: bool = False,
    **options: Any,
) -> LoadInfo:
    """Load files and streams into one table, show the progress, and return what was done.

    *options* are those of ``StorageEngine.load_export``.
    """
    files = [source for source in sources if isinstance(source, Path)]
    # A pipe has no size.
    known = len(files) == len(sources) and all(file.is_file() for file in files)
    total = sum(file.stat().st_size for file in files) if known else None
    before = len(storage.load_history(table))
    with load_progress(total, quiet=quiet) as progress:

        def report(number: int) -> None:
            raise_received()
            progress.bytes_read(number)

        try:
            storage.load_export(table, sources, metadata, progress=report, **options)
        except (KeyboardInterrupt, RuntimeError):
            # Ctrl-C may come too late, while the load commits; DuckDB has an error of its own then.
            if len(storage.load_history(table)) == before:
                raise
        done = storage.load_history(table)[-1]
        progress.finished(done.records)
    return done


def _load(
    opened: "StorageEngine",
    table: str,
    sources: Sequence[Any],
    metadata: "TableMetadata",
    quiet: bool,
    format_: ListFormat,
    optimize: bool,
    **options: Any,
) -> None:
    as_json = format_ is ListFormat.JSON
    replaced = bool(options.get("replace") or "on_conflict" in options)
    told: list[str] = []

    def tell(done: LoadInfo) -> None:
        told.append(
            json_text(done.to_dict()) if as_json else summary(done, shows_replaced=replaced)
        )

    def look_up() -> str | None:
        if not told and len(history := storage.load_history(table)) > before:
            tell(history[-1])
        return next(iter(told), None)

    # Ctrl-C at any moment after the commit, while the database is being closed too.
    with completing(lambda: next(iter(told), None)), opened as storage:
        before = len(storage.load_history(table))
        with completing(look_up):
            done = load_files(storage, table, sources, metadata, quiet=quiet or as_json, **options)
            tell(done)
            if not as_json:
                say_what_is_odd(done)
            # Of typed columns that are there, the load has taken care.
            if optimize and not storage.typed_columns(table):
                optimize_loaded(storage, table, quiet or as_json)
    if not quiet:
        print_done(told[0])


def optimize_loaded(storage: "StorageEngine", table: str, quiet: bool) -> None:
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
