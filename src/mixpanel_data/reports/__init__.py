"""Mixpanel's reports: a table and parameters in, a Select out; and the values of its rows."""

from mixpanel_data.reports.api import Reports

__all__ = ["Reports"]
