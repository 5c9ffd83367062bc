"""Answers in time: segmentation and frequency."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from mixpanel_data.reports.results.base import Result

Number = int | float


@dataclass(frozen=True, repr=False)
class SegmentationResult(Result):
    """A measure by time, for each segment.

    ``series`` is ``{segment: {date: value}}`` and has every interval of the range; without ``on``
    the segments are the events' names. ``total`` is the measure over the whole range (of active
    users: its last point; a list counts in each of its items).
    """

    event: str
    from_date: str
    to_date: str
    unit: str
    segment_property: str | None
    total: Number
    series: dict[str, dict[str, Number]]
    measure: str = "total"

    def _frame(self) -> pd.DataFrame:
        rows = [
            (date, segment, value)
            for segment, points in self.series.items()
            for date, value in points.items()
        ]
        return pd.DataFrame(rows, columns=["date", "segment", "count"])


@dataclass(frozen=True, repr=False)
class FrequencyResult(Result):
    """How often users come back within a unit.

    The k-th number of ``data[date]`` counts the users active in at least (or exactly) k different
    hours or days of the unit that begins there.
    """

    event: str | None
    from_date: str
    to_date: str
    unit: str
    addiction_unit: str
    data: dict[str, list[int]]
    counting: str = "at_least"

    def _frame(self) -> pd.DataFrame:
        longest = max((len(numbers) for numbers in self.data.values()), default=0)
        names = [f"period_{k}" for k in range(1, longest + 1)]
        # A month of 28 days has no 29th number.
        rows = [
            [date, *numbers, *[pd.NA] * (longest - len(numbers))]
            for date, numbers in self.data.items()
        ]
        frame = pd.DataFrame(rows, columns=["date", *names])
        return frame.astype(dict.fromkeys(names, "Int64"))
