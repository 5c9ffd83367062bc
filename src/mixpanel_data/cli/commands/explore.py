"""``sample``, ``summarize``, ``breakdown`` and the like: what is in a table."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

from mixpanel_data import StorageEngine
from mixpanel_data.cli.commands.query import confine, write_result
from mixpanel_data.cli.errors import say
from mixpanel_data.cli.options import (
    DbOption,
    Format,
    FormatOption,
    OutputOption,
    ProjectOption,
    TableArgument,
    WaitOption,
    check_output,
    chosen_format,
    open_database,
)
from mixpanel_data.cli.views.frame import text_of, write_frame
from mixpanel_data.cli.views.results import Result

if TYPE_CHECKING:
    import pandas as pd

SqlOption = Annotated[bool, typer.Option("--sql", help="Print the SQL behind it instead.")]
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


class _Answer(Protocol):
    @property
    def df(self) -> "pd.DataFrame": ...

    @property
    def sql(self) -> str: ...


def sample(
    table: TableArgument,
    rows: RowsOption = 10,
    seed: SeedOption = None,
    db: DbOption = None,
    project: ProjectOption = None,
    wait: WaitOption = 0.0,
    format_: FormatOption = None,
    output: OutputOption = None,
    sql: SqlOption = False,
) -> None:
    """Show random rows of a table."""

    def text(storage: StorageEngine) -> str:
        return storage.sql_text(storage.sample_statement(table, rows, seed))

    _show_rows(text, db, project, wait, format_, output, sql)


def summarize(
    table: TableArgument,
    db: DbOption = None,
    project: ProjectOption = None,
    wait: WaitOption = 0.0,
    format_: FormatOption = None,
    output: OutputOption = None,
    sql: SqlOption = False,
) -> None:
    """Describe the columns of a table: type, range, quartiles, NULLs."""
    _show(lambda storage: storage.summarize(table), db, project, wait, format_, output, sql)


def breakdown(
    table: TableArgument,
    db: DbOption = None,
    project: ProjectOption = None,
    wait: WaitOption = 0.0,
    format_: FormatOption = None,
    output: OutputOption = None,
    sql: SqlOption = False,
) -> None:
    """Count events and users by event name."""
    _show(lambda storage: storage.event_breakdown(table), db, project, wait, format_, output, sql)


def keys(
    table: TableArgument,
    event: EventOption = None,
    db: DbOption = None,
    project: ProjectOption = None,
    wait: WaitOption = 0.0,
    format_: FormatOption = None,
    output: OutputOption = None,
    sql: SqlOption = False,
) -> None:
    """List the keys of the properties."""

    def text(storage: StorageEngine) -> str:
        return storage.sql_text(storage.property_keys_statement(table, event))

    _show_rows(text, db, project, wait, format_, output, sql)


def values(
    table: TableArgument,
    key: PropertyArgument,
    event: EventOption = None,
    limit: LimitOption = 255,
    db: DbOption = None,
    project: ProjectOption = None,
    wait: WaitOption = 0.0,
    format_: FormatOption = None,
    output: OutputOption = None,
    sql: SqlOption = False,
) -> None:
    """Count the values of a property, the most frequent first."""

    def ask(storage: StorageEngine) -> _Answer:
        return storage.property_distribution(table, event, key, limit=limit)

    _show(ask, db, project, wait, format_, output, sql)


def column(
    table: TableArgument,
    expression: ExpressionArgument,
    top: TopOption = 10,
    db: DbOption = None,
    project: ProjectOption = None,
    wait: WaitOption = 0.0,
    format_: FormatOption = None,
    output: OutputOption = None,
    sql: SqlOption = False,
) -> None:
    """Count the values of a column or an SQL expression, the most frequent first."""

    def ask(storage: StorageEngine) -> _Answer:
        found = storage.column_stats(table, expression, top_n=top)
        numbers = {"min": found.min, "max": found.max, "mean": found.mean, "std": found.std}
        shown = [f"{name} {value:g}" for name, value in numbers.items() if value is not None]
        counts = [
            f"{found.dtype}: {found.count:,} values",
            f"{found.null_count:,} NULL ({found.null_pct:g} %)",
            f"{found.unique_count:,} different ({found.unique_pct:g} %)",
        ]
        say(", ".join([*counts, *shown]))
        return found

    _show(ask, db, project, wait, format_, output, sql)


def properties(
    table: TableArgument,
    event: EventOption = None,
    sample: SampleOption = None,
    db: DbOption = None,
    project: ProjectOption = None,
    wait: WaitOption = 0.0,
    format_: FormatOption = None,
    output: OutputOption = None,
    sql: SqlOption = False,
) -> None:
    """Describe the properties: types, how many rows have them, values, days, the SQL to use.

    Numbers of different values with a ~ are estimates.
    """

    def ask(storage: StorageEngine) -> _Answer:
        return storage.properties(table, event, sample)

    _show(ask, db, project, wait, format_, output, sql, _short)


COMMANDS: list[Callable[..., None]] = [
    sample,
    summarize,
    breakdown,
    keys,
    values,
    column,
    properties,
]
_EXAMPLES = {
    sample: ["events -n 5", "events --seed 1 --output sample.parquet"],
    summarize: ["events", "profiles --format json"],
    breakdown: ["events", "events --output breakdown.csv"],
    keys: ["events", "events --event purchase"],
    values: ["events '$browser'", "events plan --event signup --limit 20 --format csv"],
    column: ["events event_name", "events \"properties->>'$.country'\" --top 5"],
    properties: ["events", "events --event purchase --sample 100000 --format json"],
}


def examples(command: Callable[..., None]) -> str:
    """Return the examples of a command, for its help."""
    name = command.__name__
    lines = [f"  mixpanel-data {name} {line} --db data.db" for line in _EXAMPLES[command]]
    return "\b\nExamples:\n" + "\n".join(lines)


def _show(
    ask: Callable[[StorageEngine], _Answer],
    db: Path | None,
    project: str | None,
    wait: float,
    format_: Format | None,
    output: Path | None,
    sql: bool,
    short: "Callable[[pd.DataFrame], pd.DataFrame] | None" = None,
) -> None:
    chosen = chosen_format(format_, output)
    with open_database(db, project, wait=wait) as storage:
        check_output(output, storage.path)
        confine(storage)
        answer = ask(storage)
        if sql:
            print(answer.sql)
            return
        frame = answer.df
        write_frame(short(frame) if short and chosen is Format.TABLE else frame, chosen, output)


def _show_rows(
    text: Callable[[StorageEngine], str],
    db: Path | None,
    project: str | None,
    wait: float,
    format_: Format | None,
    output: Path | None,
    sql: bool,
) -> None:
    """Show the rows of a statement as those of ``query``: exact, and JSON as it is."""
    chosen = chosen_format(format_, output)
    with open_database(db, project, wait=wait) as storage:
        check_output(output, storage.path)
        confine(storage)
        statement = text(storage)
        if sql:
            print(statement)
        else:
            write_result(Result(storage, statement), chosen, output, 0)


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
