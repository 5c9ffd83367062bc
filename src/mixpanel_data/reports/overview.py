"""One page about a database: its tables, days, events, properties, users and their return."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from typing import Any

from mixpanel_data._internal.display import html_table, runs_text
from mixpanel_data.reports import charts
from mixpanel_data.reports.charts.base import PALETTE, Picture, Spec, instant, time_axis
from mixpanel_data.reports.charts.trends import bars, lines
from mixpanel_data.reports.times import zone_of
from mixpanel_data.types import Coverage, TableInfo

__all__ = ["overview"]

_DAYS = 366  # the latest that are drawn
_WEEKS = 12  # cohorts of the retention
_EVENTS = 15
_PROPERTIES = 25
_SAMPLE = 20_000  # rows that the properties are counted in
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def overview(storage: Any, *, timezone: str | None = None) -> str:
    """Return a page in HTML about all tables of a StorageEngine, which needs no network.

    Of each table of events: the days that its loads cover and miss, the events by day, the
    commonest events and properties, active users, and who returned; with the SQL behind each.
    *timezone* is the zone whose days are counted; without it that of the table's loads, else UTC.

    Raises:
        ValueError: there is no such zone.
        ImportError: the extra ``plot`` is not installed.
    """
    zone_of(timezone or "UTC")
    tables: list[TableInfo] = storage.list_tables()
    names = ["name", "type", "row_count", "fetched_at"]
    rows = [[getattr(table, name) for name in names] for table in tables]
    place = "in memory" if storage.path is None else storage.path.name
    rows_said = sum(table.row_count for table in tables)
    said = (_count(len(tables), "table"), _count(rows_said, "row"))
    sections = [charts.Section("Tables", said, table=html_table(names, rows), folded=False)]
    for table in tables:
        if table.type == "events":
            zone = timezone or storage.get_metadata(table.name).time_zone or "UTC"
            sections += _events(storage, table.name, zone)
        else:
            sections.append(_properties(storage, table.name))
    return charts.page(f"Overview of {place}", sections)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _events(storage: Any, name: str, zone: str) -> Iterator[charts.Section]:
    breakdown = storage.event_breakdown(name)
    if not breakdown.total_events:
        yield charts.Section(f"{name}: no events")
        return
    first, last = (_day(moment, zone) for moment in breakdown.date_range)
    shown = max(first, last - timedelta(days=_DAYS - 1))
    note = () if shown == first else (f"the last {_DAYS} of {(last - first).days + 1:,} days",)
    days = {"from_date": shown, "to_date": last}
    reports = storage.reports(name, timezone=zone)
    trend = reports.segmentation(**days)
    coverage = storage.coverage(name)
    counts = {day: n for points in trend.series.values() for day, n in points.items()}
    calendar = _calendar(name, coverage, counts, shown)
    yield charts.Section(calendar.title, (*calendar.caption, *note), calendar, sql=trend.sql)
    (drawn,) = charts.pictures(trend)
    yield charts.Section(f"{name}: events by day", (*drawn.caption, *note), drawn, sql=trend.sql)
    yield _top_events(name, breakdown)
    yield _properties(storage, name)
    yield _active(name, reports, days, note)
    yield _retention(name, reports, shown, last)


def _day(moment: datetime, zone: str) -> date:
    return moment.replace(tzinfo=timezone.utc).astimezone(zone_of(zone)).date()


def _days(coverage: Coverage, counts: dict[str, int | float], shown: date) -> list[Spec]:
    known = {
        **dict.fromkeys(coverage.loaded, "loaded"),
        **dict.fromkeys(coverage.missing, "missing"),
    }
    for day in map(date.fromisoformat, counts):
        known.setdefault(day, "no load says so")
    return [
        {
            "day": str(day),
            "week": str(day - timedelta(days=day.weekday())),
            "weekday": _WEEKDAYS[day.weekday()],
            "events": counts.get(str(day), 0),
            "state": state,
        }
        for day, state in sorted(known.items())
        if day >= shown
    ]


def _calendar(
    name: str, coverage: Coverage, counts: dict[str, int | float], shown: date
) -> Picture:
    """Return a rectangle a day, by week; a cross where no load covers it."""
    gaps = [text for text in runs_text(coverage.loaded, coverage.missing) if "missing" in text]
    said = "; ".join(gaps[:5]) + (f" and {len(gaps) - 5} more gaps" if len(gaps) > 5 else "")
    caption = [
        f"{len(coverage.loaded):,} days loaded, {len(coverage.missing):,} missing",
        *([f"{coverage.undated:,} loads without days"] if coverage.undated else []),
        *([said] if said else []),
    ]
    week = {"format": "%b %d", "labelAngle": 0, "labelOverlap": True, "title": "week of"}
    x = {"field": "week", "type": "ordinal", "timeUnit": "utcyearmonthdate", "axis": week}
    y = {"field": "weekday", "type": "ordinal", "sort": list(_WEEKDAYS), "title": None}
    legend = {"orient": "top", "title": "events"}
    colour = {
        "field": "events",
        "type": "quantitative",
        "scale": {"scheme": "blues"},
        "legend": legend,
    }
    tooltip = [{"field": field} for field in ("day", "state")]
    tooltip.append({"field": "events", "type": "quantitative", "format": ","})
    cross = {"type": "point", "shape": "cross", "filled": True, "color": PALETTE[5], "size": 60}
    parts: Spec = {
        "data": {"values": _days(coverage, counts, shown)},
        "encoding": {"x": x, "y": y, "tooltip": tooltip},
        "layer": [
            {"mark": {"type": "rect"}, "encoding": {"color": colour}},
            {"transform": [{"filter": "datum.state == 'missing'"}], "mark": cross},
        ],
    }
    return Picture(f"{name}: days (a cross: missing)", tuple(caption), parts, 190)


def _top_events(name: str, breakdown: Any) -> charts.Section:
    found = breakdown.events[:_EVENTS]
    values = [{"s": item.event_name, "v": item.count, "users": item.unique_users} for item in found]
    caption = [f"{breakdown.total_events:,} events of {breakdown.total_users:,} users"]
    if len(breakdown.events) > _EVENTS:
        caption.append(f"the {_EVENTS} commonest of {len(breakdown.events):,}")
    picture = Picture("", (), bars(values, "events", "event"), 50 + 26 * len(found))
    table = html_table(*_columns(found, "event_name", "count", "unique_users", "pct_of_total"))
    return charts.Section(f"{name}: top events", caption, picture, table, breakdown.sql)


def _properties(storage: Any, name: str) -> charts.Section:
    result = storage.properties(name, sample=_SAMPLE)
    found = sorted(result.properties, key=lambda item: (-item.presence, item.key))[:_PROPERTIES]
    rows = [
        [
            item.key,
            ", ".join(item.types),
            f"{item.presence:.1f}%",
            f"{'' if item.distinct_is_exact else 'about '}{item.distinct:,}",
            ", ".join(v if isinstance(v, str) else json.dumps(v) for v, _ in item.top_values[:3]),
        ]
        for item in found
    ]
    table = html_table(["property", "types", "present", "values", "commonest"], rows)
    caption = [f"of {result.rows:,} rows"]
    if len(result.properties) > len(found):
        caption.append(f"the {len(found)} commonest of {len(result.properties):,}")
    title = f"{name}: properties"
    return charts.Section(title, caption, table=table, sql=result.sql, folded=False)


def _columns(items: list[Any], *names: str) -> tuple[list[str], list[list[Any]]]:
    return list(names), [[getattr(item, name) for name in names] for item in items]


def _active(name: str, reports: Any, days: Any, note: tuple[str, ...]) -> charts.Section:
    spans = {"dau": "a day", "wau": "7 days", "mau": "30 days"}
    found = {measure: reports.segmentation(measure=measure, **days) for measure in spans}
    values = [
        {"t": instant(day), "s": spans[measure], "v": count}
        for measure, result in found.items()
        for points in result.series.values()
        for day, count in points.items()
    ]
    zone = next(iter(found.values())).timezone
    shown = lines(values, time_axis("day", zone), "users", "active in")
    sql = ";\n\n".join(result.sql for result in found.values())
    said = [f"{spans[measure]}: {result.total:,}" for measure, result in found.items()]
    caption = (f"at the end, in {', '.join(said)}", *note)
    return charts.Section(f"{name}: active users", caption, Picture("", (), shown), sql=sql)


def _retention(name: str, reports: Any, first: date, last: date) -> charts.Section:
    unit = "week" if (last - first).days >= 14 else "day"
    size = 7 if unit == "week" else 1
    monday = last - timedelta(days=last.weekday())
    start = max(first, monday - timedelta(days=7 * (_WEEKS - 1)))
    count = max(1, min(_WEEKS, (last - start).days // size))
    result = reports.retention(from_date=start, to_date=last, unit=unit, interval_count=count)
    (picture,) = charts.pictures(result)
    caption = ("from the first event of the range to any other", *picture.caption)
    return charts.Section(f"{name}: who returns", caption, picture, sql=result.sql)
