"""What the results of reports share: the statement behind them, and whose events it counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from mixpanel_data._internal.results import Answer, json_ready, mean

__all__ = ["IdentitySummary", "Result", "json_ready", "mean"]


@dataclass(frozen=True)
class IdentitySummary:
    """How many ids the identity rules made into how many people."""

    rules: str
    ids: int
    people: int

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {"rules": self.rules, "ids": self.ids, "people": self.people}


@dataclass(frozen=True, repr=False)
class Result(Answer):
    """The answer of a report.

    ``statement`` is the Select that gave its rows, ``sql`` its text with all values in it,
    ``identity`` how many ids became how many people (None where ids count as they are stored),
    ``timezone`` the zone whose days the dates are.
    """

    statement: sa.Select[Any] | sa.CompoundSelect[Any] = field(
        kw_only=True, repr=False, compare=False
    )
    render: Callable[[sa.ClauseElement], str] = field(kw_only=True, repr=False, compare=False)
    identity: IdentitySummary | None = field(default=None, kw_only=True, repr=False)
    timezone: str = field(default="UTC", kw_only=True, repr=False)

    def chart(self) -> Any:
        """Return the answer as an Altair chart, to look at, to change or to save.

        Raises:
            ImportError: the extra ``plot`` is not installed.
        """
        from mixpanel_data.reports import charts

        return charts.chart(self)

    def _repr_html_(self) -> str:
        from mixpanel_data.reports import charts

        return charts.inline(self) + super()._repr_html_()
