"""What comes back: fields, frames, JSON, statements that go on, and readable text."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from mixpanel_data import StorageEngine
from mixpanel_data.reports import Reports, Step, funnel, results, segmentation
from tests.support.factories import metadata

from .conftest import Make, records

pytestmark = pytest.mark.slow

DAYS: dict[str, Any] = {"from_date": "2025-03-01", "to_date": "2025-03-02"}
ROWS = [
    ("ann", "view", "2025-03-01T09:00:00", {"page": "home", "n": 1}),
    ("ann", "buy", "2025-03-01T09:10:00", {"page": "shop", "n": 2, "at": [1]}),
    ("bob", "view", "2025-03-01T10:00:00", {"page": "home"}),
    ("bob", "view", "2025-03-02T10:00:00", {"page": "blog"}),
    ("$device:d", "view", "2025-03-02T10:00:00", {"page": "blog", "$device_id": "d"}),
    ("cat", "buy", "2025-03-02T11:00:00", {"$user_id": "cat", "$device_id": "d"}),
]


@pytest.fixture
def reports(make: Make) -> Reports:
    """Return reports over six events."""
    return make(ROWS)


ASKED: list[Callable[[Reports], results.Result]] = [
    lambda r: r.segmentation("view", on="page", **DAYS),
    lambda r: r.funnel(["view", "buy"], on="page", unit="day", **DAYS),
    lambda r: r.retention(born_event="view", interval_count=2, on="page", **DAYS),
    lambda r: r.frequency(unit="month", addiction_unit="day", **DAYS),
    lambda r: r.sessions(on="page", **DAYS),
    lambda r: r.flows("view", **DAYS),
    lambda r: r.activity(["ann", "bob"], limit=3),
]


def _all(reports: Reports) -> list[results.Result]:
    return [ask(reports) for ask in ASKED]


def test_frames_have_the_columns_that_users_know(reports: Reports) -> None:
    columns = [list(result.df.columns) for result in _all(reports)]
    steps = ["step", "event", "count", "conversion_rate", "step_conv_ratio"]
    steps += ["overall_conv_ratio", "avg_time", "avg_time_from_start"]

    assert columns[0] == ["date", "segment", "count"]
    assert columns[1] == ["date", "segment", *steps]
    assert list(reports.funnel(["view"], **DAYS).df.columns) == steps
    assert columns[2][:4] == ["segment", "cohort_date", "cohort_size", "period_0"]
    assert columns[3] == ["date", *(f"period_{k}" for k in range(1, 32))]
    assert columns[4][:3] == ["date", "segment", "sessions"]
    assert columns[5] == ["source_step", "source_event", "target_step", "target_event", "count"]
    assert columns[6] == ["event", "time", "distinct_id", "page", "n", "at"]


def test_every_result_is_json_ready_readable_and_built_once(reports: Reports) -> None:
    for result in _all(reports):
        shown = json.loads(json.dumps(result.to_dict()))
        # The fields that the original has come first.
        assert list(shown)[-2:] == ["identity", "timezone"]
        json.dumps(result.to_table_dict())
        assert type(result).__name__ in repr(result)
        assert str(result.df.columns[0]) in repr(result)
        assert "<table" in result._repr_html_()
        assert result.df is result.df
        with pytest.raises(AttributeError):
            result.identity = None  # type: ignore[misc]


def test_the_statement_and_its_text_run_again(reports: Reports, shared: StorageEngine) -> None:
    for result in _all(reports):
        assert "SELECT" in result.sql
        rows = shared.execute_rows(result.statement)
        assert sorted(map(str, shared.execute_rows(result.sql))) == sorted(map(str, rows))


@pytest.mark.parametrize("ask", ASKED, ids=range(len(ASKED)))
def test_a_statement_is_there_without_its_answer(
    ask: Callable[[Reports], results.Result],
    reports: Reports,
    shared: StorageEngine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run: list[str] = []

    def rows(self: StorageEngine, sql: Any, params: Any = None) -> Any:
        run.append(str(sql))
        return query(self, sql, params)

    expected = shared.sql_text(ask(reports).statement)
    query = StorageEngine.execute_rows
    monkeypatch.setattr(StorageEngine, "execute_rows", rows)
    monkeypatch.setattr(StorageEngine, "query", rows)
    statement = reports.statement(ask)
    assert shared.sql_text(statement) == expected
    assert str(statement) not in run
    ask(reports)
    assert str(statement) in run


def test_a_statement_is_that_of_a_report(reports: Reports) -> None:
    with pytest.raises(ValueError, match="must call a report"):
        reports.statement(lambda r: reports)  # type: ignore[arg-type, return-value]
    with pytest.raises(ValueError, match="limit"):
        reports.statement(lambda r: r.segmentation(limit=0, **DAYS))


def test_a_statement_is_something_to_go_on_from(reports: Reports, shared: StorageEngine) -> None:
    points = reports.segmentation("view", on="page", **DAYS).statement.subquery()
    total = sa.select(sa.func.sum(points.c.value)).where(points.c.segment == "home")

    assert shared.execute_scalar(total) == 2


def test_the_functions_are_pure(shared: StorageEngine, reports: Reports) -> None:
    table: Any = reports.c.event_name.table
    views = segmentation.select(table, "view", **DAYS)
    steps = funnel.select(table, ["view", Step("buy")], **DAYS)

    assert sum(row[1] for row in shared.execute_rows(views) if row[0]) == 4
    assert [row[1] for row in shared.execute_rows(steps)] == [3, 1]


def test_filters_and_breakdowns_may_be_sqlalchemy_expressions(reports: Reports) -> None:
    page, n = reports.c.properties["page"], reports.c.properties["n"]

    assert reports.segmentation("view", where=page.as_string() == "blog", **DAYS).total == 2
    assert reports.segmentation("buy", of=n.as_float(), measure="sum", **DAYS).total == 2.0
    by_page = reports.segmentation("view", on=page, **DAYS)
    assert {name: sum(line.values()) for name, line in by_page.series.items()} == {
        "blog": 2,
        "home": 2,
    }
    step = Step("buy", where=n.as_float() > 1)
    assert [s.count for s in reports.funnel(["view", step], **DAYS).steps] == [3, 1]


def test_smaller_segments_are_one(reports: Reports) -> None:
    total = reports.segmentation("view", on="page", limit=1, **DAYS)
    unique = reports.segmentation("view", on="page", limit=1, measure="unique", **DAYS)
    users = reports.funnel(["view"], on="page", limit=1, **DAYS)
    retained = reports.retention(born_event="view", on="page", limit=1, **DAYS)

    assert {name: sum(line.values()) for name, line in total.series.items()} == {
        "blog": 2,
        "$other": 2,
    }
    assert list(unique.series) == ["blog", "$other"]
    assert list(users.segments) == ["blog", "$other"]
    assert list(retained.segments) == ["home", "$other"]


@pytest.mark.parametrize(
    ("question", "kept"),
    [
        ({"measure": "total"}, "often"),
        ({"measure": "unique"}, "many"),
        ({"measure": "sessions"}, "often"),
        ({"measure": "sum", "of": "n"}, "dear"),
        ({"measure": "max", "of": "n"}, "dear"),
        ({"measure": "min", "of": "n"}, "often"),
        ({"measure": "distinct", "of": "n"}, "many"),
        ({"measure": "median", "of": "n"}, "often"),
        ({"measure": "average", "of": "n"}, "often"),
        ({"measure": "average", "of": "n", "per_user": "sum"}, "many"),
    ],
)
def test_the_segments_that_stay_are_the_largest_by_the_measure(
    make: Make, question: dict[str, Any], kept: str
) -> None:
    # https://docs.mixpanel.com/docs/reports, "Top Segments logic".
    reports = make(
        [
            *[("ann", "e", f"2025-03-10T0{n}:00:00", {"s": "often", "n": 1}) for n in range(4)],
            *[(f"u{n}", "e", "2025-03-10T09:00:00", {"s": "many", "n": n + 2}) for n in range(3)],
            ("bob", "e", "2025-03-10T09:00:00", {"s": "dear", "n": 100}),
        ]
    )
    days: dict[str, Any] = {"from_date": "2025-03-10", "to_date": "2025-03-10"}
    assert list(reports.segmentation("e", on="s", limit=1, **days, **question).series) == [
        *(kept, "$other")
    ]
    entries = reports.funnel(["e"], on="s", limit=1, count="totals", **days)
    assert list(entries.segments) == ["often", "$other"]


@pytest.mark.parametrize(
    "end", ["2025-03-10", date(2025, 3, 10), "2025-03-10T23:59:59.999999Z", "2025-03-10 23:59:59.9"]
)
def test_the_end_of_the_data_is_a_day_or_a_time(make: Make, end: Any) -> None:
    rows = [("ann", "e", "2025-03-09T12:00:00"), ("ann", "e", "2025-03-11T13:00:00")]
    days: dict[str, Any] = {"from_date": "2025-03-09", "to_date": "2025-03-09"}
    (cohort,) = make(rows, as_of=end).retention(interval_count=2, **days).cohorts
    assert cohort.counts == (0, 0, 0)
    assert cohort.complete == (end != "2025-03-10 23:59:59.9", False, False)


def test_a_list_at_the_birth_counts_in_each_of_its_items(make: Make) -> None:
    # "The principles … remain the same across reports", …/property-reference/data-type.
    reports = make(
        [
            ("ann", "born", "2025-03-10T09:00:00", {"s": ["x", "y", "x", 1.0]}),
            ("ann", "back", "2025-03-11T10:00:00"),
            ("bob", "born", "2025-03-10T09:00:00", {"s": "x"}),
            ("cat", "born", "2025-03-10T09:00:00", {"s": []}),
        ]
    )
    asked: dict[str, Any] = {"from_date": "2025-03-10", "to_date": "2025-03-10", "on": "s"}
    asked |= {"born_event": "born", "return_event": "back", "interval_count": 1}

    every, limited = reports.retention(**asked), reports.retention(**asked, limit=1)

    sizes = {name: (c.size, c.counts) for name, (c,) in every.segments.items()}
    assert sizes == {"x": (2, (0, 1)), "1": (1, (0, 1)), "y": (1, (0, 1)), "undefined": (1, (0, 0))}
    (whole,) = every.cohorts
    assert (whole.size, whole.counts) == (3, (0, 1))
    # Of the rest each user counts once.
    assert {name: (c.size, c.counts) for name, (c,) in limited.segments.items()} == {
        "x": (2, (0, 1)),
        "$other": (2, (0, 1)),
    }


def test_running_sums_and_averages(reports: Reports) -> None:
    summed = reports.segmentation("view", cumulative=True, **DAYS)
    rolling = reports.segmentation("view", rolling=2, **DAYS)

    assert list(summed.series["view"].values()) == [2, 4]
    assert list(rolling.series["view"].values()) == [1.0, 2.0]
    assert summed.total == rolling.total == 4


def test_identity_resolves_users_and_counts_them(make: Make) -> None:
    reports = make(ROWS, identity="simplified")
    users = reports.segmentation(unit="total", measure="unique", **DAYS)

    assert users.total == 3
    assert users.identity == results.IdentitySummary("simplified", 4, 3)
    assert [e.distinct_id for e in reports.activity("cat").events] == ["cat", "cat"]
    assert [s.count for s in reports.funnel(["view", "buy"], **DAYS).steps] == [3, 2]


def test_a_table_of_mappings_and_profiles(memory: StorageEngine) -> None:
    memory.create_events_table("events", records(ROWS), metadata())
    memory.connection.execute(
        "CREATE TABLE ids AS FROM (VALUES ('bob', 'ann'), ('cat', NULL))"
        " AS t(distinct_id, resolved_distinct_id)"
    )
    people: list[Any] = [
        {"distinct_id": "bob", "properties": {"plan": "pro"}},
        {"distinct_id": "cat", "properties": {"plan": "free"}},
    ]
    memory.create_profiles_table("people", people, metadata("profiles"))
    reports = memory.reports("events", identity="ids", profiles="people")

    merged = reports.segmentation("view", measure="unique", unit="total", **DAYS)
    by_plan = reports.segmentation(on='user["plan"]', unit="total", measure="unique", **DAYS)
    pro = reports.segmentation(where=reports.profile["plan"].as_string() == "pro", **DAYS)

    assert merged.total == 2
    assert {str(person) for _, person in memory.execute_rows(reports.identity_mappings())} == {
        *("$device:d", "ann", "cat")
    }
    assert {name: sum(line.values()) for name, line in by_plan.series.items()} == {
        "pro": 1,
        "free": 1,
        "undefined": 1,
    }
    assert pro.total == 4


def test_the_original_rules_merge_chains_in_any_order(make: Make, shared: StorageEngine) -> None:
    rows = [
        ("e", "$merge", "2025-03-01T09:00:00", {"$distinct_ids": ["d", "e"]}),
        ("d", "$create_alias", "2025-03-01T09:00:00", {"distinct_id": "c", "alias": "d"}),
        ("b", "$identify", "2025-03-01T09:00:00", {"$identified_id": "c", "$anon_id": "b"}),
        ("b", "$identify", "2025-03-01T09:00:00", {"$identified_id": "z", "$anon_id": "b"}),
        ("y", "view", "2025-03-01T09:00:00"),
    ]
    reports = make(rows, identity="original")

    pairs = dict(map(tuple, shared.execute_rows(reports.identity_mappings())))

    assert pairs == {**dict.fromkeys("bcdez", "c"), "y": "y"}


def test_hours_of_days_with_a_clock_change(make: Make) -> None:
    reports = make([("u", "e", "2025-03-30T01:30:00")], timezone="Europe/Berlin")
    spring = reports.segmentation("e", unit="hour", from_date="2025-03-30", to_date="2025-03-30")
    autumn = reports.segmentation("e", unit="hour", from_date="2025-10-26", to_date="2025-10-26")

    line = spring.series["e"]
    assert len(line) == 23
    assert line["2025-03-30 03:00:00"] == 1
    assert len(autumn.series["e"]) == 24


def test_a_day_that_a_zone_left_out_is_empty(make: Make) -> None:
    reports = make([("u", "e", "2011-12-30T10:00:00")], timezone="Pacific/Apia")
    days = reports.segmentation("e", from_date="2011-12-29", to_date="2011-12-31")

    assert days.series["e"] == {"2011-12-29": 0, "2011-12-30": 0, "2011-12-31": 1}


def test_times_of_the_activity_feed_are_utc(reports: Reports) -> None:
    (event,) = reports.activity("ann", limit=1).events

    assert event.time == datetime(2025, 3, 1, 9, 10)
    assert event.to_dict()["time"] == "2025-03-01T09:10:00"
    assert event.properties == {"page": "shop", "n": 2, "at": [1]}


@pytest.mark.parametrize("name", ["users", "rows", "profile", "devices", "step_1"])
def test_a_table_may_have_any_name(memory: StorageEngine, name: str) -> None:
    people: list[Any] = [{"distinct_id": "ann", "properties": {"plan": "pro"}}]
    memory.create_events_table(name, records(ROWS), metadata())
    memory.create_profiles_table("people", people, metadata("profiles"))
    reports = memory.reports(name, identity="simplified", profiles="people")

    by_plan = reports.segmentation(on='user["plan"]', unit="total", measure="unique", **DAYS)
    totals = reports.funnel(["view", "buy"], count="totals", on="page", **DAYS)
    cohorts = reports.retention(born_event="view", interval_count=1, **DAYS).cohorts

    assert {key: line["2025-03-01"] for key, line in by_plan.series.items()} == {
        "pro": 1,
        "undefined": 2,
    }
    assert [step.count for step in totals.steps] == [3, 2]
    assert [cohort.size for cohort in cohorts] == [2, 1]
    assert sum(point.sessions for point in reports.sessions(**DAYS).points) == 5
    assert reports.flows("view", **DAYS).paths == 3
