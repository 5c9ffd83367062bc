"""``demo``: a month of a made-up music app, loaded and asked, to see what the library does."""

from datetime import datetime, timedelta, timezone
from inspect import getsource
from io import StringIO
from pathlib import Path
from typing import Annotated

import sqlalchemy as sa
import typer
from rich.text import Text

from mixpanel_data import SQLResult, StorageEngine, TableMetadata
from mixpanel_data.cli.commands.load import load_files, optimize_loaded
from mixpanel_data.cli.commands.query import print_table
from mixpanel_data.cli.commands.tables import print_schema, print_tables
from mixpanel_data.cli.console import Screen, console, print_grid, print_json
from mixpanel_data.cli.options import ListFormat, ListFormatOption
from mixpanel_data.cli.views import pictures
from mixpanel_data.cli.views.loads import summary
from mixpanel_data.cli.views.results import Result
from mixpanel_data.demo import DAYS, MONTH, write_export
from mixpanel_data.types import TableKind

_EXAMPLES = """\b
Examples:
  mixpanel-data demo
  mixpanel-data demo --dir /tmp/demo
"""

_DATABASE = "demo.db"
_BAR = 40

_BY_DAY = """\
SELECT event_time::DATE AS day, count(*) AS events
FROM events
GROUP BY day
ORDER BY day"""

_BY_COUNTRY = """\
SELECT properties->>'$.mp_country_code' AS country,
       count(*) AS sales,
       sum((properties->>'$.revenue')::DECIMAL(10, 2)) AS revenue
FROM events
WHERE event_name IN ('purchase', 'subscribe')
GROUP BY country
ORDER BY revenue DESC"""

_NEXT = """\
  export MIXPANEL_DATA_DB={database}
  mixpanel-data query "SELECT properties->>'$.track.genre' AS genre, count(*) AS plays
                       FROM events WHERE event_name = 'play' GROUP BY 1 ORDER BY 2 DESC"
  mixpanel-data query "FROM profiles" --output profiles.csv
  mixpanel-data load events YOUR_EXPORT.jsonl --db mine.db

  python -c "
  from mixpanel_data import StorageEngine
  with StorageEngine('{database}', read_only=True) as storage:
      print(storage.execute_df('FROM events LIMIT 5'))"

Everything is in {directory}/; delete it when you are done."""

app = typer.Typer(rich_markup_mode=None)

DirOption = Annotated[
    Path,
    typer.Option("--dir", metavar="DIRECTORY", file_okay=False, help="Where its files go."),
]


@app.command(epilog=_EXAMPLES)
def demo(
    directory: DirOption = Path("mixpanel-demo"), format_: ListFormatOption = ListFormat.TABLE
) -> None:
    """Make a month of example data, load it, and ask it some questions.

    Writes events.jsonl.gz, profiles.jsonl.gz and demo.db into a directory of its own. Running it
    again makes the same data anew; deleting the directory removes everything.
    """
    database = directory / _DATABASE
    if directory.exists() and any(directory.iterdir()) and not database.exists():
        raise typer.BadParameter(
            f"{directory} holds other files; choose a new directory", param_hint="--dir"
        )
    as_json = format_ is ListFormat.JSON
    screen = console(StringIO() if as_json else None)
    screen.print("A month of a music app's events and users, as Mixpanel exports them.\n")
    # The database comes first: it marks the directory as the demo's, should this be interrupted.
    with StorageEngine(database) as storage:
        _load(screen, storage, write_export(directory))
        _look(screen, storage)
        _ask(screen, storage)
        _report(screen, storage)
        if as_json:
            loads = [load.to_dict() for load in storage.load_history()]
            print_json({"database": str(database), "loads": loads})
    _say_what_next(screen, database)


def _load(screen: Screen, storage: StorageEngine, exports: tuple[Path, Path]) -> None:
    first, last = str(MONTH.date()), str((MONTH + timedelta(days=DAYS - 1)).date())
    kinds: tuple[TableKind, TableKind] = ("events", "profiles")
    for kind, export in zip(kinds, exports):
        if storage.table_exists(kind):
            storage.drop_table(kind)
        is_month = kind == "events"
        metadata = TableMetadata(
            type=kind,
            fetched_at=datetime.now(timezone.utc),
            from_date=first if is_month else None,
            to_date=last if is_month else None,
        )
        days = f" --from {first} --to {last}" if is_month else ""
        _heading(screen, f"$ mixpanel-data load {kind} {export} --db {storage.path}{days}")
        screen.print(summary(load_files(storage, kind, [export], metadata)) + "\n")
        optimize_loaded(storage, kind, quiet=True)


def _look(screen: Screen, storage: StorageEngine) -> None:
    _heading(screen, f"$ mixpanel-data tables --db {storage.path}")
    print_tables(screen, storage)
    _heading(screen, f"\n$ mixpanel-data schema events --db {storage.path}")
    print_schema(screen, storage, "events")


def _ask(screen: Screen, storage: StorageEngine) -> None:
    _heading(screen, "\nHow busy is each day?", _BY_DAY)
    _print_bars(screen, storage.execute_rows(_BY_DAY))

    _heading(
        screen, "\nWhat do people do, and how many of them? (SQLAlchemy)", getsource(_top_events)
    )
    rows = [[name, f"{count:,}", f"{users:,}"] for name, count, users in _top_events(storage)]
    print_grid(screen, ["event_name", "events", "users"], rows, numbers=[False, True, True])

    _heading(screen, "\nWhich countries pay? (a JSON property)", _BY_COUNTRY)
    print_table(screen, Result(storage, _BY_COUNTRY), max_rows=0)


def _report(screen: Screen, storage: StorageEngine) -> None:
    reports = storage.reports("events")
    first, last = str(MONTH.date()), str((MONTH + timedelta(days=DAYS - 1)).date())
    ending = str((MONTH + timedelta(days=DAYS - 14)).date())

    command = "segmentation events --measure dau"
    _heading(screen, "\nHow many are active each day?", _command(storage, command, ending, last))
    pictures.trend(screen, reports.segmentation(measure="dau", from_date=ending, to_date=last))

    command = "funnel events 'sign up' play like 'playlist add'"
    _heading(screen, "\nWhere do new users drop out?", _command(storage, command, first, last))
    steps = ["sign up", "play", "like", "playlist add"]
    pictures.funnel(screen, reports.funnel(steps, from_date=first, to_date=last))

    command = "retention events -b 'sign up' -r play -u week -n 4"
    _heading(screen, "\nWho comes back to play?", _command(storage, command, first, last))
    cohorts = reports.retention(
        born_event="sign up",
        return_event="play",
        unit="week",
        interval_count=4,
        from_date=first,
        to_date=last,
    )
    pictures.retention(screen, cohorts)


def _command(storage: StorageEngine, command: str, first: str, last: str) -> str:
    return f"$ mixpanel-data {command} --db {storage.path} --from {first} --to {last}"


def _top_events(storage: StorageEngine) -> SQLResult:
    events = storage.table("events")
    users = sa.func.count(events.c.distinct_id.distinct())
    return storage.execute_rows(
        sa.select(events.c.event_name, sa.func.count().label("events"), users.label("users"))
        .group_by(events.c.event_name)
        .order_by(sa.desc("events"))
    )


def _heading(screen: Screen, title: str, code: str = "") -> None:
    screen.print(title, style="bold")
    if code:
        screen.print(code, style="cyan")
        screen.print()


def _print_bars(screen: Screen, days: list[tuple[object, ...]]) -> None:
    counts = [int(str(count)) for _, count in days]
    unit = max(counts) / _BAR
    bar = "█" if "utf" in screen.encoding else "#"
    for (day, _), count in zip(days, counts):
        line = Text(f"{day:%a %d %b} {count:>6,} ")
        screen.print(line.append(bar * round(count / unit), style="magenta"))


def _say_what_next(screen: Screen, database: Path) -> None:
    _heading(screen, "\nNow you:")
    screen.print(_NEXT.format(database=database, directory=database.parent))
