"""Mixpanel's raw event exports -> records for ``StorageEngine``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mixpanel_data._internal.formats.insert_ids import InsertIds, id_text
from mixpanel_data._internal.formats.reading import read_rows
from mixpanel_data._internal.formats.refusals import incorrect
from mixpanel_data._internal.formats.rows import Row, expect_only
from mixpanel_data._internal.formats.spellings import event_of, is_event, not_of_kind
from mixpanel_data._internal.formats.timestamps import event_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mixpanel_data._internal.formats.text import Source
    from mixpanel_data.types import EventRecord


def read_export(
    source: Source,
    *more: Source,
    progress: Callable[[int], None] | None = None,
    allow_empty: bool = False,
) -> Iterator[EventRecord]:
    """Yield the events of raw export lines, ``{"event": …, "properties": {…}}`` or flat.

    ``distinct_id`` and ``$insert_id`` move out of the properties; the rest stays as it is, ``time``
    too. Ids that are not strings become their JSON text, a missing or null ``distinct_id`` is "".

    ``time`` may be seconds or milliseconds, which are told apart by their size: from 10,000,000,000
    on (either side of zero) it is milliseconds. The naive ``event_time`` is UTC, or the wall clock
    of the zone that a table's metadata names.

    An event without ``$insert_id`` gets one made from its content and from how many equal ones came
    before it in this call: repeats within a load are kept, and loading the same again adds nothing.
    So pass all sources of one load together. Each such event costs about 150 bytes until the end.

    Args:
        source: A path or a binary stream; a stream is read from where it stands and left open.
        more: Further sources of the same load.
        progress: Called now and then with the bytes taken so far from all sources, as stored.
        allow_empty: Whether a source may be an empty JSON list, as a failed download leaves it.

    Raises:
        InvalidRecordError: A line is not an event, or a source is cut short; see ``details``.
    """
    ids = InsertIds()
    for place, row in read_rows((source, *more), progress, allow_empty=allow_empty):
        try:
            record = _event(row, ids)
        except (ValueError, RecursionError) as error:
            raise incorrect(place, error) from error
        yield record


def _event(row: Row, ids: InsertIds) -> EventRecord:
    name = row.pop("event", None)
    if not isinstance(name, str):
        if name is None and is_event(row):
            return event_of(row, ids)
        raise not_of_kind(row, "events", "'event' is missing or not a string")
    properties = row.get("properties")
    if not isinstance(properties, dict):
        properties = row
    else:
        expect_only(row, "properties")
    moment = event_time(properties.get("time"))
    distinct_id = id_text(properties.pop("distinct_id", None))
    insert_id = id_text(properties.pop("$insert_id", None))
    return {
        "event_name": name,
        "event_time": moment,
        "distinct_id": distinct_id,
        "insert_id": insert_id or ids.make(name, distinct_id, properties),
        "properties": properties,
    }
