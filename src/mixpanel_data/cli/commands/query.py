"""``query``: any SQL that DuckDB takes, to the screen or exactly into a file or a pipe."""

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from mixpanel_data.cli.console import Screen, console, print_grid, printable
from mixpanel_data.cli.errors import say
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
from mixpanel_data.cli.views.arrow_result import ArrowResult
from mixpanel_data.cli.views.results import Result, Row, is_duckdb, result_of

if TYPE_CHECKING:
    from mixpanel_data import StorageEngine

# What EXPLAIN gives: a drawing of many lines, which no cell could hold.
_PLAN = ["explain_key", "explain_value"]

_EXAMPLES = """\b
Examples:
  mixpanel-data query "SELECT event_name, count(*) AS n FROM events GROUP BY 1 ORDER BY n DESC"
  mixpanel-data query "SELECT properties->>'$.country', count(*) FROM events GROUP BY 1"
  mixpanel-data query "FROM events" --output events.parquet
  mixpanel-data query "FROM events WHERE distinct_id = \\$user" -p user=u-17 --limit 20
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

app = typer.Typer(rich_markup_mode=None)

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
    int | None,
    typer.Option(
        "--max-rows",
        min=0,
        metavar="N",
        show_default="50",
        help="Rows that a table shows; 0 for all.",
    ),
]
LimitOption = Annotated[
    int | None,
    typer.Option(
        "--limit", min=0, metavar="N", show_default=False, help="Take the first N rows alone."
    ),
]
ParamOption = Annotated[
    list[str] | None,
    typer.Option(
        "--param",
        "-p",
        metavar="NAME=VALUE",
        show_default=False,
        help="A value for $NAME in the statement: a number, true, false or null as JSON has them,"
        " else text; repeatable.",
    ),
]
_MAX_ROWS = 50


@app.command(epilog=_EXAMPLES)
def query(
    sql: SqlArgument,
    db: DbOption = None,
    project: ProjectOption = None,
    wait: WaitOption = 0.0,
    format_: FormatOption = None,
    output: OutputOption = None,
    param: ParamOption = None,
    limit: LimitOption = None,
    max_rows: MaxRowsOption = None,
    allow_external: ExternalOption = False,
) -> None:
    """Run SQL, read-only, and print its result.

    The statement can change nothing in the database, and outside of it neither read nor write,
    unless --allow-external is given.

    A table shows the first rows and says how many more there are; the other formats write
    every row.
    """
    chosen = chosen_format(format_, output)
    if max_rows and chosen is not Format.TABLE:
        say("Note: --max-rows is for tables; all rows are written. --limit takes fewer.")
    params = _params(param or []) or None
    statement = sys.stdin.read() if sql == "-" else sql
    with open_database(db, project, wait=wait) as storage:
        check_output(output, storage.path)
        if not allow_external:
            confine(storage)
        result = result_of(storage, statement, params, limit)
        write_result(result, chosen, output, _MAX_ROWS if max_rows is None else max_rows)


def _params(texts: list[str]) -> dict[str, Any]:
    params = dict(map(_param, texts))
    if len(params) < len(texts):
        raise typer.BadParameter("a name is given more than once", param_hint="--param")
    return params


def _param(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise typer.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="--param")
    try:
        read = orjson.loads(value)
    except ValueError:
        return name, value
    return name, value if isinstance(read, (dict, list)) else read


def confine(storage: "StorageEngine") -> None:
    """Let statements read and write nothing outside of the database; a server has its own rules."""
    if not is_duckdb(storage):
        return
    connection = storage.connection
    # Another one to look up what an error suggests: none can be opened once settings are locked.
    storage.engine.connect().close()
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def write_result(
    result: Result | ArrowResult, chosen: Format, output: Path | None, max_rows: int
) -> None:
    """Write a result to stdout or to a file; a table only shows the first *max_rows* (0: all)."""
    with writers.output(output) as out:
        if chosen is Format.TABLE:
            screen = console(None if output is None else io.TextIOWrapper(out, "utf-8"))
            print_table(screen, result, max_rows)
            screen.file.flush()
        else:
            _WRITERS[chosen](result, out)


def print_table(screen: Screen, result: Result | ArrowResult, max_rows: int) -> None:
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
