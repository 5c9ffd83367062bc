"""Mixpanel's reports: a table and parameters in, a Select out; and the values of its rows."""

from mixpanel_data.reports.api import Reports
from mixpanel_data.reports.funnel_question import Exclusion, Step

__all__ = ["Exclusion", "Reports", "Step"]
