"""Answers about sessions, flows and single users."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import pandas as pd

from mixpanel_data.reports.results.base import Result, json_ready

# The lengths of ``SessionsPoint.durations``, and where each begins, in seconds.
SESSION_LENGTHS = {
    "one event": None,
    "under 10 s": 0,
    "10 s to 1 min": 10,
    "1 to 5 min": 60,
    "5 to 10 min": 300,
    "10 to 30 min": 600,
    "30 min to 1 h": 1800,
    "1 h and more": 3600,
}
_SESSION_COLUMNS = ("sessions", "users", "events", "average_duration", "median_duration")


@dataclass(frozen=True)
class SessionsPoint:
    """The sessions of one interval; durations in seconds, 0.0 where there are none.

    ``durations`` counts the sessions of each of ``SESSION_LENGTHS``.
    """

    date: str
    sessions: int
    users: int
    events: int
    average_duration: float
    median_duration: float
    segment: str | None = None
    durations: tuple[int, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return asdict(self)


@dataclass(frozen=True, repr=False)
class SessionsResult(Result):
    """How many sessions there were, and how long they lasted, by time (and segment)."""

    from_date: str
    to_date: str
    unit: str
    points: list[SessionsPoint]
    segment_property: str | None = None

    def _frame(self) -> pd.DataFrame:
        segment = [] if self.segment_property is None else ["segment"]
        rows = [point.to_dict() for point in self.points]
        return pd.DataFrame(rows, columns=["date", *segment, *_SESSION_COLUMNS])


@dataclass(frozen=True)
class FlowNode:
    """How many paths had an event at a step; the anchor is step 0."""

    step: int
    event: str
    count: int

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return asdict(self)


@dataclass(frozen=True)
class FlowEdge:
    """How many paths went from one node to the next."""

    source_step: int
    source_event: str
    target_step: int
    target_event: str
    count: int

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return asdict(self)


@dataclass(frozen=True, repr=False)
class FlowsResult(Result):
    """What users did after and before an event; ``df`` has the edges."""

    event: str
    from_date: str
    to_date: str
    paths: int
    nodes: list[FlowNode]
    edges: list[FlowEdge]
    count: str = "uniques"

    def _frame(self) -> pd.DataFrame:
        names = ["source_step", "source_event", "target_step", "target_event", "count"]
        return pd.DataFrame([edge.to_dict() for edge in self.edges], columns=names)


@dataclass(frozen=True)
class UserEvent:
    """One event of a user; ``time`` is naive, in UTC."""

    event: str
    time: datetime
    properties: dict[str, Any]
    distinct_id: str = field(default="", kw_only=True)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return json_ready(asdict(self))  # type: ignore[no-any-return]


@dataclass(frozen=True, repr=False)
class ActivityFeedResult(Result):
    """The events of users, the oldest first."""

    distinct_ids: list[str]
    from_date: str | None
    to_date: str | None
    events: list[UserEvent]

    def _frame(self) -> pd.DataFrame:
        names = ["event", "time", "distinct_id"]
        keys = dict.fromkeys(key for item in self.events for key in item.properties)
        others = [key for key in keys if key not in names]
        rows = [
            [item.event, item.time, item.distinct_id, *(item.properties.get(k) for k in others)]
            for item in self.events
        ]
        frame = pd.DataFrame(rows, columns=[*names, *others])
        return frame.astype({"time": "datetime64[us]"})
