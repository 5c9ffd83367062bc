"""``sample``, ``summarize``, ``breakdown`` and the like: what is in a table."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mixpanel_data.cli.asking import Asked, asking
from mixpanel_data.cli.errors import say
from mixpanel_data.cli.signatures import Command
from mixpanel_data.cli.views.frame import text_of

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer(rich_markup_mode=None)

_EXAMPLES = {
    "sample": ["events -n 5", "events --seed 1 --output sample.parquet"],
    "summarize": ["events", "profiles --format json"],
    "breakdown": ["events", "events --output breakdown.csv"],
    "keys": ["events", "events --event purchase"],
    "values": ["events '$browser'", "events plan --event signup --limit 20 --format csv"],
    "column": ["events event_name", "events \"properties->>'$.country'\" --top 5"],
    "properties": ["events", "events --event purchase --sample 100000 --format json"],
}


def _command(ask: Callable[..., None]) -> Command:
    """Add a command, with its examples, that asks about a table."""
    name = ask.__name__
    lines = [f"  mixpanel-data {name} {line} --db data.db" for line in _EXAMPLES[name]]
    epilog = "\b\nExamples:\n" + "\n".join(lines)
    added: Command = app.command(epilog=epilog)(asking(ask))
    return added


EventOption = Annotated[
    str | None,
    typer.Option("--event", "-e", metavar="NAME", show_default=False, help="Of this event only."),
]
PropertyArgument = Annotated[
    str, typer.Argument(metavar="PROPERTY", show_default=False, help="The property's key.")
]
ExpressionArgument = Annotated[
    str,
    typer.Argument(
        metavar="EXPR", show_default=False, help="A column, or an SQL expression over columns."
    ),
]
RowsOption = Annotated[int, typer.Option("--rows", "-n", min=0, metavar="N", help="How many.")]
SeedOption = Annotated[
    int | None,
    typer.Option("--seed", metavar="N", show_default=False, help="The same rows every time."),
]
LimitOption = Annotated[
    int, typer.Option("--limit", min=1, metavar="N", help="How many of the most frequent.")
]
TopOption = Annotated[
    int, typer.Option("--top", min=0, metavar="N", help="How many of the most frequent values.")
]
SampleOption = Annotated[
    int | None,
    typer.Option(
        "--sample", min=0, metavar="N", show_default=False, help="Look at N random rows only."
    ),
]


@_command
def sample(to: Asked, table: str, rows: RowsOption = 10, seed: SeedOption = None) -> None:
    """Show random rows of a table."""
    to.show_rows(to.storage.sample_statement(table, rows, seed))


@_command
def summarize(to: Asked, table: str) -> None:
    """Describe the columns of a table: type, range, quartiles, NULLs."""
    to.show(to.storage.summarize(table))


@_command
def breakdown(to: Asked, table: str) -> None:
    """Count events and users by event name."""
    to.show(to.storage.event_breakdown(table))


@_command
def keys(to: Asked, table: str, event: EventOption = None) -> None:
    """List the keys of the properties."""
    to.show_rows(to.storage.property_keys_statement(table, event))


@_command
def values(
    to: Asked,
    table: str,
    key: PropertyArgument,
    event: EventOption = None,
    limit: LimitOption = 255,
) -> None:
    """Count the values of a property, the most frequent first."""
    to.show(to.storage.property_distribution(table, event, key, limit=limit))


@_command
def column(to: Asked, table: str, expression: ExpressionArgument, top: TopOption = 10) -> None:
    """Count the values of a column or an SQL expression, the most frequent first."""
    found = to.storage.column_stats(table, expression, top_n=top)
    numbers = {"min": found.min, "max": found.max, "mean": found.mean, "std": found.std}
    shown = [f"{name} {value:g}" for name, value in numbers.items() if value is not None]
    counts = [
        f"{found.dtype}: {found.count:,} values",
        f"{found.null_count:,} NULL ({found.null_pct:g} %)",
        f"{found.unique_count:,} different ({found.unique_pct:g} %)",
    ]
    say(", ".join([*counts, *shown]))
    to.show(found)


@_command
def properties(
    to: Asked, table: str, event: EventOption = None, sample: SampleOption = None
) -> None:
    """Describe the properties: types, how many rows have them, values, days, the SQL to use.

    Numbers of different values with a ~ are estimates.
    """
    to.show(to.storage.properties(table, event, sample), _short)


def _short(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Return the table of properties for people."""
    exact = frame.distinct_is_exact
    return frame.assign(
        types=[_types(types) for types in frame.types],
        distinct=[f"{'' if e else '~'}{n:,}" for n, e in zip(frame.distinct, exact)],
        top_values=[_top(counts) for counts in frame.top_values],
    ).drop(columns=["distinct_is_exact", "expression"])


def _types(types: dict[str, float]) -> str:
    if len(types) == 1:
        return next(iter(types))
    return ", ".join(f"{name} {share:g} %" for name, share in types.items())


def _top(counts: list[tuple[Any, int]]) -> str:
    return ", ".join(f"{text_of(value)} ({count:,})" for value, count in counts[:3])
