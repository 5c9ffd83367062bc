"""The answers of StorageEngine's exploration calls, as frozen values with a DataFrame."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mixpanel_data._internal.results import Answer, json_ready

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "ColumnStatsResult",
    "ColumnSummary",
    "EventBreakdownResult",
    "EventStats",
    "PropertiesResult",
    "PropertyDistributionResult",
    "PropertyInfo",
    "PropertyValueCount",
    "SummaryResult",
    "WorkspaceInfo",
]


class _Row:
    """One row of an answer."""

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values; times as ISO 8601."""
        return json_ready(asdict(self))  # type: ignore[call-overload, no-any-return]


@dataclass(frozen=True)
class ColumnSummary(_Row):
    """One column, as DuckDB's SUMMARIZE describes it.

    ``min``, ``max`` and the quantiles are text. ``approx_unique`` and the quantiles are estimates,
    ``count`` counts all rows, ``null_percentage`` is 0 to 100.
    """

    column_name: str
    column_type: str
    min: Any
    max: Any
    approx_unique: int
    avg: float | None
    std: float | None
    q25: Any
    q50: Any
    q75: Any
    count: int
    null_percentage: float


@dataclass(frozen=True, repr=False)
class SummaryResult(Answer):
    """The columns of a table in numbers."""

    table: str
    row_count: int
    columns: list[ColumnSummary] = field(default_factory=list)

    def _frame(self) -> pd.DataFrame:
        return _frame(ColumnSummary, self.columns)


@dataclass(frozen=True)
class EventStats(_Row):
    """One event name; times are naive, in UTC, ``pct_of_total`` is 0 to 100."""

    event_name: str
    count: int
    unique_users: int
    first_seen: datetime
    last_seen: datetime
    pct_of_total: float


@dataclass(frozen=True, repr=False)
class EventBreakdownResult(Answer):
    """The events of a table by name, the most frequent first.

    ``date_range`` are the first and the last time, both ``datetime.min`` without events.
    """

    table: str
    total_events: int
    total_users: int
    date_range: tuple[datetime, datetime]
    events: list[EventStats] = field(default_factory=list)

    def _frame(self) -> pd.DataFrame:
        return _frame(EventStats, self.events)


@dataclass(frozen=True, repr=False)
class ColumnStatsResult(Answer):
    """The values of one column, or of an expression over the rows of a table.

    ``count`` counts the values that are not NULL, ``null_pct`` is of all rows, ``unique_pct`` of
    the values (0 to 100). ``min`` to ``std`` are None for types other than numbers.
    """

    table: str
    column: str
    dtype: str
    count: int
    null_count: int
    null_pct: float
    unique_count: int
    unique_pct: float
    top_values: list[tuple[Any, int]] = field(default_factory=list)
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    std: float | None = None

    def _frame(self) -> pd.DataFrame:
        import pandas as pd

        return pd.DataFrame(self.top_values, columns=["value", "count"])


@dataclass(frozen=True)
class PropertyValueCount(_Row):
    """A value of a property, and how many rows have it; ``percentage`` is 0 to 100."""

    value: Any
    count: int
    percentage: float


@dataclass(frozen=True, repr=False)
class PropertyDistributionResult(Answer):
    """The most frequent values of a property.

    ``total_count`` counts the rows where the property is there and not null; percentages are of it.
    """

    event: str | None
    property_name: str
    from_date: str | None
    to_date: str | None
    total_count: int
    values: tuple[PropertyValueCount, ...]

    def _frame(self) -> pd.DataFrame:
        return _frame(PropertyValueCount, self.values)


@dataclass(frozen=True)
class PropertyInfo(_Row):
    """One property of the rows of a table.

    ``types`` are JSON's, each with its share of the property's values in percent; ``presence`` is
    the percentage of rows that have it, null included. ``distinct`` is exact where
    ``distinct_is_exact``, else an estimate. ``top_values`` are (value, count), exact as well.
    The days are of UTC, None for profiles. ``sql`` and ``expression`` read the property, in SQL and
    with SQLAlchemy.
    """

    key: str
    types: dict[str, float]
    presence: float
    distinct: int
    distinct_is_exact: bool
    top_values: list[tuple[Any, int]]
    first_day: date | None
    last_day: date | None
    sql: str
    expression: str


@dataclass(frozen=True, repr=False)
class PropertiesResult(Answer):
    """The properties of a table's rows, by key; ``rows`` are those that were looked at."""

    table: str
    event: str | None
    rows: int
    properties: list[PropertyInfo]

    def _frame(self) -> pd.DataFrame:
        return _frame(PropertyInfo, self.properties)


@dataclass(frozen=True)
class WorkspaceInfo(_Row):
    """A database: its file (None in memory), tables, size in MB, and when it was made (UTC).

    ``time_zones`` are those of the tables whose times came as the wall clock of another zone than
    UTC, by table: see ``TableMetadata.time_zone``.
    """

    path: Path | None
    tables: list[str]
    size_mb: float
    created_at: datetime | None
    time_zones: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values; times as ISO 8601."""
        return {**super().to_dict(), "path": None if self.path is None else str(self.path)}


def _frame(kind: type[Any], rows: Any) -> pd.DataFrame:
    import pandas as pd

    names = list(kind.__dataclass_fields__)
    return pd.DataFrame([[getattr(row, name) for name in names] for row in rows], columns=names)
