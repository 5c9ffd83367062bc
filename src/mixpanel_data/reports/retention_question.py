"""The question of a retention: who is born, what is a return, and what the buckets are.

Definitions: https://docs.mixpanel.com/docs/reports/retention and …/reference/retention-query.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mixpanel_data.reports.source import (
    SERVICE_EVENTS,
    SERVICE_PREFIX,
    By,
    Events,
    Source,
    Where,
    names_of,
)
from mixpanel_data.reports.times import Bucket, Period, check_unit, check_whole

RetentionType = Literal["birth", "recurring", "compounded"]
Counting = Literal["on", "on_or_after", "on_or_before", "streak"]

UNITS = ("day", "week", "month")
ROLLING_DAYS = {"day": 1, "week": 7, "month": 30}
DEFAULT_INTERVALS = 10
_MOST = 10_000  # buckets
_FARTHEST = 50_000  # units, with which the last bucket ends before the year 9999


@dataclass(frozen=True)
class Question:
    """A retention, checked. *end* is the first instant that is not looked at, in UTC."""

    born_event: Events
    return_event: Events
    period: Period
    born_where: Where
    return_where: Where
    unit: Bucket
    interval: int
    interval_count: int | None
    retention_type: RetentionType
    counting: Counting
    calendar: bool
    brackets: tuple[int, ...] | None
    on: By | None
    limit: int
    end: datetime | None

    def __post_init__(self) -> None:
        check_unit(self.unit, UNITS)
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                known = ", ".join(allowed)
                raise ValueError(f"{name} must be one of {known}, not {getattr(self, name)!r}.")
        check_whole("interval", self.interval)
        check_whole("interval_count", self.interval_count or 0, 0, _MOST)
        if self.brackets is not None:
            if self.interval_count is not None or self.interval != 1:
                raise ValueError("brackets are the buckets: give no interval and interval_count.")
            if not self.brackets:
                raise ValueError("brackets are one size or more.")
            for size in self.brackets:
                check_whole("The size of a bracket", size)
        if self.edges[-1] > _FARTHEST:
            raise ValueError(
                f"The buckets must end {_FARTHEST:,} {self.unit}s after birth or earlier, not"
                f" {self.edges[-1]:,}."
            )
        check_whole("limit", self.limit)

    @property
    def edges(self) -> list[int]:
        """Where the buckets end, in units after birth."""
        if self.brackets is not None:
            sizes = list(self.brackets)
        else:
            count = DEFAULT_INTERVALS if self.interval_count is None else self.interval_count
            sizes = [self.interval] * (count + 1)
        return [sum(sizes[: number + 1]) for number in range(len(sizes))]

    @property
    def born(self) -> tuple[Events, Where]:
        """The event of the cohorts."""
        compounded = self.retention_type == "compounded"
        return self.returns if compounded else (self.born_event, self.born_where)

    @property
    def returns(self) -> tuple[Events, Where]:
        """The event of the return."""
        return self.return_event, self.return_where

    def own(self, source: Source) -> bool | None:
        """Return whether a birth is always a return as well: True, never: False, or it depends."""
        if self.born == self.returns:
            return True
        (born, _), (back, back_where) = self.born, self.returns
        names, others = names_of(born), names_of(back)
        if names is None:
            return True if others is None and back_where is None else None
        if others is None:
            service = [name for name in names if _is_service(name, source)]
            inside, outside = not service, len(service) == len(names)
        else:
            inside, outside = set(names) <= set(others), not set(names) & set(others)
        if outside:
            return False
        return True if inside and back_where is None else None


_CHOICES: dict[str, tuple[str, ...]] = {
    "retention_type": ("birth", "recurring", "compounded"),
    "counting": ("on", "on_or_after", "on_or_before", "streak"),
}


def _is_service(name: str, source: Source) -> bool:
    service = name in SERVICE_EVENTS or name.startswith(SERVICE_PREFIX)
    return service or name in source.excluded
