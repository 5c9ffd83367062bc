"""What the figures are to be, and what one run says of that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """The medians of one measurement; a note says why there is no figure."""

    name: str
    group: str
    unit: str
    rows: int
    value: float | None
    peak_mb: int
    note: str = ""

    @property
    def each(self) -> float | None:
        """The figure, of one row where it is a time for all of them."""
        if self.value is None or self.unit != "rows/s":
            return self.value
        return self.value / self.rows


@dataclass(frozen=True)
class Target:
    """A figure of one measurement, its ratio to that of another, or its peak memory."""

    name: str
    over: str | None = None
    most: float | None = None
    least: float = 0.0
    peak: bool = False
    unit: str = ""

    def figure(self, results: Mapping[str, Result]) -> float | None:
        """Return the figure of a run, or None where it was not measured."""
        one, other = results.get(self.name), results.get(self.over or "")
        if one is None or one.each is None:
            return None
        if self.peak:
            return float(one.peak_mb)
        if self.over is None:
            return one.each
        return one.each / other.each if other is not None and other.each is not None else None

    def shown(self, figure: float) -> str:
        """Return the figure with its unit."""
        return f"{figure:.0f} MB" if self.peak else f"{figure:.2f}{self.unit}"

    @property
    def bounds(self) -> str:
        """The target in words."""
        if self.most is None:
            return ""
        unit = " MB" if self.peak else self.unit
        return f"{self.least:.2f} to {self.most:g}" if self.least else f"≤ {self.most:g}{unit}"


SMALL, LARGE = (
    "create from an iterator, batches of 1,000",
    "create from an iterator, batches of 50,000",
)
TEN, THIRTY = (
    "create from an iterator, 10 times the rows",
    "create from an iterator, 30 times the rows",
)
RECORDS = "DuckDB: read_json of records, keyed"
EXPORT = "DuckDB: INSERT … SELECT of an export, keyed"
HAND = "realistic: by hand, keyed"
QUESTIONS = (
    *("group by one", "one event, group by one", "sum of a number", "numeric filter"),
    *("group by four", "four in SQL text over the view", "a report by one property"),
    *("a report of a sum by one property", "a report with a numeric filter"),
)
BY_HAND = "Arrow packed with json.dumps, one INSERT … SELECT, keyed"
SHOWN = (
    *("sample", "summarize", "event_breakdown", "property_keys", "column_stats of a property"),
    "property_values",
)
REPORTS = (
    "daily uniques",
    "MAU line",
    "funnel, uniques",
    "funnel, totals",
    "retention, birth",
    "retention, recurring",
    "sessions",
    "breakdown by a property",
)

TARGETS = (
    Target(SMALL, RECORDS, most=2.0),
    Target(LARGE, RECORDS, most=2.0),
    Target(SMALL, LARGE, least=1 / 1.2, most=1.2),
    Target("load_export", EXPORT, most=1.5),
    Target("append a day, half of it known, to 50 days", "append a day to an empty table", most=2),
    Target(SMALL, peak=True, most=500),
    Target(TEN, peak=True, most=500),
    Target(THIRTY, peak=True, most=500),
    Target(THIRTY, SMALL, most=1.3),
    Target("create, events of 300 bytes", peak=True, most=500),
    Target("create, events of 875 bytes", peak=True, most=500),
    Target("create, events of 4 KB", peak=True, most=500),
    Target("execute_df / DuckDB's df()", most=1.1),
    Target("execute_arrow / DuckDB's Arrow", most=1.1),
    Target("execute_scalar('SELECT 1')", most=1, unit=" ms"),
    Target("open a database, beyond duckdb.connect()", most=5, unit=" ms"),
    Target("realistic: an export", HAND, most=1.5),
    Target("realistic: an export", peak=True, most=500),
    Target("realistic: create from an iterator", peak=True, most=500),
    Target("realistic: optimize", HAND, most=0.7),
    Target("realistic: optimize", peak=True, most=500),
    Target("realistic: size of the file with typed rows / without", most=1.3),
    Target("realistic: a tenth more, typed rows / none", most=1.6),
    *(Target(f"typed: {question} / by hand", most=2) for question in QUESTIONS),
    *(Target(f"JSON: {question} / by hand") for question in QUESTIONS[:5]),
    Target("JSON: four by one parse / each by its own", most=1 / 2.3),
    Target("typed: looking the registry up", most=1, unit=" ms"),
    Target("typed: rewriting a statement", most=3, unit=" ms"),
    *(Target(f"exploration: {call}", most=0.6, unit=" CPU s") for call in SHOWN),
    Target("exploration: properties", most=3, unit=" CPU s"),
    Target("upgrade the original's file of 5 times the rows", most=1000, peak=True),
    Target("Core insert(), keyed", BY_HAND, most=1.25),
    Target("ORM insert(), keyed", BY_HAND, most=1.25),
    Target("import StorageEngine", "import what duckdb-engine needs", most=1.3),
    Target("mixpanel-data --version", most=0.15, unit=" s"),
    Target("mixpanel-data --help", most=0.15, unit=" s"),
    Target("mixpanel-data query", "import what duckdb-engine needs", most=1.5),
    *(
        Target(f"{question}: ours", f"{question}: {engine}", most=1.2)
        for question in ("funnel, uniques", "retention, birth", "retention, recurring")
        for engine in ("DuckDB by hand", "ClickHouse", "polars")
    ),
    Target("sessions: ours", "sessions: ClickHouse", most=2),
    *(
        target
        for question in REPORTS
        for target in (
            Target(f"{question}: ours, twice the rows", f"{question}: ours", most=2.3),
            Target(f"{question}: ours, with a bot", f"{question}: ours", most=3),
            Target(f"{question}: ours", peak=True, most=600),
            Target(f"{question}: ours, with a bot", peak=True, most=600),
        )
    ),
)


def needed(names: list[str]) -> list[str]:
    """Add to the names of measurements those that their targets compare them with."""
    others = [target.over for target in TARGETS if target.name in names and target.over]
    return [*names, *dict.fromkeys(other for other in others if other not in names)]


def judged(results: Mapping[str, Result]) -> Iterator[tuple[Target, float]]:
    """Yield the targets that a run has figures for."""
    for target in TARGETS:
        figure = target.figure(results)
        if figure is not None:
            yield target, figure
