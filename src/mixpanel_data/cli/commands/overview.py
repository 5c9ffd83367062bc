"""``overview``: one page about a database, to look at in a browser."""

from pathlib import Path
from typing import Annotated

import typer

from mixpanel_data.cli.console import count, print_json
from mixpanel_data.cli.errors import needed_packages, say
from mixpanel_data.cli.options import (
    DbOption,
    ListFormat,
    ListFormatOption,
    PlaceArgument,
    ProjectOption,
    WaitOption,
    check_output,
    one_place,
    open_database,
)
from mixpanel_data.cli.views import writers

_EXAMPLES = """\b
Examples:
  mixpanel-data overview --db data.db
  mixpanel-data overview --db data.db --timezone Europe/Berlin --output march.html
"""

app = typer.Typer(rich_markup_mode=None)

ZoneOption = Annotated[
    str | None,
    typer.Option(
        "--timezone",
        metavar="ZONE",
        show_default=False,
        help="The project's zone: an IANA name. Default: that of each table's loads, else UTC.",
    ),
]
PageOption = Annotated[
    Path,
    typer.Option("--output", "-o", metavar="FILE", help="The page; replaced once it is whole."),
]


@app.command(epilog=_EXAMPLES)
def overview(
    path: PlaceArgument = None,
    timezone: ZoneOption = None,
    output: PageOption = Path("overview.html"),
    db: DbOption = None,
    project: ProjectOption = None,
    wait: WaitOption = 0.0,
    format_: ListFormatOption = ListFormat.TABLE,
) -> None:
    """Write a page about a database: tables, days, events, properties, users, and who returns.

    The page works without a network, and shows the SQL behind each picture.
    """
    with open_database(one_place(path, db), project, wait=wait) as storage, needed_packages():
        check_output(output, storage.path)
        # pandas and the reports are loaded only when they are needed.
        from mixpanel_data.reports import charts
        from mixpanel_data.reports.overview import overview as page_of

        charts.converter()
        if output.suffix.lower() not in ("", ".htm", ".html"):
            problem = f"the page is HTML, which {output} does not end in"
            raise typer.BadParameter(problem, param_hint="--output")
        try:
            page = page_of(storage, timezone=timezone)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--timezone") from None
        with writers.output(output) as out:
            out.write(page.encode())
        tables = len(storage.list_tables())
        if format_ is ListFormat.JSON:
            print_json({"output": str(output), "tables": tables})
        else:
            say(f"Wrote {output}: {count(tables, 'table')}")
