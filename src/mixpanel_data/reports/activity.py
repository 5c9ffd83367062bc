"""Activity feed: the events of some users, in their order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from mixpanel_data._internal.arguments import whole
from mixpanel_data.reports.source import Source
from mixpanel_data.reports.times import Day, day_of, start_of


def select(
    table: sa.FromClause | Source,
    distinct_ids: str | Sequence[str],
    *,
    from_date: Day | None = None,
    to_date: Day | None = None,
    limit: int | None = None,
) -> sa.Select[Any]:
    """Return a select of event, time (UTC), distinct_id, properties, the oldest first.

    Events of one instant are in the order of their insert_id. With *limit* the latest that many.
    Parameters as ``Reports.activity``.
    """
    source = Source.of(table)
    ids = [distinct_ids] if isinstance(distinct_ids, str) else list(distinct_ids)
    whole(limit=limit)
    if limit is not None and limit < 1:
        raise ValueError(f"limit must be 1 or more, not {limit}.")
    start = None if from_date is None else start_of(day_of(from_date, "from_date"), source.zone)
    end = None
    if to_date is not None:
        end = start_of(day_of(to_date, "to_date") + timedelta(days=1), source.zone)
    if start is not None and end is not None and start >= end:
        raise ValueError(f"from_date {from_date} is after to_date {to_date}.")
    columns = [
        source.table.c.event_name.label("event"),
        source.time.label("time"),
        source.user.label("distinct_id"),
        source.table.c.properties.label("properties"),
        source.row.label("insert_id"),
    ]
    rows = source.select(*columns, where=[source.user.in_(ids), *source.within(start, end)])
    if limit is not None:
        rows = rows.order_by(source.time.desc(), source.row.desc()).limit(limit)
    found = rows.subquery("feed")
    shown = [found.c.event, found.c.time, found.c.distinct_id, found.c.properties]
    return sa.select(*shown).order_by(found.c.time, found.c.insert_id)
