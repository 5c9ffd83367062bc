"""What the loads of a table say together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from mixpanel_data.types import Coverage, LoadInfo

# What a table's history starts with: a load, or its adoption with the rows that it had.
_BEGINNINGS = ("create", "adopt")


def coverage_of(table: str, past: Sequence[LoadInfo]) -> Coverage:
    """Return which days the loads of *table* covered since it was made; *past* is its history.

    A load whose filters are narrower than those the table was made with covers no whole day.
    """
    made = max((i for i, load in enumerate(past) if load.action in _BEGINNINGS), default=0)
    # Days as numbers: a load may say that it covers millions.
    loaded: set[int] = set()
    undated = 0
    for load in past[made:]:
        if load.from_date is None or load.to_date is None:
            undated += 1
        elif not load.filters or load.filters == past[made].filters:
            first, last = date.fromisoformat(load.from_date), date.fromisoformat(load.to_date)
            loaded.update(range(first.toordinal(), last.toordinal() + 1))
    whole = range(min(loaded), max(loaded) + 1) if loaded else range(0)
    return Coverage(
        table_name=table,
        loaded=[date.fromordinal(day) for day in whole if day in loaded],
        missing=[date.fromordinal(day) for day in whole if day not in loaded],
        undated=undated,
    )
