"""The calls of reports as type checkers see them: mypy and pyright check them, nothing runs."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pandas as pd
import sqlalchemy as sa
from typing_extensions import assert_type

from mixpanel_data import StorageEngine
from mixpanel_data.reports import (
    Exclusion,
    Reports,
    Step,
    activity,
    flows,
    frequency,
    funnel,
    results,
    retention,
    segmentation,
    sessions,
)


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
    day = date(2025, 3, 1)
    planned = reports.statement(lambda r: r.segmentation(from_date=day, to_date=day))
    assert_type(planned, sa.Select[Any])


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
    assert_type(steps.to_dict(), dict[str, Any])
    any_order = reports.funnel(
        ["a", Step(["b", "c"], label="either", anchored=True)], from_date=first, to_date=last,
        order="any", reentry="optimized", where='properties["x"] == 1', limit=10,
    )  # fmt: skip
    assert_type(any_order, results.FunnelResult)
    back = reports.retention(
        born_event="signup", from_date=first, to_date=last, unit="week", brackets=(1, 3),
        retention_type="recurring", counting="on_or_after", calendar=True,
    )  # fmt: skip
    assert_type(back.cohorts, list[results.CohortInfo])
    often = reports.frequency(from_date=first, to_date=last, unit="month", addiction_unit="day")
    assert_type(often.data, dict[str, list[int]])
    exact = reports.frequency(from_date=first, to_date=last, event=["a"], counting="exactly")
    assert_type(exact, results.FrequencyResult)
    visits = reports.sessions(from_date=first, to_date=last, timeout=timedelta(minutes=10))
    assert_type(visits.points, list[results.SessionsPoint])
    assert_type(reports.session_rows(), sa.Select[Any])
    by_event = reports.sessions(
        from_date=first, to_date=last, unit="week", start_event="open", end_event=["close"],
        on="plan", where="true",
    )  # fmt: skip
    assert_type(by_event, results.SessionsResult)
    assert_type(reports.session_rows(session_property="session_id", on="plan"), sa.Select[Any])
    paths = reports.flows("search", from_date=first, to_date=last, forward=2, count="sessions")
    assert_type(paths.edges, list[results.FlowEdge])
    before = reports.flows(
        "buy", from_date=first, to_date=last, forward=0, reverse=3, cardinality=5,
        window=timedelta(days=1), hidden_events=["push"], collapse_repeated=True, where="true",
    )  # fmt: skip
    assert_type(before, results.FlowsResult)
    assert_type(reports.activity("ann", limit=10).events, list[results.UserEvent])


def building(table: sa.Table) -> None:
    """A pure function gives a Select."""
    day = date(2025, 3, 1)
    q: dict[str, Any] = {"from_date": day, "to_date": day}
    assert_type(funnel.select(table, ["a"], from_date=day, to_date=day), sa.Select[Any])
    assert_type(segmentation.select(table, "a", **q), sa.Select[Any])
    assert_type(retention.select(table, born_event="a", **q), sa.Select[Any])
    assert_type(frequency.select(table, "a", **q), sa.Select[Any])
    assert_type(sessions.rows(table, day, day), sa.Select[Any])
    assert_type(flows.select(table, "a", **q), sa.Select[Any])
    assert_type(activity.select(table, ["ann"], **q), sa.Select[Any])
