"""The commands, put together; a new group of commands is one module and one line here."""

import csv
import io
import os
import sys
from typing import Annotated

import rich  # noqa: F401 - a missing one is reported before any command runs
import typer

from mixpanel_data import __version__
from mixpanel_data.cli import conversion
from mixpanel_data.cli.errors import Root, discard_unwritten, watch_signals

_EPILOG = """\b
The database is --db PATH, or --project ID for ~/.mixpanel_data/ID.db,
or else the path in $MIXPANEL_DATA_DB. For the tables of a ClickHouse server,
PATH is its URL: clickhousedb://USER@HOST/DATABASE.

\b
Examples:
  mixpanel-data demo
  mixpanel-data load events events.jsonl.gz --db data.db
  mixpanel-data query "SELECT event_name, count(*) FROM events GROUP BY 1" --db data.db

\b
Exit codes:
  0    done
  1    the data or the database refused (a bad record, an unknown table, wrong SQL)
  2    usage: a wrong option or argument, or a question that needs --yes
  3    packages are missing: pip install 'mixpanel-data[cli]', for pictures 'mixpanel-data[plot]'
  4    another process holds the database; try again later
  130  Ctrl-C; nothing was changed, or (db upgrade) it says how far it came
  141  whoever read the output went away
  143  SIGTERM; nothing was changed
"""

conversion.install()
app = typer.Typer(
    cls=Root,
    name="mixpanel-data",
    epilog=_EPILOG,
    no_args_is_help=True,
    # Plain help: the same in a terminal, in a pipe and in every version.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"mixpanel-data {__version__}")
        raise typer.Exit


VersionOption = Annotated[
    bool,
    typer.Option(
        "--version", is_eager=True, callback=_print_version, help="Show the version and exit."
    ),
]


@app.callback()
def root(version: VersionOption = False) -> None:
    """Mixpanel events and profiles in a local DuckDB file: load once, query many times."""


def run() -> None:
    """Run the command that the arguments ask for, and exit with its code."""
    # Of the documents in a CSV file; the limit of lines ends those that never do.
    csv.field_size_limit(1 << 30)
    # Closed by whoever started this: nothing is read, and what is printed goes nowhere.
    sys.stdin = sys.stdin or open(os.devnull)  # noqa: SIM115 - until the process ends
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115 - until the process ends
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # What the terminal's encoding lacks is shown, and ends no command.
            stream.reconfigure(errors="backslashreplace")
    try:
        app(prog_name="mixpanel-data", obj=watch_signals)
    finally:
        discard_unwritten()
