"""The answers of reports, as frozen values with a DataFrame."""

from mixpanel_data.reports.results.base import IdentitySummary, Result
from mixpanel_data.reports.results.funnels import FunnelResult, FunnelStep
from mixpanel_data.reports.results.paths import (
    SESSION_LENGTHS,
    ActivityFeedResult,
    FlowEdge,
    FlowNode,
    FlowsResult,
    SessionsPoint,
    SessionsResult,
    UserEvent,
)
from mixpanel_data.reports.results.retention import CohortInfo, RetentionResult
from mixpanel_data.reports.results.trends import FrequencyResult, SegmentationResult

__all__ = [
    "SESSION_LENGTHS",
    "ActivityFeedResult",
    "CohortInfo",
    "FlowEdge",
    "FlowNode",
    "FlowsResult",
    "FrequencyResult",
    "FunnelResult",
    "FunnelStep",
    "IdentitySummary",
    "Result",
    "RetentionResult",
    "SegmentationResult",
    "SessionsPoint",
    "SessionsResult",
    "UserEvent",
]
