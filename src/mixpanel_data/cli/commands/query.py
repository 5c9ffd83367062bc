"""``query``: any SQL that DuckDB takes, to the screen or exactly into a file or a pipe."""

import io
import sys
from typing import Annotated

import typer
from rich.console import Console

from mixpanel_data.cli.console import console, print_grid, printable
from mixpanel_data.cli.options import (
    DbOption,
    Format,
    FormatOption,
    OutputOption,
    ProjectOption,
    WaitOption,
    check_output,
    chosen_format,
    open_database,
)
from mixpanel_data.cli.views import writers
from mixpanel_data.cli.views.results import Result, Row

# What EXPLAIN gives: a drawing of many lines, which no cell could hold.
_PLAN = ["explain_key", "explain_value"]

EXAMPLES = """\b
Examples:
  mixpanel-data query "SELECT event_name, count(*) AS n FROM events GROUP BY 1 ORDER BY n DESC"
  mixpanel-data query "SELECT properties->>'$.country', count(*) FROM events GROUP BY 1"
  mixpanel-data query "FROM events" --output events.parquet
  mixpanel-data query - --format jsonl < report.sql | head

\b
What the cells become:
  csv     RFC 4180 with a header and CRLF; NULL is empty; JSON as its text
  json    an array of objects; JSON columns are values in it, NaN and infinities null
  jsonl   the same objects, one a line
  parquet typed columns; JSON and INTERVAL as text
  Times are ISO 8601 (with an offset: in UTC), numbers keep all their digits,
  bytes are base64, lists and structs JSON; of columns named alike, the later
  ones get a number. csv, json, jsonl and parquet stream: memory stays small.
"""


_WRITERS = {
    Format.CSV: writers.write_csv,
    Format.JSON: writers.write_json,
    Format.JSONL: writers.write_jsonl,
    Format.PARQUET: writers.write_parquet,
}

SqlArgument = Annotated[
    str, typer.Argument(metavar="SQL", show_default=False, help="The statement, or - for stdin.")
]
ExternalOption = Annotated[
    bool,
    typer.Option(
        "--allow-external",
        help="Let the statement read and write files, use the network and change settings.",
    ),
]
MaxRowsOption = Annotated[
    int, typer.Option("--max-rows", min=0, metavar="N", help="Rows in a table; 0 for all.")
]


def query(
    sql: SqlArgument,
    db: DbOption = None,
    project: ProjectOption = None,
    wait: WaitOption = 0.0,
    format_: FormatOption = None,
    output: OutputOption = None,
    max_rows: MaxRowsOption = 50,
    allow_external: ExternalOption = False,
) -> None:
    """Run SQL, read-only, and print its result.

    The statement can change nothing in the database, and outside of it neither read nor write,
    unless --allow-external is given.

    A table shows the first rows and says how many more there are; the other formats write
    every row.
    """
    chosen = chosen_format(format_, output)
    statement = sys.stdin.read() if sql == "-" else sql
    with open_database(db, project, wait=wait) as storage:
        check_output(output, storage.path)
        if not allow_external:
            storage.connection.execute("SET enable_external_access = false")
            storage.connection.execute("SET lock_configuration = true")
        result = Result(storage, statement)
        with writers.output(output) as out:
            if chosen is Format.TABLE:
                screen = console(None if output is None else io.TextIOWrapper(out, "utf-8"))
                print_table(screen, result, max_rows)
                screen.file.flush()
            else:
                _WRITERS[chosen](result, out)


def print_table(screen: Console, result: Result, max_rows: int) -> None:
    """Show the first rows (0: all), and how many there are."""
    shown: list[Row] = []
    total = 0
    for rows in result.text_rows():
        shown += rows[: max_rows - len(shown)] if max_rows else rows
        total += len(rows)
    if result.columns == _PLAN:
        for _, plan in shown:
            for line in (plan or "").splitlines():
                screen.print(printable(line))
        return
    print_grid(screen, result.columns, shown, numbers=result.numbers)
    if total > len(shown):
        screen.print(
            f"\n{len(shown):,} of {total:,} rows; --max-rows 0 shows all of them", style="dim"
        )
    else:
        screen.print(f"\n{total:,} row{'' if total == 1 else 's'}", style="dim")
