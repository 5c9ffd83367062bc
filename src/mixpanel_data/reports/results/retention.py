"""Answers about retention."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from mixpanel_data.reports.results.base import Result


@dataclass(frozen=True)
class CohortInfo:
    """The users who were born in one period, and how many of them returned.

    ``retention`` are the shares of ``size`` and ``counts`` the users, by bucket from 0 on.
    ``complete`` tells which buckets had ended, for all of the cohort, by the end of the data.
    """

    date: str
    size: int
    retention: list[float]
    counts: tuple[int, ...] = ()
    complete: tuple[bool, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {
            "date": self.date,
            "size": self.size,
            "retention": list(self.retention),
            "counts": list(self.counts),
            "complete": list(self.complete),
        }


@dataclass(frozen=True, repr=False)
class RetentionResult(Result):
    """How many users of each cohort returned, by time since their birth.

    ``average`` is Mixpanel's average of each bucket over the complete cohorts, None where there is
    none. ``segments`` are the cohorts of each segment (with ``on``).
    """

    born_event: str
    return_event: str
    from_date: str
    to_date: str
    unit: str
    cohorts: list[CohortInfo]
    average: tuple[float | None, ...] = ()
    segments: dict[str, list[CohortInfo]] = field(default_factory=dict)
    counting: str = "on"

    def _frame(self) -> pd.DataFrame:
        lines: list[tuple[list[str], CohortInfo]] = [([], cohort) for cohort in self.cohorts]
        if self.segments:
            lines = [([name], item) for name, items in self.segments.items() for item in items]
        buckets = max((len(cohort.retention) for _, cohort in lines), default=0)
        names = ["segment"] if self.segments else []
        names += ["cohort_date", "cohort_size", *(f"period_{n}" for n in range(buckets))]
        rows = [[*key, item.date, item.size, *item.retention] for key, item in lines]
        return pd.DataFrame(rows, columns=names)
