"""What became of the records of a load, counted by statements that every engine runs."""

from __future__ import annotations

import logging
from dataclasses import replace

import sqlalchemy as sa

from mixpanel_data._internal.loading.job import LoadJob, LoadResult
from mixpanel_data._internal.schema.tables import PROFILES
from mixpanel_data.exceptions import InvalidRecordError

logger = logging.getLogger(__name__)


def count(
    connection: sa.Connection, rows: sa.Table, which: sa.ColumnElement[bool] | None = None
) -> int:
    """Return how many rows there are, of those that pass *which*."""
    counted = sa.select(sa.func.count()).select_from(rows)
    return connection.scalar(counted if which is None else counted.where(which)) or 0


def count_outside(connection: sa.Connection, job: LoadJob, fresh: sa.Table) -> int:
    """Return how many records are of other days or events than the job says."""
    window = job.window(fresh)
    return 0 if window is None else count(connection, fresh, sa.not_(window))


def outside_refusal(
    connection: sa.Connection, job: LoadJob, fresh: sa.Table, position: str, outside: int
) -> InvalidRecordError:
    """Return the refusal of records of other days or events than the job replaces.

    What it deletes and what it stores would be different days. *position* is the column of *fresh*
    that numbers the records.
    """
    order, within = fresh.c[position], job.window(fresh)
    assert within is not None
    found = sa.select(order, fresh.c.event_name, fresh.c.event_time).where(sa.not_(within))
    first = connection.execute(found.order_by(order).limit(1)).one()
    meta = job.metadata
    wanted = f"{meta.from_date} to {meta.to_date}"
    if meta.time_zone is not None:
        wanted += f" in {meta.time_zone}"
    if meta.filter_events is not None:
        wanted += f", events {', '.join(map(repr, meta.filter_events))}"
    return InvalidRecordError(
        f"{outside:,} of the records for table '{job.table}' are of other days or events than the"
        f" load replaces ({wanted}). The first is record {first[0] + 1}: {first.event_name!r} at"
        f" {job.local_text(first.event_time)}. Nothing was changed; give the days and events of"
        " these records, or load the right ones.",
        table_name=job.table,
        position=first[0],
        outside=outside,
        source=job.source,
    )


def count_invalid_last_seen(connection: sa.Connection, job: LoadJob, fresh: sa.Table) -> int:
    """Count the profiles of an export whose ``$last_seen`` is no time."""
    if not job.is_export or job.kind is not PROFILES:
        return 0
    text = fresh.c.properties["$last_seen"].as_string()
    return count(connection, fresh, fresh.c.last_seen.is_(None) & (text != ""))


def log(job: LoadJob, result: LoadResult, twice: bool) -> None:
    """Log what became of the records, and warn of what looks like a mistake."""
    if twice:
        one = result.stored == 1
        logger.warning(
            "%s stored in %s %s from what it held only within the second: one export is in"
            " seconds, the other in milliseconds (time_in_ms). Each event is there twice now; load"
            " these days again with replace.",
            "The one event" if one else f"All {result.stored:,} events",
            *(job.table, "differs" if one else "differ"),
            # Nothing in the history of loads tells it.
            extra={"note": True},
        )
    if result.outside:
        logger.warning(
            "%d of the records loaded into %s are of other days or events than its metadata says.",
            *(result.outside, job.table),
        )
    if result.ambiguous_times or result.missing_times:
        logger.warning(
            "Of the times loaded into %s, %d come twice in %s and are taken for the first of the"
            " two, %d are skipped by its clock and are read by the offset before the change.",
            *(job.table, result.ambiguous_times, job.time_zone, result.missing_times),
        )
    if result.time_offset:
        logger.warning(
            "The times loaded into %s, taken as %s, are %+g hours off UTC, as those show at which"
            " Mixpanel received the events. Load them again with the project's zone as time_zone of"
            " the metadata, such as 'US/Pacific'.",
            *(job.table, job.time_zone, result.time_offset / 3600),
        )
    logger.info(
        "Loaded %s into %s: %d records read, %d rows stored, %d duplicates skipped,"
        " %d collisions kept, %d rows replaced",
        *(job.kind.name, job.table, result.read, result.stored, result.duplicates),
        *(result.collisions, result.replaced),
    )


def dated(connection: sa.Connection, job: LoadJob, target: sa.Table) -> LoadJob:
    """Return the job with the days of the events in *target*; profiles have none."""
    if "event_time" not in target.c:
        return job
    time = target.c.event_time
    first, last = connection.execute(sa.select(sa.func.min(time), sa.func.max(time))).one()
    if first is None:
        return job
    days = {"from_date": first.date().isoformat(), "to_date": last.date().isoformat()}
    return replace(job, metadata=job.metadata.model_copy(update=days))
