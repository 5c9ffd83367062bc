"""Questions that make no sense, names that are not there, and data that is not there."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from mixpanel_data import StorageEngine, TableNotFoundError
from mixpanel_data.reports import (
    ExpressionError,
    NotEventsTableError,
    Reports,
    Step,
    UnknownPropertyError,
)
from tests.support.factories import metadata, profiles

from .conftest import Make, records

pytestmark = [pytest.mark.slow, pytest.mark.every_value]

DAYS: dict[str, Any] = {"from_date": "2025-03-01", "to_date": "2025-03-03"}
ROWS = [
    ("ann", "play", "2025-03-01T09:00:00", {"$browser": "Chrome", "amount": 3}),
    ("bob", "stop", "2025-03-02T09:00:00", {"plan": "pro"}),
]


@pytest.fixture(scope="module")
def reports(shared: StorageEngine) -> Reports:
    """Return reports over two events."""
    shared.create_events_table("two", records(ROWS), metadata())
    return shared.reports("two")


def test_a_misspelled_property_gets_a_suggestion(reports: Reports) -> None:
    with pytest.raises(UnknownPropertyError) as caught:
        reports.segmentation("play", on="brwser", **DAYS)

    assert str(caught.value) == (
        "no event of 'play' has a property 'brwser'; did you mean '$browser'?"
    )
    assert caught.value.suggestion == "$browser"


@pytest.mark.parametrize(
    "ask",
    [
        lambda reports: reports.segmentation("play", of="amont", measure="sum", **DAYS),
        lambda reports: reports.segmentation("play", where='properties["brwser"] != "x"', **DAYS),
        lambda reports: reports.funnel(["play"], holding_constant=["amuont"], **DAYS),
        lambda reports: reports.funnel([Step("play", where='properties["ammount"] > 1')], **DAYS),
        lambda reports: reports.retention(born_event="play", on="brwser", **DAYS),
        lambda reports: reports.sessions(session_property="plann", **DAYS),
    ],
)
def test_every_report_checks_its_properties(reports: Reports, ask: Any) -> None:
    with pytest.raises(UnknownPropertyError, match="did you mean"):
        ask(reports)


def test_a_property_of_other_events_only_is_unknown(reports: Reports) -> None:
    with pytest.raises(UnknownPropertyError, match=r"no event of 'play' has a property 'plan'\."):
        reports.segmentation("play", on="plan", **DAYS)
    assert reports.segmentation(on="plan", **DAYS).series.keys() == {"pro", "undefined"}


def test_an_expression_may_ask_for_what_is_not_there(reports: Reports) -> None:
    answer = reports.segmentation("play", where='not defined(properties["color"])', **DAYS)
    assert answer.total == 1


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", 0),
        ("properties[", None),
        ('properties["a"] ==', None),
        ('properties["a"] = 1', None),
        ('properties["a"] == 1 # all', 21),
        ('properties["é"] == wrong', 19),
        ("__import__('os')", 0),
        ('properties["a"].lower()', 0),
        ('properties["a"] is 1', 19),
        ("1 < 2 < 3", 8),
        ("f'{1}'", 0),
        ("[x for x in [1]]", 0),
        ("lambda: 1", 0),
        ("True", 0),
        ("1e999", 0),
        ('event["nothing"]', 6),
        ('datetime("yesterday")', 9),
        ("number(1, 2)", 0),
    ],
)
def test_what_is_no_expression_is_refused_with_its_position(
    reports: Reports, text: str, position: int | None
) -> None:
    with pytest.raises(ExpressionError) as caught:
        reports.segmentation("play", where=text, **DAYS)
    if position is not None:
        # Where the syntax ends, every Python names another place.
        assert caught.value.position == position, str(caught.value)
    assert "^" in str(caught.value)


def test_deep_expressions_are_refused_before_the_database_sees_them(reports: Reports) -> None:
    for text in ("not " * 500 + "true", "+".join("1" * 2000), "number(" * 40 + "1" + ")" * 40):
        with pytest.raises(ExpressionError):
            reports.segmentation("play", where=text, **DAYS)


def test_a_range_without_data_gives_zeros(reports: Reports) -> None:
    empty: dict[str, Any] = {"from_date": date(2030, 1, 1), "to_date": date(2030, 1, 3)}

    assert set(reports.segmentation("play", **empty).series["play"].values()) == {0}
    assert reports.segmentation(measure="mau", **empty).total == 0
    assert reports.segmentation("play", on="$browser", **empty).series == {}
    funnel = reports.funnel(["play", "stop"], unit="day", **empty)
    assert [step.count for step in funnel.steps] == [0, 0]
    assert len(funnel.trend) == 3
    assert [cohort.size for cohort in reports.retention(born_event="play", **empty).cohorts] == [
        *(0, 0, 0)
    ]
    assert sum(map(sum, reports.frequency(**empty).data.values())) == 0
    assert sum(point.sessions for point in reports.sessions(**empty).points) == 0
    assert reports.flows("play", **empty).paths == 0
    assert reports.activity("ann", **empty).events == []


def test_a_table_without_events_gives_zeros(make: Make) -> None:
    reports = make([])

    assert reports.segmentation("play", on="x", measure="unique", **DAYS).total == 0
    assert reports.retention(born_event="play", **DAYS).cohorts[0].size == 0
    assert reports.funnel(["a"], on="x", **DAYS).steps[0].count == 0


def test_other_tables_are_refused(memory: StorageEngine) -> None:
    memory.create_profiles_table("people", profiles(2), metadata("profiles"))
    memory.create_events_table("events", [], metadata())

    with pytest.raises(NotEventsTableError, match="'people' is no table of events"):
        memory.reports("people")
    with pytest.raises(TableNotFoundError):
        memory.reports("nothing")
    with pytest.raises(ValueError, match="Europe/Berlin"):
        memory.reports("events", timezone="Nowhere/City")


@pytest.mark.parametrize(
    "ask",
    [
        lambda reports: reports.segmentation(from_date="2025-03-02", to_date="2025-03-01"),
        lambda reports: reports.segmentation(from_date="20250302", to_date="2025-03-01"),
        lambda reports: reports.segmentation(from_date=datetime(2025, 3, 1), to_date="2025-03-01"),
        lambda reports: reports.segmentation(measure="sum", **DAYS),
        lambda reports: reports.segmentation(measure="total", of="amount", **DAYS),
        lambda reports: reports.segmentation(measure="dau", per_user="sum", of="amount", **DAYS),
        lambda reports: reports.segmentation(measure="dau", unit="hour", **DAYS),
        lambda reports: reports.segmentation(measure="most", **DAYS),
        lambda reports: reports.segmentation(rolling=2, cumulative=True, **DAYS),
        lambda reports: reports.segmentation(unit="year", **DAYS),
        lambda reports: reports.segmentation([], **DAYS),
        lambda reports: reports.segmentation(limit=0, **DAYS),
        lambda reports: reports.segmentation(where='user["a"] == 1', **DAYS),
        lambda reports: reports.funnel([], **DAYS),
        lambda reports: reports.funnel("ab", **DAYS),
        lambda reports: reports.funnel(["a"], window=3600, **DAYS),
        lambda reports: reports.flows("a", window=30, **DAYS),
        lambda reports: reports.sessions(timeout=1800, **DAYS),
        lambda reports: reports.funnel(["a"], attribution=True, **DAYS),
        lambda reports: reports.funnel(["a"], attribution="best", **DAYS),
        lambda reports: reports.funnel([["a", "b"]], **DAYS),
        lambda reports: reports.funnel(["a", "b"], exclusions=[Step("c")], **DAYS),
        lambda reports: reports.segmentation(1, **DAYS),
        lambda reports: reports.segmentation(on=["a"], **DAYS),
        lambda reports: reports.segmentation(where=True, **DAYS),
        lambda reports: reports.segmentation(rolling=2.5, **DAYS),
        lambda reports: reports.segmentation(on="amount", limit="5", **DAYS),
        lambda reports: reports.retention(interval_count=2.5, **DAYS),
        lambda reports: reports.retention(brackets="12", **DAYS),
        lambda reports: reports.funnel(["a"], window=timedelta(0), **DAYS),
        lambda reports: reports.funnel(["a"], count="totals", reentry="optimized", **DAYS),
        lambda reports: reports.funnel(["a", "b"], exclusions=["c"], order="any", **DAYS),
        lambda reports: reports.funnel(["a"], exclusions=["c"], **DAYS),
        lambda reports: reports.funnel(["a"], attribution=2, **DAYS),
        lambda reports: reports.funnel(["a"], holding_constant=["a", "b", "c", "d"], **DAYS),
        lambda reports: reports.retention(brackets=(1,), interval_count=2, **DAYS),
        lambda reports: reports.retention(brackets=(0,), **DAYS),
        lambda reports: reports.retention(unit="hour", **DAYS),
        lambda reports: reports.frequency(addiction_unit="week", **DAYS),
        lambda reports: reports.frequency(counting="often", **DAYS),
        lambda reports: reports.sessions(start_event="a", **DAYS),
        lambda reports: reports.sessions(start_event="a", end_event="a", **DAYS),
        lambda reports: reports.sessions(start_event="a", session_property="c", **DAYS),
        lambda reports: reports.sessions(timeout=timedelta(days=2), **DAYS),
        lambda reports: reports.session_rows(from_date="2025-03-01"),
        lambda reports: reports.flows("a", forward=0, **DAYS),
        lambda reports: reports.activity("a", limit=0),
    ],
)  # fmt: skip
def test_arguments_that_contradict_each_other_are_refused(reports: Reports, ask: Any) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        ask(reports)


def test_one_name_stands_for_itself_where_several_may(make: Make) -> None:
    rows = [
        ("ann", "see", "2025-03-01T09:00:00", {"n": 1}),
        ("ann", "push", "2025-03-01T10:00:00"),
        ("ann", "see", "2025-03-01T11:00:00", {"n": 1}),
    ]
    reports = make(rows, excluded_events="push")

    assert reports.segmentation(**DAYS).total == 2
    for asked in ({"exclusions": "push"}, {"exclusions": ["push"]}):
        funnel = reports.funnel(["see", "see"], holding_constant="n", **asked, **DAYS)
        assert [step.count for step in funnel.steps] == [1, 0]
    flow = make(rows).flows("see", forward=1, hidden_events="push", **DAYS)
    assert [node.event for node in flow.nodes] == ["see", "see"]
