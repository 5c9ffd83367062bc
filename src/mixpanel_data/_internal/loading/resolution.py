"""One event at two resolutions: exported once by seconds, once by milliseconds."""

from __future__ import annotations

import sqlalchemy as sa

from mixpanel_data._internal.loading.job import LoadJob, LoadResult

# What a derived key ends with: a mark and a fingerprint.
_SUFFIX = 17


def has_other_resolution(
    connection: sa.Connection, job: LoadJob, table: sa.Table, result: LoadResult
) -> bool:
    """Return whether all that an append stored collides with events of the same seconds."""
    if job.action != "append" or not 0 < result.collisions == result.stored:
        return False
    there = table.alias()
    key, base = table.c.insert_id, there.c.insert_id
    same = [table.c[name] == there.c[name] for name in ("event_name", "distinct_id")]
    seconds = (sa.func.date_trunc("second", t.c.event_time) for t in (table, there))
    matched = sa.select(sa.func.count(sa.distinct(key))).where(
        sa.func.left(key, sa.func.length(key) - _SUFFIX) == base,
        sa.func.length(key) > _SUFFIX,
        *same,
        next(seconds) == next(seconds),
        table.c.event_time != there.c.event_time,
    )
    return (connection.scalar(matched) or 0) >= result.collisions
