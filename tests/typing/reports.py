"""The calls of reports as a type checker sees them: checked by mypy, never run."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pandas as pd
import sqlalchemy as sa
from typing_extensions import assert_type

from mixpanel_data import StorageEngine
from mixpanel_data.reports import Exclusion, Reports, Step, funnel, results


def opening(storage: StorageEngine) -> None:
    """The options that all questions share."""
    assert_type(storage.reports("events"), Reports)
    reports = storage.reports(
        "events",
        timezone="Europe/Berlin",
        identity="simplified",
        profiles="people",
        excluded_events=["push"],
        as_of=date(2025, 3, 31),
    )
    assert_type(reports.identity, results.IdentitySummary | None)
    assert_type(reports.identity_mappings(), sa.Select[Any])


def asking(reports: Reports) -> None:
    """Every report, with its own options."""
    first, last = date(2025, 3, 1), "2025-03-31"
    line = reports.segmentation(
        ["play", "stop"], from_date=first, to_date=last, unit="week", measure="average",
        of="amount", per_user="sum", on=reports.c.properties["plan"], where="true",
        first_time=True, rolling=3,
    )  # fmt: skip
    assert_type(line, results.SegmentationResult)
    assert_type(line.df, pd.DataFrame)
    assert_type(line.series, dict[str, dict[str, int | float]])
    steps = reports.funnel(
        ["view", Step("buy", where=reports.profile["plan"].as_string() == "pro")],
        from_date=first, to_date=last, window=timedelta(days=1), count="totals", order="specific",
        exclusions=["leave", Exclusion("cancel", after_step=1)], holding_constant=["item"],
        on="item", attribution=2, unit="day",
    )  # fmt: skip
    assert_type(steps.steps, list[results.FunnelStep])
    back = reports.retention(
        born_event="signup", from_date=first, to_date=last, unit="week", brackets=(1, 3),
        retention_type="recurring", counting="on_or_after", calendar=True,
    )  # fmt: skip
    assert_type(back.cohorts, list[results.CohortInfo])
    often = reports.frequency(from_date=first, to_date=last, unit="month", addiction_unit="day")
    assert_type(often.data, dict[str, list[int]])
    visits = reports.sessions(from_date=first, to_date=last, timeout=timedelta(minutes=10))
    assert_type(visits.points, list[results.SessionsPoint])
    assert_type(reports.session_rows(), sa.Select[Any])
    paths = reports.flows("search", from_date=first, to_date=last, forward=2, count="sessions")
    assert_type(paths.edges, list[results.FlowEdge])
    assert_type(reports.activity("ann", limit=10).events, list[results.UserEvent])


def building(table: sa.Table) -> None:
    """A pure function gives a Select."""
    day = date(2025, 3, 1)
    assert_type(funnel.select(table, ["a"], from_date=day, to_date=day), sa.Select[Any])
