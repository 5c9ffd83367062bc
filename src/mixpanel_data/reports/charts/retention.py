"""Pictures of retention."""

from __future__ import annotations

from collections.abc import Sequence

from mixpanel_data.reports.charts.base import Picture, Spec, days, top
from mixpanel_data.reports.charts.heat import heat_map
from mixpanel_data.reports.charts.trends import lines
from mixpanel_data.reports.results import CohortInfo, RetentionResult


def retention(result: RetentionResult) -> list[Picture]:
    """Return the triangle of cohorts; with a breakdown also a curve of each segment."""
    people = sum(cohort.size for cohort in result.cohorts)
    what = f"{result.born_event}, then {result.return_event}"
    note = f"{people:,} users ({result.counting.replace('_', ' ')}); * has not ended for all"
    cells, rows = _cells(result)
    labels = (f"{result.unit}s after the birth", f"{result.unit} of birth (users)", "users")
    pictures = [heat_map(f"Retention: {what}", (days(result), note), cells, rows, labels)]
    if result.segments:
        sizes = {name: sum(c.size for c in items) for name, items in result.segments.items()}
        kept, others = top(sizes, "segments")
        values = [
            {"t": bucket, "s": name, "v": share}
            for name in kept
            for bucket, share in _curve(result.segments[name])
        ]
        x = {"field": "t", "type": "quantitative", "title": labels[0], "axis": {"tickMinStep": 1}}
        shown = lines(values, x, "users who returned", "segment", {"axis": {"format": ".0%"}})
        caption = (days(result), "of the cohorts that had the time", *others)
        pictures.append(Picture("By segment", caption, shown))
    return pictures


def _cells(result: RetentionResult) -> tuple[list[Spec], list[str]]:
    cells: list[Spec] = []
    rows: list[str] = []
    for cohort in result.cohorts:
        rows.append(f"{cohort.date} ({cohort.size:,})")
        ended = cohort.complete or [True] * len(cohort.retention)
        counts = cohort.counts or [round(share * cohort.size) for share in cohort.retention]
        cells += [
            {"row": rows[-1], "column": n, "share": share, "n": count, "mark": "" if done else "*"}
            for n, (share, count, done) in enumerate(zip(cohort.retention, counts, ended))
            if (share or done) and cohort.size
        ]
    if any(share is not None for share in result.average):
        rows.append("average")
        cells += [
            {"row": "average", "column": n, "share": share, "n": None, "mark": ""}
            for n, share in enumerate(result.average)
            if share is not None
        ]
    return cells, rows


def _curve(cohorts: Sequence[CohortInfo]) -> list[tuple[int, float]]:
    """Return by bucket the share of those whose bucket had ended."""
    points = []
    for bucket in range(max((len(cohort.counts) for cohort in cohorts), default=0)):
        ended = [cohort for cohort in cohorts if cohort.complete[bucket]]
        if size := sum(cohort.size for cohort in ended):
            points.append((bucket, sum(cohort.counts[bucket] for cohort in ended) / size))
    return points
