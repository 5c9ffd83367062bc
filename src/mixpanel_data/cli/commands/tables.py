"""``tables``, ``schema`` and ``drop``: what is in a database, and what shall be no longer."""

import sys
from contextlib import suppress
from typing import Annotated

import typer
from rich.console import Console

from mixpanel_data import StorageEngine
from mixpanel_data.cli.console import console, day_range, print_grid, print_json
from mixpanel_data.cli.errors import completing, say
from mixpanel_data.cli.options import (
    DbOption,
    ListFormat,
    ListFormatOption,
    ProjectOption,
    TableArgument,
    WaitOption,
    open_database,
)
from mixpanel_data.exceptions import TableNotFoundError

TABLES_EXAMPLES = """\b
Examples:
  mixpanel-data tables --db data.db
  mixpanel-data tables --project 12345 --format json
"""
SCHEMA_EXAMPLES = """\b
Examples:
  mixpanel-data schema events --db data.db
  mixpanel-data schema events --db data.db --format json
"""
DROP_EXAMPLES = """\b
Examples:
  mixpanel-data drop events_old --db data.db
  mixpanel-data drop events_old --db data.db --yes
"""

YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def tables(
    db: DbOption = None,
    project: ProjectOption = None,
    wait: WaitOption = 0.0,
    format_: ListFormatOption = ListFormat.TABLE,
) -> None:
    """List the tables with their rows and days.

    The days are those that were given to load with --from and --to.
    """
    with open_database(db, project, wait=wait) as storage:
        if format_ is ListFormat.JSON:
            print_json(
                [
                    {**storage.get_metadata(info.name).to_dict(), **info.to_dict()}
                    for info in storage.list_tables()
                ]
            )
        elif storage.list_tables():
            print_tables(console(), storage)
        else:
            say("No tables yet. Load some: mixpanel-data load events FILE --db PATH")


def schema(
    name: TableArgument,
    db: DbOption = None,
    project: ProjectOption = None,
    wait: WaitOption = 0.0,
    format_: ListFormatOption = ListFormat.TABLE,
) -> None:
    """Show the columns of a table."""
    with open_database(db, project, wait=wait) as storage:
        if format_ is ListFormat.JSON:
            print_json(storage.get_schema(name).to_dict())
        else:
            print_schema(console(), storage, name)
            # Tables that the library did not make have no metadata.
            with suppress(TableNotFoundError):
                if zone := storage.get_metadata(name).time_zone:
                    say(f"event_time is UTC; it was loaded from the wall clock of {zone}.")


def drop(
    name: TableArgument,
    db: DbOption = None,
    project: ProjectOption = None,
    wait: WaitOption = 0.0,
    yes: YesOption = False,
) -> None:
    """Drop a table, after asking.

    Without a terminal to ask on, it needs --yes.
    """
    # Read-only while the user thinks about it: others may go on reading, and nothing is created.
    with open_database(db, project, wait=wait) as storage:
        storage.get_schema(name)
        rows = {info.name: info.row_count for info in storage.list_tables()}.get(name)
    if not yes:
        if not sys.stdin.isatty():
            raise typer.BadParameter(
                f"add --yes to drop '{name}' without asking", param_hint="--yes"
            )
        size = "" if rows is None else f" and its {rows:,} rows"
        if not typer.confirm(f"Drop table '{name}'{size}?", err=True):
            say("Nothing was dropped.")
            raise typer.Exit(1)
    done = f"Dropped table '{name}'."
    dropped: list[str] = []
    with (
        completing(lambda: next(iter(dropped), None)),
        open_database(db, project, read_only=False, wait=wait) as storage,
        completing(lambda: None if storage.table_exists(name) else done),
    ):
        storage.drop_table(name)
        dropped.append(done)
    say(done)


def print_tables(screen: Console, storage: StorageEngine) -> None:
    """Show the tables with their rows, days and the time of loading."""
    rows = []
    for info in storage.list_tables():
        about = storage.get_metadata(info.name)
        known = day_range(about.from_date, about.to_date, about.time_zone)
        loaded = f"{info.fetched_at:%Y-%m-%d %H:%M}"
        rows.append([info.name, info.type, f"{info.row_count:,}", known, loaded])
    columns = ["table", "type", "rows", "days", "loaded (UTC)"]
    print_grid(screen, columns, rows, numbers=[name == "rows" for name in columns])


def print_schema(screen: Console, storage: StorageEngine, name: str) -> None:
    """Show the columns of a table."""
    rows = [
        [
            column.name,
            column.type,
            "NULL" if column.nullable else "NOT NULL",
            "primary key" if column.primary_key else "",
        ]
        for column in storage.get_schema(name).columns
    ]
    print_grid(screen, ["column", "type", "null", "key"], rows)
