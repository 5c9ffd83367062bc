"""Pictures of funnels."""

from __future__ import annotations

from mixpanel_data.reports.charts.base import LEGEND, Picture, Spec, days, instant, time_axis, top
from mixpanel_data.reports.charts.trends import lines
from mixpanel_data.reports.results import FunnelResult, FunnelStep


def funnel(result: FunnelResult) -> list[Picture]:
    """Return a bar a step with who dropped out before it; then the segments and the trend."""
    what = {"uniques": "users", "totals": "attempts"}.get(result.count, result.count)
    entered = result.steps[0].count
    caption = (
        days(result),
        f"{result.conversion_rate:.1%} of {entered:,} {what} converted",
    )
    names = [f"{number}. {step.event}" for number, step in enumerate(result.steps, 1)]
    title = f"Funnel: {result.funnel_name}"
    pictures = [
        Picture(title, caption, _steps(names, result.steps, what), 60 + 44 * len(names)),
    ]
    if result.segments:
        kept, note = top({name: s[0].count for name, s in result.segments.items()}, "segments")
        parts = _segments(names, {name: result.segments[name] for name in kept})
        height = 60 + max(24, 12 * len(kept)) * len(names)
        pictures.append(Picture("By segment", (days(result), *note), parts, height))
    if result.trend:
        trends = {"all": result.trend}
        if result.trend_segments:
            kept, _ = top({name: s[0].count for name, s in result.segments.items()}, "segments")
            trends = {
                name: {
                    date: parts[name]
                    for date, parts in result.trend_segments.items()
                    if name in parts
                }
                for name in kept
            }
        values = [
            {"t": instant(date), "s": name, "v": steps[-1].overall_conv_ratio}
            for name, points in trends.items()
            for date, steps in points.items()
        ]
        shown = lines(
            values, time_axis("interval", result.timezone), "converted", "segment", _SHARE
        )
        pictures.append(Picture("Conversion by the start", (days(result),), shown))
    return pictures


_SHARE: Spec = {"axis": {"format": ".0%"}}


def _steps(names: list[str], steps: list[FunnelStep], what: str) -> Spec:
    before = [steps[0].count, *(step.count for step in steps)]
    values = [
        {
            "step": name,
            "n": step.count,
            "before": previous,
            "lost": previous - step.count,
            "shown": f"{step.count:,} ({step.overall_conv_ratio:.1%})",
            "drop": f"-{1 - step.step_conv_ratio:.1%}" if number else "",
            "time": "" if step.avg_time is None else f"{step.avg_time:,.0f} s",
        }
        for number, (name, step, previous) in enumerate(zip(names, steps, before))
    ]
    tooltip = [
        {"field": "step"},
        {"field": "shown", "title": f"{what} (of all)"},
        {"field": "lost", "type": "quantitative", "format": ",", "title": "dropped out"},
        {"field": "drop", "title": "of the step before"},
        {"field": "time", "title": "mean time from the step before"},
    ]
    y = {"field": "step", "type": "nominal", "sort": names, "title": None}
    x = {"field": "n", "type": "quantitative", "title": what}
    text = {"type": "text", "align": "left", "baseline": "bottom", "dx": 3, "dy": -11, "x": 0}
    return {
        "data": {"values": values},
        "encoding": {"y": {**y, "axis": {"labelLimit": 130}}, "tooltip": tooltip},
        "layer": [
            {
                "mark": {"type": "bar", "color": "#8C8C8C", "opacity": 0.3, "height": 16},
                "encoding": {"x": {**x, "field": "before"}},
            },
            {"mark": {"type": "bar", "height": 16}, "encoding": {"x": x}},
            {"mark": text, "encoding": {"text": {"field": "shown"}}},
            {
                "mark": {"type": "text", "align": "right", "dx": -4},
                "encoding": {"x": {**x, "field": "before"}, "text": {"field": "drop"}},
            },
        ],
    }


def _segments(names: list[str], segments: dict[str, list[FunnelStep]]) -> Spec:
    values = [
        {"step": name, "s": segment, "share": step.overall_conv_ratio, "n": step.count}
        for segment, steps in segments.items()
        for name, step in zip(names, steps)
    ]
    segment = {"field": "s", "type": "nominal", "sort": list(segments)}
    return {
        "data": {"values": values},
        "mark": {"type": "bar", "tooltip": {"content": "data"}},
        "encoding": {
            "y": {"field": "step", "type": "nominal", "sort": names, "title": None},
            "yOffset": segment,
            "x": {
                "field": "share",
                "type": "quantitative",
                "title": "of all who entered",
                **_SHARE,
            },
            "color": {**segment, "title": "segment", "legend": LEGEND},
        },
    }
