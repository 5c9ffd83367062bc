"""Answers about funnels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd

from mixpanel_data.reports.results.base import Result

_NUMBERS = ("step", "event", "count", "conversion_rate", "step_conv_ratio", "overall_conv_ratio")
_TIMES = ("avg_time", "avg_time_from_start")


@dataclass(frozen=True)
class FunnelStep:
    """One step of a funnel.

    ``conversion_rate`` (also ``step_conv_ratio``) is of those at the step before, 1.0 at the first
    step and 0.0 after an empty one; ``overall_conv_ratio`` of those who entered. The times are
    mean seconds of those who reached the step, None for the first.
    """

    event: str
    count: int
    conversion_rate: float
    step_conv_ratio: float = 0.0
    overall_conv_ratio: float = 0.0
    avg_time: float | None = None
    avg_time_from_start: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return asdict(self)


Steps = list[FunnelStep]


@dataclass(frozen=True, repr=False)
class FunnelResult(Result):
    """How many got how far through a funnel.

    ``steps`` are those of the whole range, ``segments`` those of each segment (with ``on``),
    ``trend`` those of each interval (with ``unit``), ``trend_segments`` those of both.
    ``conversion_rate`` is the last step's count by the first one's.
    """

    funnel_id: int | None
    funnel_name: str
    from_date: str
    to_date: str
    conversion_rate: float
    steps: Steps
    segments: dict[str, Steps] = field(default_factory=dict)
    trend: dict[str, Steps] = field(default_factory=dict)
    trend_segments: dict[str, dict[str, Steps]] = field(default_factory=dict)
    count: str = "uniques"

    def _frame(self) -> pd.DataFrame:
        first = {"date": bool(self.trend), "segment": bool(self.segments)}
        names = [name for name, shown in first.items() if shown]
        rows = [
            [*key, number, *list(asdict(step).values())]
            for key, steps in self._lines()
            for number, step in enumerate(steps, 1)
        ]
        return pd.DataFrame(rows, columns=[*names, *_NUMBERS, *_TIMES])

    def _lines(self) -> Iterator[tuple[list[str], Steps]]:
        if self.trend and self.segments:
            for date, segments in self.trend_segments.items():
                for segment, steps in segments.items():
                    yield [date, segment], steps
        elif self.trend or self.segments:
            for name, steps in (self.trend or self.segments).items():
                yield [name], steps
        else:
            yield [], self.steps
