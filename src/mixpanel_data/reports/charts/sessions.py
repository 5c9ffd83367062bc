"""Pictures of sessions."""

from __future__ import annotations

from mixpanel_data.reports.charts.base import Picture, days, instant, time_axis, top
from mixpanel_data.reports.charts.trends import bars, lines
from mixpanel_data.reports.results import SESSION_LENGTHS, SessionsResult


def sessions(result: SessionsResult) -> list[Picture]:
    """Return the sessions over time, and a histogram of their lengths."""
    total = sum(point.sessions for point in result.points)
    by = result.segment_property
    totals: dict[str, int] = {}
    for point in result.points:
        name = "sessions" if by is None else str(point.segment)
        totals[name] = totals.get(name, 0) + point.sessions
    kept, note = top(totals, "segments")
    caption = (days(result), f"{total:,} sessions in all", *note)
    values = [
        {"t": instant(point.date), "s": name, "v": point.sessions}
        for point in result.points
        for name in ["sessions" if by is None else str(point.segment)]
        if name in kept
    ]
    if result.unit == "total":
        pictures = [Picture("Sessions", caption, bars(values, "sessions", by or ""), 80)]
    else:
        shown = lines(values, time_axis(result.unit, result.timezone), "sessions", by)
        pictures = [Picture("Sessions", caption, shown)]
    lengths = [sum(column) for column in zip(*(p.durations for p in result.points if p.durations))]
    if any(lengths):
        seconds = sum(point.average_duration * point.sessions for point in result.points)
        shown = bars(
            [{"s": name, "v": count} for name, count in zip(SESSION_LENGTHS, lengths)],
            "sessions",
            "from the first event to the last",
        )
        note = (f"{seconds / total:,.0f} s on average",)
        pictures.append(Picture("Length of sessions", (days(result), *note), shown, 260))
    return pictures
