"""Every report has a picture: valid, of the report's own numbers, and a file of its own."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

import pytest
import vl_convert

from mixpanel_data.reports import Reports, charts, results
from mixpanel_data.reports.charts.base import Picture, specification
from mixpanel_data.reports.charts.trends import bars

from .conftest import Make

pytestmark = pytest.mark.slow

DAYS: dict[str, Any] = {"from_date": "2025-03-01", "to_date": "2025-03-02"}
HOSTILE = "</script><script>alert(1)</script>"
ROWS = [
    ("ann", "view", "2025-03-01T09:00:00", {"page": "home"}),
    ("ann", "buy", "2025-03-01T09:10:00", {"page": HOSTILE}),
    ("bob", "view", "2025-03-01T10:00:00", {"page": "home"}),
    ("bob", "view", "2025-03-02T10:00:00", {"page": HOSTILE}),
    ("cat", HOSTILE, "2025-03-02T10:00:00", {"page": "blog"}),
    ("cat", "view", "2025-03-02T10:05:00", {"page": "blog"}),
]


@pytest.fixture
def reports(make: Make) -> Reports:
    return make(ROWS, timezone="Europe/Berlin")


def _all(reports: Reports) -> list[results.Result]:
    return [
        reports.segmentation(unit="hour", on="page", **DAYS),
        reports.segmentation("view", unit="total", measure="average", **DAYS),
        reports.segmentation("gone", **DAYS),
        reports.funnel(["view", "buy"], on="page", unit="day", **DAYS),
        reports.funnel(["gone", "buy"], **DAYS),
        reports.retention(born_event="view", interval_count=2, on="page", **DAYS),
        reports.retention(born_event="gone", interval_count=30, **DAYS),
        reports.frequency(unit="month", addiction_unit="day", **DAYS),
        reports.frequency(event="gone", **DAYS),
        reports.sessions(on="page", **DAYS),
        reports.sessions(unit="total", **DAYS),
        reports.flows(["view", HOSTILE], forward=2, reverse=1, **DAYS),
        reports.flows("gone", **DAYS),
        reports.activity(["ann", "cat"]),
        reports.activity(["nobody"], **DAYS),
    ]


def test_every_result_has_a_valid_chart_and_every_kind_of_file(reports: Reports) -> None:
    for result in _all(reports):
        shown = result.chart().to_dict()
        captions = json.dumps([view["title"] for view in shown.get("vconcat", [shown])])
        assert "Europe/Berlin" in captions
        assert charts.render(result, ".svg").startswith(b"<svg")
        assert result._repr_html_().count("<table") == 1
        assert "<svg" in result._repr_html_()


def test_files_need_no_network_and_run_nothing_of_the_data(reports: Reports) -> None:
    result = reports.flows(["view", HOSTILE], forward=1, **DAYS)
    assert charts.render(result, ".png").startswith(b"\x89PNG")
    page = charts.render(result, ".html").decode()
    assert HOSTILE not in page
    body = page.partition("<script")[0]
    assert not re.search(r"<(script|img|link|iframe)[^>]+(src|href)=", body)
    assert "default-src 'none'" in body
    assert "SELECT" in body


def _values(picture: Picture) -> list[dict[str, Any]]:
    return list(picture.parts["data"]["values"])


def test_a_funnel_shows_who_got_there_and_who_dropped_out(reports: Reports) -> None:
    (picture,) = charts.pictures(reports.funnel(["view", "buy"], **DAYS))
    assert [(v["n"], v["lost"], v["drop"]) for v in _values(picture)] == [
        (3, 0, ""),
        (1, 2, "-66.7%"),
    ]
    assert picture.caption[1] == "33.3% of 3 users converted"


def test_a_trend_has_the_points_of_the_series(reports: Reports) -> None:
    result = reports.segmentation("view", unit="hour", **DAYS)
    (picture,) = charts.pictures(result)
    points = {v["t"]: v["v"] for v in _values(picture)}
    assert points["2025-03-01T10:00:00Z"] == result.series["view"]["2025-03-01 10:00:00"] == 1
    assert sum(points.values()) == result.total
    assert picture.caption[1] == "events over all: 4"


def test_more_segments_than_colours_are_said(make: Make) -> None:
    rows = [(f"u{n}", "view", "2025-03-01T09:00:00", {"page": f"p{n}"}) for n in range(12)]
    (picture,) = charts.pictures(make(rows).segmentation("view", on="page", **DAYS))
    assert "the 8 largest of 12 segments" in picture.caption
    assert len({v["s"] for v in _values(picture)}) == 8


def test_retention_leaves_out_what_has_not_begun(reports: Reports) -> None:
    result = reports.retention(born_event="view", return_event="buy", interval_count=5, **DAYS)
    (picture,) = charts.pictures(result)
    shown = {(v["row"], v["column"]): v["share"] for v in _values(picture)}
    assert shown["2025-03-01 (2)", 0] == 0.5
    assert ("2025-03-01 (2)", 5) not in shown


def test_sessions_are_counted_by_length(reports: Reports) -> None:
    result = reports.sessions(**DAYS)
    lengths = charts.pictures(result)[1]
    found = {v["s"]: v["v"] for v in _values(lengths)}
    assert found["one event"] == 2
    assert found["5 to 10 min"] == 1
    assert found["10 to 30 min"] == 1
    assert sum(found.values()) == sum(point.sessions for point in result.points) == 4


def test_ribbons_fill_the_events_that_they_join(reports: Reports) -> None:
    result = reports.flows("view", forward=2, **DAYS)
    (picture,) = charts.pictures(result)
    ribbons, blocks, *_ = picture.parts["layer"]
    heights = {(v["x"], v["event"]): v["y2"] - v["y"] for v in blocks["data"]["values"]}
    first = {v["edge"]: v for v in reversed(ribbons["data"]["values"])}
    leaving: dict[tuple[int, str], float] = {}
    for edge in first.values():
        key = (int(edge["x"]), edge["event"])
        leaving[key] = leaving.get(key, 0) + edge["y"] - edge["y2"]
    assert leaving
    for key, height in leaving.items():
        assert height == pytest.approx(heights[key])


def test_without_the_packages_tables_are_shown_and_errors_name_the_extra(
    reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = reports.segmentation("view", **DAYS)
    for package in ("altair", "vl_convert"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=r"mixpanel-data\[plot\]"):
        result.chart()
    with pytest.raises(ImportError, match=r"mixpanel-data\[plot\]"):
        charts.render(result, ".svg")
    assert result._repr_html_().startswith("<p>")


def _count(svg: bytes, text: str) -> int:
    return len(re.findall(rf">{text}<", svg.decode()))


def test_a_segment_has_one_entry_in_the_legend_of_a_picture(reports: Reports) -> None:
    trend = charts.render(reports.segmentation("view", on="page", **DAYS), ".svg")
    assert _count(trend, "home") == 1
    # Bars and lines have a legend each.
    funnel = reports.funnel(["view", "buy"], on="page", unit="day", **DAYS)
    assert _count(charts.render(funnel, ".svg"), "home") == 2


def test_a_user_alone_needs_no_legend(reports: Reports) -> None:
    one, two = (charts.render(reports.activity(ids), ".svg") for ids in (["ann"], ["ann", "cat"]))
    assert (_count(one, "ann"), _count(two, "ann")) == (0, 1)


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (12_345_678, "12,345,678"),
        (9_999_999, "9,999,999"),
        (1_234_567.89, "1,234,568"),
        (1234.5, "1,234.5"),
        (0.0034, "0.0034"),
        (2.0, "2"),
        (0, "0"),
    ],
)
def test_bars_are_labelled_with_their_numbers(number: float, shown: str) -> None:
    picture = Picture("", (), bars([{"s": "view", "v": number}], "events", "event"))
    svg = vl_convert.vegalite_to_svg(specification([picture.view()]))
    assert _count(svg.encode(), shown)
