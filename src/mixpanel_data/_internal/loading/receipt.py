"""Whether the times of a load are off, as the times at which Mixpanel received it show."""

from __future__ import annotations

from collections import Counter

import sqlalchemy as sa

from mixpanel_data._internal.schema.functions import microseconds, text_bytes, try_number
from mixpanel_data._internal.schema.properties import event_property

_SAMPLE = 1_000
# In bytes: DuckDB parses 2,048 documents at a time, which has to fit into the memory of a load.
_LONGEST = 16_384
# All offsets in use today are whole quarters of an hour, from -12 to +14 hours.
_QUARTER = 900
_FEWEST, _MOST = -12 * 4, 14 * 4
_HOUR = 4
# An event is received soon after its time, which is that of a device whose clock may be off.
_EARLY, _LATE = -60, 240
_SHARE = 0.5


def time_offset(connection: sa.Connection, events: sa.FromClause) -> int | None:
    """Return the seconds that the times of *events* are ahead of UTC, None where they are not.

    That is by the delays from the event to its receipt, of the first 1,000 events: most of those
    that have such a time, and were not imported later, have about the same whole quarters of an
    hour; or two an hour apart, from before and after the clock was changed.
    """
    columns = events.c.event_time, events.c.properties
    short = text_bytes(events.c.properties) <= _LONGEST
    sample = sa.select(*columns).where(short).limit(_SAMPLE).subquery()
    received = sa.func.coalesce(
        try_number(event_property(sample, "$mp_api_timestamp_ms")),
        try_number(event_property(sample, "mp_processing_time_ms")),
    )
    imported = sa.func.coalesce(event_property(sample, "$import"), "") == "true"
    delay = received - microseconds(sample.c.event_time) / 1_000
    delays = connection.scalars(sa.select(delay).where(received.is_not(None), ~imported)).all()
    quarters: Counter[int] = Counter()
    for seconds in (milliseconds / 1_000 for milliseconds in delays):
        whole = round((seconds - (_EARLY + _LATE) / 2) / _QUARTER)
        if _EARLY <= seconds - whole * _QUARTER <= _LATE:
            quarters[whole] += 1
    if not quarters:
        return None
    found, count = quarters.most_common(1)[0]
    agree = count + max(quarters[found - _HOUR], quarters[found + _HOUR])
    if not found or count < 2 or agree < _SHARE * len(delays) or not _FEWEST <= -found <= _MOST:
        return None
    return -found * _QUARTER
