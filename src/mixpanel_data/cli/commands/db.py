"""``db``: a database as a file: the revision of its schema, copies, and what may be wrong."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from mixpanel_data import maintenance
from mixpanel_data.cli.commands import locks
from mixpanel_data.cli.commands.tables import YesOption
from mixpanel_data.cli.console import count, print_json, printable
from mixpanel_data.cli.errors import (
    REFUSED,
    Interrupted,
    explain,
    is_interrupt,
    say,
)
from mixpanel_data.cli.options import (
    FileCommand,
    Group,
    ListFormat,
    ListFormatOption,
    QuietOption,
    TableArgument,
    check_folder,
    on_file,
)
from mixpanel_data.cli.views.progress import work
from mixpanel_data.cli.views.status import (
    command,
    print_history,
    print_migration,
    print_problem,
    print_recovery,
    print_sql,
    print_status,
    say_what_is_lost,
    shown,
    size_of,
)
from mixpanel_data.exceptions import MixpanelDataError, QueryError
from mixpanel_data.types import DatabaseStatus, Revision

_STATUS_EXAMPLES = """\b
Examples:
  mixpanel-data db status data.db
  mixpanel-data db status data.db --format json
"""
_UPGRADE_EXAMPLES = """\b
Examples:
  mixpanel-data db upgrade data.db --dry-run
  mixpanel-data db upgrade data.db
"""
_DOWNGRADE_EXAMPLES = """\b
Examples:
  mixpanel-data db downgrade data.db 0003
  mixpanel-data db downgrade data.db 0003 --yes
"""
_HISTORY_EXAMPLES = """\b
Examples:
  mixpanel-data db history
  mixpanel-data db history --format json
"""
_ADOPT_EXAMPLES = """\b
Examples:
  mixpanel-data db adopt data.db events_old
"""
_BACKUP_EXAMPLES = """\b
Examples:
  mixpanel-data db backup data.db data-2025-03.db
"""
_COMPACT_EXAMPLES = """\b
Examples:
  mixpanel-data db compact data.db
"""
_CHECK_EXAMPLES = """\b
Examples:
  mixpanel-data db check data.db
  mixpanel-data db check data.db --format json
"""
_RECOVER_EXAMPLES = """\b
Examples:
  mixpanel-data db recover data.db
"""

app = typer.Typer(
    name="db",
    cls=Group,
    help="Look after database files: upgrade, back up, compact, check.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

NoBackupOption = Annotated[
    bool, typer.Option("--no-backup", help="Write no copy beside the file before changing it.")
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Print the SQL that would be run, and run none.")
]


@app.command(cls=FileCommand, epilog=_STATUS_EXAMPLES)
@on_file
def status(path: Path, format_: ListFormatOption = ListFormat.TABLE) -> None:
    """Show the size, revision and tables of a file, and what is pending.

    Any DuckDB file will do; it is only read.
    """
    found = maintenance.status(path)
    if format_ is ListFormat.JSON:
        print_json({**found.to_dict(), "is_known": found.is_known})
    else:
        print_status(found)


@app.command(cls=FileCommand, epilog=_UPGRADE_EXAMPLES)
@on_file
def upgrade(
    path: Path,
    no_backup: NoBackupOption = False,
    dry_run: DryRunOption = False,
    quiet: QuietOption = False,
    format_: ListFormatOption = ListFormat.TABLE,
) -> None:
    """Bring a file to the schema of this version.

    Writes a checked copy beside the file first. Each revision is made as a whole or not at all:
    after Ctrl-C, a full disk or a kill the file is at the last one that was finished, and the
    same command goes on from there.
    """
    if dry_run:
        print_sql(maintenance.upgrade_sql(path), path, as_json=format_ is ListFormat.JSON)
        return
    with _saying_where_it_ends(path), work("Writing a backup", quiet=quiet) as report:
        done = maintenance.upgrade(path, backup=not no_backup, progress=report)
    if format_ is ListFormat.JSON:
        print_json(done.to_dict())
    elif not quiet:
        print_migration("Upgraded", path, done)


@app.command(cls=FileCommand, epilog=_DOWNGRADE_EXAMPLES)
@on_file
def downgrade(
    path: Path,
    revision: Annotated[
        str, typer.Argument(metavar="REVISION", show_default=False, help="See db history.")
    ],
    no_backup: NoBackupOption = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    quiet: QuietOption = False,
    format_: ListFormatOption = ListFormat.TABLE,
) -> None:
    """Take a file back to an earlier revision, after asking.

    For an earlier version of the library. What the earlier revision has no place for stays in the
    copy that is written beside the file first, and there alone. Without a terminal to ask on, it
    needs --yes.
    """
    if dry_run:
        sql = maintenance.downgrade_sql(path, revision)
        print_sql(sql, path, as_json=format_ is ListFormat.JSON)
        return
    undone = _undone(maintenance.status(path), revision)
    if undone and not (quiet and yes):
        say_what_is_lost(path, revision, undone, backup=not no_backup)
    if undone and not yes:
        _ask(f"Downgrade {shown(path)}?", f"add --yes to downgrade {path} without asking")
    with _saying_where_it_ends(path), work("Writing a backup", quiet=quiet) as report:
        done = maintenance.downgrade(path, revision, backup=not no_backup, progress=report)
    if format_ is ListFormat.JSON:
        print_json(done.to_dict())
    elif not quiet:
        print_migration("Downgraded", path, done)


@app.command(epilog=_HISTORY_EXAMPLES)
def history(format_: ListFormatOption = ListFormat.TABLE) -> None:
    """List the revisions of the schema, the oldest first."""
    known = maintenance.history()
    if format_ is ListFormat.JSON:
        print_json([revision.to_dict() for revision in known])
    else:
        print_history(known, "what it adds")


@app.command(cls=FileCommand, epilog=_ADOPT_EXAMPLES)
@on_file
def adopt(
    path: Path,
    table: TableArgument,
    quiet: QuietOption = False,
    format_: ListFormatOption = ListFormat.TABLE,
) -> None:
    """Register a table that has the columns of events or profiles.

    It becomes one of the tables that are listed, appended to and upgraded. Its rows stay as they
    are; a key that it holds twice, or a missing value, is an error.
    """
    with work(f"Reading {table}", quiet=quiet):
        info = maintenance.adopt(path, table)
    if format_ is ListFormat.JSON:
        print_json(info.to_dict())
    elif not quiet:
        print(f"Adopted '{printable(info.name)}' as {info.type}: {count(info.row_count, 'row')}.")


@app.command(cls=FileCommand, epilog=_BACKUP_EXAMPLES)
@on_file
def backup(
    path: Path,
    destination: Annotated[
        Path, typer.Argument(metavar="DESTINATION", show_default=False, help="A new file.")
    ],
    quiet: QuietOption = False,
    format_: ListFormatOption = ListFormat.TABLE,
) -> None:
    """Copy a database that others may be reading, and check the copy."""
    check_folder(destination, "DESTINATION")
    with work("Copying", quiet=quiet):
        copy = maintenance.backup(path, destination)
    size = copy.stat().st_size
    if format_ is ListFormat.JSON:
        print_json({"path": str(path), "copy": str(copy), "size": size})
    elif not quiet:
        print(f"Copied {shown(path)} to {shown(copy)}: {size_of(size)}.")


@app.command(cls=FileCommand, epilog=_COMPACT_EXAMPLES)
@on_file
def compact(
    path: Path, quiet: QuietOption = False, format_: ListFormatOption = ListFormat.TABLE
) -> None:
    """Rewrite a file without the space that nothing uses.

    DuckDB reuses the space of what was deleted, but hardly ever gives it back. Nothing else may
    hold the file meanwhile, and the disk needs room for both.
    """
    with work("Rewriting", quiet=quiet):
        before, after = maintenance.compact(path)
    if format_ is ListFormat.JSON:
        print_json({"path": str(path), "before": before, "after": after})
    elif not quiet:
        print(f"{shown(path)}: {size_of(before)} before, {size_of(after)} after.")


@app.command(cls=FileCommand, epilog=_CHECK_EXAMPLES)
@on_file
def check(
    path: Path,
    format_: ListFormatOption = ListFormat.TABLE,
    quiet: QuietOption = False,
) -> None:
    """Read every block and row, and list what is wrong, and what to do.

    Keys, required values, JSON and the counts of the catalogue are compared. Exits with 1 when
    something is wrong.
    """
    with work("Reading every row", quiet=quiet):
        problems = maintenance.check(path)
    if format_ is ListFormat.JSON:
        print_json([problem.to_dict() for problem in problems])
    elif problems:
        for problem in problems:
            print_problem(problem)
    elif not quiet:
        tables = len(maintenance.status(path).tables)
        print(f"All is well with {count(tables, 'table')} of events or profiles.")
    if problems:
        raise typer.Exit(REFUSED)


@app.command(cls=FileCommand, epilog=_RECOVER_EXAMPLES)
@on_file
def recover(
    path: Path, format_: ListFormatOption = ListFormat.TABLE, quiet: QuietOption = False
) -> None:
    """Open a file whose log is damaged, and list what is lost.

    Everything is copied first. Then the log is cut at its last whole transaction.
    """
    with work("Recovering", quiet=quiet):
        done = maintenance.recover(path)
    if format_ is ListFormat.JSON:
        print_json(done.to_dict())
    else:
        print_recovery(path, done)


app.command(epilog=locks.UNLOCK_EXAMPLES)(locks.unlock)


def _undone(found: DatabaseStatus, revision: str) -> list[Revision]:
    """Return the revisions that a downgrade takes back, the newest first."""
    known = maintenance.history()
    ids = [each.id for each in known]
    if not {found.revision, revision} <= set(ids):
        return []
    assert found.revision is not None
    return known[ids.index(revision) + 1 : ids.index(found.revision) + 1][::-1]


def _ask(question: str, otherwise: str) -> None:
    if not sys.stdin.isatty():
        raise typer.BadParameter(otherwise, param_hint="--yes")
    if not typer.confirm(question, err=True):
        say("Nothing was changed.")
        raise typer.Exit(REFUSED)


@contextmanager
def _saying_where_it_ends(path: Path) -> Iterator[None]:
    """Return at which revision an interrupt or a refused statement leaves the file."""
    try:
        yield
    except BaseException as error:
        if is_interrupt(error):
            raise Interrupted(f"{_whereabouts(path)}.") from error
        if isinstance(error, QueryError):
            message = f"{_whereabouts(path)}; the next step failed: {explain(error)}"
            raise QueryError(message, **error.details) from error
        raise


def _whereabouts(path: Path) -> str:
    try:
        return f"{shown(path)} is at revision {maintenance.status(path).revision}"
    except (MixpanelDataError, OSError):
        return f"`{command('status', path)}` says how far it came"
