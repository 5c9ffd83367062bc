"""``tables``, ``schema`` and ``drop``: what is in a database, and what shall be no longer."""

import shlex
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from mixpanel_data.cli.console import (
    Screen,
    console,
    count,
    day_range,
    json_text,
    print_grid,
    print_json,
    printable,
)
from mixpanel_data.cli.errors import completing, print_done, say
from mixpanel_data.cli.options import (
    DbOption,
    ListFormat,
    ListFormatOption,
    PlaceArgument,
    ProjectOption,
    QuietOption,
    TableArgument,
    WaitOption,
    one_place,
    open_database,
)
from mixpanel_data.cli.views.progress import part_done
from mixpanel_data.exceptions import TableNotFoundError

if TYPE_CHECKING:
    from mixpanel_data import StorageEngine

_TABLES_EXAMPLES = """\b
Examples:
  mixpanel-data tables --db data.db
  mixpanel-data tables --project 12345 --format json
"""
_SCHEMA_EXAMPLES = """\b
Examples:
  mixpanel-data schema events --db data.db
  mixpanel-data schema events --db data.db --format json
"""
_DROP_EXAMPLES = """\b
Examples:
  mixpanel-data drop events_old --db data.db
  mixpanel-data drop events_old --db data.db --yes
"""

_OPTIMIZE_EXAMPLES = """\b
Examples:
  mixpanel-data optimize events --db data.db
  mixpanel-data optimize events --property '$browser' --property plan --db data.db
  mixpanel-data query "SELECT plan, count(*) FROM typed.events GROUP BY 1" --db data.db
"""

app = typer.Typer(rich_markup_mode=None)

TypedOption = Annotated[
    bool, typer.Option("--typed", help="Show the columns of the view typed.TABLE; see optimize.")
]
PropertyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--property", metavar="NAME", show_default=False, help="A property; may be given often."
    ),
]
LimitOption = Annotated[int, typer.Option("--limit", min=0, help="The most columns.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@app.command(epilog=_TABLES_EXAMPLES)
def tables(
    path: PlaceArgument = None,
    db: DbOption = None,
    project: ProjectOption = None,
    wait: WaitOption = 0.0,
    format_: ListFormatOption = ListFormat.TABLE,
) -> None:
    """List the tables with their rows and days.

    The days are those that were given to load with --from and --to.
    """
    with open_database(one_place(path, db), project, wait=wait) as storage:
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


@app.command(epilog=_SCHEMA_EXAMPLES)
def schema(
    name: TableArgument,
    db: DbOption = None,
    project: ProjectOption = None,
    wait: WaitOption = 0.0,
    typed: TypedOption = False,
    format_: ListFormatOption = ListFormat.TABLE,
) -> None:
    """Show the columns of a table, or those of the view of its typed columns."""
    with open_database(db, project, wait=wait) as storage:
        if typed:
            _show_typed(storage, name, format_)
        elif format_ is ListFormat.JSON:
            print_json(storage.get_schema(name).to_dict())
        else:
            print_schema(console(), storage, name)
            # Tables that the library did not make have no metadata.
            with suppress(TableNotFoundError):
                if zone := storage.get_metadata(name).time_zone:
                    say(f"event_time is UTC; it was loaded from the wall clock of {zone}.")


def _show_typed(storage: "StorageEngine", name: str, format_: ListFormat) -> None:
    columns = storage.typed_columns(name)
    if format_ is ListFormat.JSON:
        print_json([{"name": column.name, "type": column.type} for column in columns])
    elif columns:
        print_grid(console(), ["column", "type"], [[c.name, c.type] for c in columns])
    else:
        command = shlex.join(["mixpanel-data", "optimize", name])
        say(f"{name} has no typed columns that are up to date: {command}")


@app.command(epilog=_OPTIMIZE_EXAMPLES)
def optimize(
    name: TableArgument,
    db: DbOption = None,
    project: ProjectOption = None,
    wait: WaitOption = 0.0,
    properties: PropertyOption = None,
    limit: LimitOption = 64,
    quiet: QuietOption = False,
    format_: ListFormatOption = ListFormat.TABLE,
) -> None:
    """Keep properties of a table as typed columns, for fast queries.

    They are the commonest ones, or those of --property. Reports and SQLAlchemy statements use
    them by themselves, SQL by the view typed.TABLE. Loads keep them up; after a change by other
    means they are out of use until this runs again. --limit 0 removes them.
    """
    with (
        open_database(db, project, read_only=False, wait=wait) as storage,
        part_done(f"Optimizing {name}", quiet=quiet) as progress,
    ):
        chosen = storage.optimize(name, properties or None, limit, progress)
    if format_ is ListFormat.JSON:
        print_done(json_text({"table_name": name, "properties": chosen}))
    elif not quiet:
        print_done(f"{printable(name)}: {count(len(chosen), 'typed column')}")


@app.command(epilog=_DROP_EXAMPLES)
def drop(
    name: TableArgument,
    db: DbOption = None,
    project: ProjectOption = None,
    wait: WaitOption = 0.0,
    yes: YesOption = False,
    format_: ListFormatOption = ListFormat.TABLE,
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
    if format_ is ListFormat.JSON:
        print_done(json_text({"table_name": name, "row_count": rows}))
    else:
        say(done)


def print_tables(screen: Screen, storage: "StorageEngine") -> None:
    """Show the tables with their rows, days and the time of loading."""
    rows = []
    for info in storage.list_tables():
        about = storage.get_metadata(info.name)
        known = day_range(about.from_date, about.to_date, about.time_zone)
        loaded = f"{info.fetched_at:%Y-%m-%d %H:%M}"
        rows.append([info.name, info.type, f"{info.row_count:,}", known, loaded])
    columns = ["table", "type", "rows", "days", "loaded (UTC)"]
    print_grid(screen, columns, rows, numbers=[name == "rows" for name in columns])


def print_schema(screen: Screen, storage: "StorageEngine", name: str) -> None:
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
