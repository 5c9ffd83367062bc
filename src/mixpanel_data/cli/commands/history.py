"""``loads`` and ``coverage``: which loads filled a database, and which days they cover."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import groupby
from typing import Annotated

import typer

from mixpanel_data.cli.console import console, count, day_range, print_grid, print_json
from mixpanel_data.cli.errors import say
from mixpanel_data.cli.options import (
    DbOption,
    ListFormat,
    ListFormatOption,
    ProjectOption,
    TableArgument,
    WaitOption,
    complete_table,
    open_database,
)
from mixpanel_data.types import Coverage, LoadInfo

_LOADS_EXAMPLES = """\b
Examples:
  mixpanel-data loads --db data.db
  mixpanel-data loads events --project 12345 --format json
"""
_COVERAGE_EXAMPLES = """\b
Examples:
  mixpanel-data coverage events --db data.db
  mixpanel-data coverage events --db data.db --format json
"""

app = typer.Typer(rich_markup_mode=None)

OptionalTableArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="TABLE",
        show_default=False,
        autocompletion=complete_table,
        help="The table; without it, all.",
    ),
]


@app.command(epilog=_LOADS_EXAMPLES)
def loads(
    name: OptionalTableArgument = None,
    db: DbOption = None,
    project: ProjectOption = None,
    wait: WaitOption = 0.0,
    format_: ListFormatOption = ListFormat.TABLE,
) -> None:
    """List the loads that finished, the newest last.

    Loads into tables that were dropped since are among them.
    """
    with open_database(db, project, wait=wait) as storage:
        done = storage.loads(name)
        if name is not None and not done:
            storage.get_schema(name)  # which says that there is no such table
    if format_ is ListFormat.JSON:
        print_json([load.to_dict() for load in done])
    elif done:
        _print_loads(done)
    else:
        say("No loads yet." if name is None else f"No loads into '{name}' yet.")


@app.command(epilog=_COVERAGE_EXAMPLES)
def coverage(
    name: TableArgument,
    db: DbOption = None,
    project: ProjectOption = None,
    wait: WaitOption = 0.0,
    format_: ListFormatOption = ListFormat.TABLE,
) -> None:
    """Show which days were loaded into a table, and which between them are missing.

    The days are those that were given to load with --from and --to, of the zone that it was given.
    A load that was limited by --event, into a table that was not, brings no whole day.
    """
    with open_database(db, project, wait=wait) as storage:
        known = storage.coverage(name)
    if format_ is ListFormat.JSON:
        print_json(known.to_dict())
    else:
        _print_coverage(known)


def _print_loads(done: Iterable[LoadInfo]) -> None:
    texts = ["finished (UTC)", "table", "action", "days"]
    counts = ["stored", "duplicates", "collisions", "replaced"]
    rows = [
        [
            f"{load.finished_at:%Y-%m-%d %H:%M}",
            load.table_name,
            load.action,
            day_range(load.from_date, load.to_date, load.time_zone),
            *(f"{getattr(load, name):,}" for name in counts),
            load.source or "",
        ]
        for load in done
    ]
    columns = [*texts, *counts, "source"]
    print_grid(console(), columns, rows, numbers=[name in counts for name in columns])


def _print_coverage(known: Coverage) -> None:
    found = sorted([*_stretches(known.loaded, "loaded"), *_stretches(known.missing, "missing")])
    rows = [
        [state, str(first), str(last), f"{(last - first).days + 1:,}"]
        for first, last, state in found
    ]
    if rows:
        columns = ["", "from", "to", "days"]
        print_grid(console(), columns, rows, numbers=[name == "days" for name in columns])
    else:
        say("No days are known: they are those that load is given with --from and --to.")
    if known.undated:
        say(f"{count(known.undated, 'load')} without days.")


def _stretches(days: Iterable[date], state: str) -> Iterator[tuple[date, date, str]]:
    """Yield the first and last of the days that follow each other, with their *state*."""
    # Each day less its number is the same as long as there is no gap.
    for _, run in groupby(enumerate(days), lambda item: item[1] - timedelta(item[0])):
        row = [day for _, day in run]
        yield row[0], row[-1], state
