"""Mixpanel's reports: a table and parameters in, a Select out; and the values of its rows.

``StorageEngine.reports(table)`` gives them as methods. Each module of a report has a pure function
``select(table, …)``, which makes the Select alone; what it gives, its docstring says.
"""

from mixpanel_data.reports.api import Reports
from mixpanel_data.reports.errors import ExpressionError, NotEventsTableError, UnknownPropertyError
from mixpanel_data.reports.funnel_question import Exclusion, Step

__all__ = [
    "Exclusion",
    "ExpressionError",
    "NotEventsTableError",
    "Reports",
    "Step",
    "UnknownPropertyError",
]
