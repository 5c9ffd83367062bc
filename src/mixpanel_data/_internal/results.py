"""What all results share: values, a frame, the statement behind them."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, time
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 12  # rows of the frame in a repr


@dataclass(frozen=True)
class Answer:
    """The answer to a question.

    ``statement`` is the statement that gave its rows, ``sql`` its text with all values in it.
    """

    statement: sa.ClauseElement | None = field(
        default=None, kw_only=True, repr=False, compare=False
    )
    render: Callable[[sa.ClauseElement], str] = field(
        default=str, kw_only=True, repr=False, compare=False
    )

    @property
    def sql(self) -> str:
        """The text of the statement, with its values."""
        return "" if self.statement is None else self.render(self.statement)

    @cached_property
    def df(self) -> pd.DataFrame:
        """The answer as a DataFrame, built once; copy it before changing it."""
        return self._frame()

    def _frame(self) -> pd.DataFrame:
        raise NotImplementedError

    def _values(self) -> dict[str, Any]:
        hidden = {"statement", "render"}
        # What all answers have comes after what an answer is about.
        named = sorted(fields(self), key=lambda field: bool(field.kw_only))
        return {f.name: getattr(self, f.name) for f in named if f.name not in hidden}

    def to_dict(self) -> dict[str, Any]:
        """Return all fields but the statement as JSON-ready values; times as ISO 8601."""
        return {name: json_ready(value) for name, value in self._values().items()}

    def to_table_dict(self) -> list[dict[str, Any]]:
        """Return the rows of ``df`` as JSON-ready dicts."""
        rows = self.df.astype(object).where(self.df.notna(), None).to_dict("records")
        return [json_ready(row) for row in rows]

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return the rows of ``df`` to what takes Arrow: polars, DuckDB, pyarrow."""
        import pyarrow as pa

        columns = {str(name): _arrow(column) for name, column in self.df.items()}
        return pa.table(columns).__arrow_c_stream__(requested_schema)

    def _title(self) -> str:
        shown = {
            name: value
            for name, value in self._values().items()
            if isinstance(value, (str, int, float, date)) and not isinstance(value, bool)
        }
        inside = ", ".join(f"{name}={_brief(value)}" for name, value in shown.items())
        return f"{type(self).__name__}({inside})"

    def __repr__(self) -> str:
        shown = self.df.head(_SHOWN).to_string(index=False) if len(self.df) else "(no rows)"
        more = len(self.df) - _SHOWN
        return f"{self._title()}\n{shown}" + (f"\n… {more} more rows" if more > 0 else "")

    def to_html(self) -> str:
        """Return the rows of ``df`` as an HTML table, the middle ones left out of many."""
        return str(self.df.to_html(index=False, max_rows=60, notebook=True))

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(self._title())}</p>{self.to_html()}"


def _arrow(column: pd.Series[Any]) -> Any:
    import pyarrow as pa

    try:
        return pa.Array.from_pandas(column)
    except (pa.ArrowException, OverflowError):
        # Of several types: a list's items, or a property's values. As their JSON then.
        values = [None if value is None else json_ready(value) for value in column]
        return pa.array(
            [v if v is None or isinstance(v, str) else json.dumps(v) for v in values], pa.string()
        )


def _brief(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else repr(value)


def json_ready(value: Any) -> Any:
    """Return a value of a result as what JSON can hold."""
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {str(key): json_ready(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [json_ready(item) for item in value]
    if isinstance(value, (date, time)):
        return value.isoformat()
    if hasattr(value, "item"):
        return json_ready(value.item())
    if isinstance(value, (float, Decimal)):
        return float(value) if math.isfinite(value) else None
    return value if value is None or isinstance(value, (str, int)) else str(value)


def mean(total: float, count: float) -> float:
    """Return a quotient, 0.0 where there is nothing to divide by."""
    return total / count if count else 0.0
