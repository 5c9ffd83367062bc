"""The answers of reports, as frozen values with a DataFrame."""

from mixpanel_data.reports.results.base import IdentitySummary, Result
from mixpanel_data.reports.results.funnels import FunnelResult, FunnelStep
from mixpanel_data.reports.results.retention import CohortInfo, RetentionResult
from mixpanel_data.reports.results.trends import FrequencyResult, SegmentationResult

__all__ = ["CohortInfo", "FrequencyResult", "RetentionResult", "FunnelResult", "FunnelStep", "IdentitySummary", "Result", "SegmentationResult"]
