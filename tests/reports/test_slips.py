"""Slips in a question: of the wrong type, in the name of an event, or from another language."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
import sqlalchemy as sa

from mixpanel_data import StorageEngine, TableMetadata
from mixpanel_data.orm import Event
from mixpanel_data.reports import Exclusion, ExpressionError, Reports, Step

from .conftest import Make, records

DAYS: dict[str, Any] = {"from_date": "2025-03-01", "to_date": "2025-03-03"}
ROWS = [
    ("ann", "play", "2025-03-01T09:00:00", {"plan": "pro"}),
    ("ann", "like", "2025-03-01T09:01:00"),
]
Ask = Callable[[Reports], object]
NOON = datetime(2025, 3, 3, 12, tzinfo=timezone.utc)

WRONG_TYPES: dict[str, Ask] = {
    "steps are a list of steps, not 'play'": lambda r: r.funnel("play", **DAYS),
    "5 is neither the name of an event nor a Step": lambda r: r.funnel(["a", 5], **DAYS),  # type: ignore[list-item]
    "window must be a timedelta": lambda r: r.funnel(["a"], window=7, **DAYS),  # type: ignore[arg-type]
    "window must be a timedelta from": lambda r: r.flows("a", window="7d", **DAYS),  # type: ignore[arg-type]
    "rolling must be a whole number": lambda r: r.segmentation(rolling="x", **DAYS),  # type: ignore[arg-type]
    "limit must be a whole number": lambda r: r.funnel(["a"], limit="x", **DAYS),  # type: ignore[arg-type]
    "interval_count must be": lambda r: r.retention(interval_count="x", **DAYS),  # type: ignore[arg-type]
    "forward must be": lambda r: r.flows("play", forward="x", **DAYS),  # type: ignore[arg-type]
    r"\['plan'\] is no property": lambda r: r.segmentation(on=["plan"], **DAYS),  # type: ignore[arg-type]
    r"\{'plan': 'pro'\} is no": lambda r: r.flows("play", where={"plan": "pro"}, **DAYS),  # type: ignore[arg-type]
    "timeout must be a timedelta": lambda r: r.sessions(timeout=30, **DAYS),  # type: ignore[arg-type]
}


@pytest.fixture
def reports(make: Make) -> Reports:
    return make(ROWS)


@pytest.mark.parametrize(("told", "ask"), WRONG_TYPES.items(), ids=WRONG_TYPES)
def test_a_wrong_type_names_the_argument(told: str, ask: Ask, reports: Reports) -> None:
    with pytest.raises(ValueError, match=told):
        ask(reports)


@pytest.mark.parametrize("events", [5, ["play", 5], []], ids=str)
def test_what_is_no_name_of_an_event(events: Any, reports: Reports) -> None:
    with pytest.raises(ValueError, match="events must be a name, names"):
        reports.segmentation(events, **DAYS)


def test_any_iterable_of_the_right_kind_will_do(reports: Reports) -> None:
    steps = (Step(name) for name in ("play", "like"))
    found = reports.funnel(steps, exclusions={Exclusion("skip")}, window=timedelta(1), **DAYS)  # type: ignore[arg-type]
    assert [step.count for step in found.steps] == [1, 1]


UNKNOWN: dict[str, tuple[Ask, list[str]]] = {
    "segmentation": (lambda r: r.segmentation("ply", **DAYS), ["'ply'; did you mean 'play'?"]),
    "funnel": (lambda r: r.funnel(["play", "lik", "zzz"], **DAYS), ["did you mean 'like'"]),
    "retention": (
        lambda r: r.retention(born_event="plai", return_event="lyke", **DAYS),
        ["play", "like"],
    ),
    "flows": (lambda r: r.flows(["play", "ply"], **DAYS), ["'ply'; did you mean 'play'?"]),
    "frequency": (lambda r: r.frequency(event="ply", **DAYS), ["'ply'"]),
    "known": (lambda r: r.funnel(["play", "like"], **DAYS), []),
    "of other days": (
        lambda r: r.segmentation("play", from_date="2024-01-01", to_date="2024-01-01"),
        [],
    ),
}


@pytest.mark.parametrize(("ask", "told"), UNKNOWN.values(), ids=UNKNOWN)
def test_an_event_that_is_not_there_is_logged(
    ask: Ask, told: list[str], reports: Reports, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        ask(reports)
    notes = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(notes) == len(told)
    assert all(part in note for part, note in zip(told, notes))


def test_exploring_an_event_that_is_not_there_is_logged(
    reports: Reports, shared: StorageEngine, caplog: pytest.LogCaptureFixture
) -> None:
    assert shared.property_keys("events", event="plai") == []
    assert "did you mean 'play'?" in caplog.text


def test_nothing_is_logged_of_an_empty_table(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    make([]).segmentation("play", **DAYS)
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("plan = 'pro'", "equality is == at position 5"),
        ('properties["plan"] <> "pro"', "inequality is != at position 19"),
        ("1 < 2 AND 2 < 3", "this is written and at"),
        ("1 < 2 && 2 < 3", "join by and at"),
        ("1 < 2 || 2 < 3", "join by or at"),
        ("(1 < 2", "Bad syntax at position 0"),
    ],
)
def test_an_operator_of_another_language(where: str, told: str, reports: Reports) -> None:
    with pytest.raises(ExpressionError, match=told.replace("|", r"\|")):
        reports.segmentation("play", where=where, **DAYS)


class Played(Event):
    """The table as a mapped class."""

    __tablename__ = "events"


AskOf = Callable[..., object]
DATED: dict[str, AskOf] = {
    "segmentation": lambda r, **days: r.segmentation("play", **days),
    "monthly users": lambda r, **days: r.segmentation("play", measure="mau", **days),
    "funnel": lambda r, **days: r.funnel(["play", "like"], **days),
    "retention": lambda r, **days: r.retention(**days),
    "frequency": lambda r, **days: r.frequency(**days),
    "sessions": lambda r, **days: r.sessions(**days),
    "session rows": lambda r, **days: r.session_rows(**days),
    "flows": lambda r, **days: r.flows("play", **days),
    "activity": lambda r, **days: r.activity("ann", **days),
}
ENDS: list[dict[str, Any]] = [
    {"from_date": "0001-01-01"},
    {"from_date": date(1899, 12, 31)},
    {"to_date": date(2200, 1, 1)},
    {"to_date": "9999-12-30"},
    {"to_date": date.max},
]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
@pytest.mark.parametrize("ask", DATED.values(), ids=DATED)
def test_days_at_the_ends_of_the_calendar_are_refused(make: Make, ask: AskOf, zone: str) -> None:
    reports = make(ROWS, timezone=zone)
    for end in ENDS:
        told = f"{next(iter(end))} must be from 1900-01-01 to 2199-12-31, not "
        with pytest.raises(ValueError, match=told):
            ask(reports, **{**DAYS, **end})


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
@pytest.mark.parametrize("ask", DATED.values(), ids=DATED)
def test_the_first_and_the_last_day_that_reports_take(make: Make, ask: AskOf, zone: str) -> None:
    reports = make(ROWS, timezone=zone)
    for day in ("1900-01-01", "2199-12-31"):
        assert ask(reports, from_date=day, to_date=day) is not None


@pytest.mark.parametrize(
    "end", [date.max, "0001-01-01", datetime.max, "9999-12-31T23:59:59-12:00", "2200-01-01"]
)
def test_the_end_of_the_data_is_a_day_that_reports_take(make: Make, end: Any) -> None:
    with pytest.raises(ValueError, match="as_of must be from 1900-01-01 to 2199-12-31, not "):
        make(ROWS, as_of=end)


@pytest.mark.parametrize("year", ["9999", "2200"])
def test_an_event_of_another_age_is_not_the_end_of_the_data(make: Make, year: str) -> None:
    rows = [*ROWS, ("eve", "play", f"{year}-12-31T23:59:59.999999")]
    for zone in ("UTC", "America/New_York"):
        (day, *_) = make(rows, timezone=zone).retention(interval_count=1, **DAYS).cohorts
        assert (day.size, day.complete) == (1, (False, False))


def test_metadata_of_the_last_day_of_the_calendar(shared: StorageEngine) -> None:
    until = TableMetadata(
        type="events", fetched_at=NOON, from_date="0001-01-01", to_date="9999-12-31"
    )
    shared.create_events_table("ages", records(ROWS), until)
    try:
        for zone in ("UTC", "Asia/Tokyo", "America/New_York"):
            reports = shared.reports("ages", timezone=zone)
            assert reports.retention(calendar=True, **DAYS).cohorts[0].size == 1
    finally:
        shared.drop_table("ages")


def test_spans_beyond_the_calendar_are_refused(reports: Reports) -> None:
    with pytest.raises(ValueError, match="rolling must be 10,000 or less"):
        reports.segmentation(rolling=10**9, **DAYS)
    units: dict[str, Any]
    for units in ({"interval": 10**9}, {"brackets": [1, 10**9]}):
        with pytest.raises(ValueError, match="must end 50,000 days after birth or earlier"):
            reports.retention(**units, **DAYS)
    with pytest.raises(ValueError, match="interval_count must be 10,000 or less"):
        reports.retention(interval_count=10**6, **DAYS)


CONDITIONS: dict[str, Callable[[Reports, StorageEngine], Any]] = {
    "text": lambda r, _: sa.text("event_name = 'play'"),
    "text with a value": lambda r, _: sa.text("event_name = :name").bindparams(name="play"),
    "text among others": lambda r, _: sa.and_(r.c.distinct_id == "ann", sa.text("1 = 1 OR 1 = 2")),
    "the table": lambda r, e: e.table("events").c.properties["plan"].as_string() == "pro",
    "a mapped class": lambda r, _: Played.properties["plan"].as_string() == "pro",
    "a subquery": lambda r, e: r.c.distinct_id.in_(
        sa.select(e.table("events").c.distinct_id).where(e.table("events").c.event_name == "like")
    ),
}


@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=CONDITIONS)
def test_conditions_of_any_form(reports: Reports, shared: StorageEngine, condition: Any) -> None:
    where = condition(reports, shared)
    assert reports.segmentation("play", where=where, **DAYS).total == 1
    assert reports.funnel(["play"], where=where, **DAYS).steps[0].count == 1
    step = reports.funnel([Step("play", where), "like"], order="any", **DAYS)
    assert step.conversion_rate == 1.0
    assert reports.retention(born_event="play", born_where=where, **DAYS).cohorts[0].size == 1
    assert sum(point.sessions for point in reports.sessions(where=where, **DAYS).points) == 1
    assert reports.flows("play", where=where, **DAYS).paths == 1


def test_breakdowns_of_any_form(reports: Reports, shared: StorageEngine) -> None:
    name = shared.table("events").c.event_name
    for on in (sa.text("event_name"), name, sa.func.lower(name), Played.event_name):
        assert reports.segmentation(on=on, **DAYS).series.keys() == {"play", "like"}  # type: ignore[arg-type]
        assert reports.funnel(["play"], on=on, **DAYS).segments.keys() == {"play"}  # type: ignore[arg-type]


def test_columns_that_are_not_in_the_report_are_refused(
    reports: Reports, shared: StorageEngine
) -> None:
    other = sa.table("other", sa.column("x"))
    for rows in (other, other.alias("o"), shared.table("events").alias("e")):
        with pytest.raises(ValueError, match=r"use the columns of reports\.c and"):
            reports.segmentation(where=next(iter(rows.c)) == "x", **DAYS)
    strange = sa.Table("events", sa.MetaData(), sa.Column("plan", sa.String))
    with pytest.raises(ValueError, match="events has no column 'plan'"):
        reports.segmentation(where=strange.c.plan == "x", **DAYS)
    with pytest.raises(ValueError, match="is no property, expression or SQLAlchemy expression"):
        reports.segmentation(where=sa.table("other"), **DAYS)  # type: ignore[arg-type]
