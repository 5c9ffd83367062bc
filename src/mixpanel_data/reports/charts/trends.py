"""Pictures of segmentation and frequency."""

from __future__ import annotations

from mixpanel_data.reports.charts.base import (
    LEGEND,
    Picture,
    Spec,
    days,
    instant,
    number,
    time_axis,
    top,
)
from mixpanel_data.reports.charts.heat import heat_map
from mixpanel_data.reports.results import FrequencyResult, SegmentationResult

_UNITS = {
    "total": "events",
    "unique": "users",
    "average": "events per user",
    "sessions": "sessions",
    "dau": "users active on the day",
    "wau": "users active in 7 days",
    "mau": "users active in 30 days",
}
_POINTS = 62  # more of them hide the line
_DASHES = [[1, 0], [8, 3], [3, 3], [8, 3, 2, 3], [14, 3], [2, 2, 8, 2], [5, 2], [2, 4]]
_STROKES = {"symbolType": "stroke", "symbolSize": 500, "symbolStrokeWidth": 2}


def segmentation(result: SegmentationResult) -> list[Picture]:
    """Return lines over time, or bars where each segment has but one number."""
    totals = {name: sum(points.values()) for name, points in result.series.items()}
    kept, note = top(totals, "segments")
    what = _UNITS.get(result.measure, f"{result.measure} of a property")
    when = "at the end" if result.measure in ("dau", "wau", "mau") else "over all"
    caption = (days(result), f"{what} {when}: {number(result.total)}", *note)
    title = f"{result.event}: {what}"
    by = result.segment_property
    if result.unit == "total":
        values = [
            {"s": name, "v": value} for name in kept for value in result.series[name].values()
        ]
        return [Picture(title, caption, bars(values, what, by or "event"), 60 + 28 * len(kept))]
    values = [
        {"t": instant(date), "s": name, "v": value}
        for name in kept
        for date, value in result.series[name].items()
    ]
    return [
        Picture(title, caption, lines(values, time_axis(result.unit, result.timezone), what, by))
    ]


def lines(
    values: list[Spec], x: Spec, what: str, by: str | None = None, order: Spec | None = None
) -> Spec:
    """Return a line a segment of the values ``t``, ``s`` and ``v``; one segment has no legend."""
    segments = list(dict.fromkeys(value["s"] for value in values))
    # Colours, and the same again by dashes for whoever sees none, in one legend.
    segment = {
        **{"field": "s", "type": "nominal", "title": by or "event"},
        "scale": {"domain": segments},
        "legend": {**LEGEND, **_STROKES} if len(segments) > 1 else None,
    }
    points = len(values) <= _POINTS * max(1, len(segments))
    mark = {"type": "line", "point": points, "tooltip": True, "strokeWidth": 2}
    y = {"field": "v", "type": "quantitative", "title": what, **(order or {})}
    encoding = {
        "x": x,
        "y": y,
        "color": segment,
        "strokeDash": {**segment, "scale": {"domain": segments, "range": _DASHES}},
    }
    return {"data": {"values": values}, "mark": mark, "encoding": encoding}


def bars(values: list[Spec], what: str, by: str) -> Spec:
    """Return a bar for each of the values ``s`` and ``v``, in their order, with its number."""
    names = [value["s"] for value in values]
    y = {"field": "s", "type": "nominal", "sort": names, "title": by, "axis": {"labelLimit": 140}}
    x = {"field": "v", "type": "quantitative", "title": what}
    labelled = [{**value, "shown": _label(value["v"])} for value in values]
    return {
        "data": {"values": labelled},
        "encoding": {"y": y, "x": x},
        "layer": [
            {"mark": {"type": "bar", "tooltip": True}},
            {
                "mark": {"type": "text", "align": "left", "dx": 4},
                "encoding": {"text": {"field": "shown"}},
            },
        ],
    }


def _label(value: int | float | None) -> str:
    """Return all digits of a whole number, and six of a small other one."""
    if value is None:
        return ""
    whole = abs(value) >= 1e6 or float(value).is_integer()
    return f"{value:,.0f}" if whole else f"{value:,.6g}"


def frequency(result: FrequencyResult) -> list[Picture]:
    """Return a heat map: how many were active in so many hours or days of each unit."""
    cells = [
        {"row": date, "column": k, "share": count / max(numbers), "n": count, "mark": ""}
        for date, numbers in result.data.items()
        for k, count in enumerate(numbers, 1)
        if max(numbers)
    ]
    times = f"{result.counting.replace('_', ' ')} so many {result.addiction_unit}s"
    most = max((max(numbers, default=0) for numbers in result.data.values()), default=0)
    caption = (days(result), f"{times} of a {result.unit}; 100% are at most {most:,} users")
    title = f"{result.event or 'any event'}: how often in a {result.unit}"
    labels = (f"{result.addiction_unit}s of the {result.unit}", result.unit, "users")
    return [heat_map(title, caption, cells, list(result.data), labels)]
