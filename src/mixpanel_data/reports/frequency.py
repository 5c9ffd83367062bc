"""Frequency: how many users come back on how many days or hours of a unit.

Definition: https://docs.mixpanel.com/reference/retention-frequency-query ("addiction").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from mixpanel_data.reports.source import Events, Source, Where
from mixpanel_data.reports.times import Bucket, Day, Period, bucket_after, check_unit, label_of

AddictionUnit = Literal["hour", "day"]
Counting = Literal["at_least", "exactly"]
UNITS = ("day", "week", "month")
ADDICTION_UNITS = ("hour", "day")


def select(
    table: sa.FromClause | Source,
    event: Events = None,
    *,
    from_date: Day,
    to_date: Day,
    unit: Bucket = "day",
    addiction_unit: AddictionUnit = "hour",
    where: Where = None,
) -> sa.Select[Any]:
    """Return a select of bucket, active (a number of hours or days), users.

    Parameters as ``Reports.frequency``.
    """
    check_unit(unit, UNITS)
    if addiction_unit not in ADDICTION_UNITS:
        raise ValueError(f"addiction_unit must be hour or day, not {addiction_unit!r}.")
    source = Source.of(table)
    period = Period.of(from_date, to_date, source.zone)
    columns = [
        source.bucket(unit, period).label("b"),
        source.user.label("u"),
        source.bucket(addiction_unit, period).label("a"),
    ]
    mine = [source.matching(event, where), *source.during(period), source.has_user]
    active = source.select(*columns, where=mine).distinct().subquery("active")
    users = (
        sa.select(active.c.b, active.c.u, sa.func.count().label("k"))
        .group_by(active.c.b, active.c.u)
        .subquery("users")
    )
    return (
        sa.select(users.c.b.label("bucket"), users.c.k.label("active"), sa.func.count().label("n"))
        .group_by(users.c.b, users.c.k)
        .order_by(users.c.b, users.c.k)
    )


def numbers(
    rows: Iterable[Sequence[Any]],
    period: Period,
    unit: Bucket,
    addiction_unit: str,
    counting: Counting,
) -> dict[str, list[int]]:
    """Return the numbers of each unit: as many as it has hours (24 a day) or days.

    Raises:
        ValueError: another *counting*.
    """
    if counting not in ("at_least", "exactly"):
        raise ValueError(f"counting must be at_least or exactly, not {counting!r}.")
    data = {}
    for label in period.labels(unit):
        start = date.fromisoformat(label)
        days = (bucket_after(start, unit) - start) // timedelta(days=1)
        data[label] = [0] * (days * (24 if addiction_unit == "hour" else 1))
    for bucket, active, users in rows:
        line = data.get(label_of(bucket), [])
        first = 0 if counting == "at_least" else active - 1
        for k in range(first, min(active, len(line))):
            line[k] += users
    return data
