"""Records as warehouses, Mixpanel's Pipelines and this library itself spell them."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal

from mixpanel_data._internal import iso8601, json_text
from mixpanel_data._internal.formats.insert_ids import InsertIds, id_text
from mixpanel_data._internal.formats.refusals import WrongContentError
from mixpanel_data._internal.formats.timestamps import event_time, last_seen

if TYPE_CHECKING:
    from mixpanel_data._internal.formats.rows import Row
    from mixpanel_data.types import EventRecord, ProfileRecord

_INSERT_IDS = ("insert_id", "$insert_id", "mp_insert_id")
_TIMES = ("event_time", "time", "mp_time")
# Of Pipelines: in the export they are properties.
_MOVED = {"user_id": "$user_id", "device_id": "$device_id"}

_OF_EVENTS = (*_INSERT_IDS, *_TIMES)
_COLUMNS = frozenset(["event_name", "distinct_id", "properties", "last_seen", *_OF_EVENTS, *_MOVED])

_OTHER_KIND = "Load it as {0}: `mixpanel-data load {0}`, or metadata of the type {0!r}."
_FAILED = (
    "Fetch the export again; where a limit was exceeded, wait until it is over"
    " (60 requests an hour)."
)


def kind_of(row: Row) -> Literal["events", "profiles"] | None:
    """Return what a row is by its keys, None if it is neither."""
    row = _lowered(row)
    if "event" in row or "event_name" in row:
        return "events"
    page = isinstance(row.get("results"), list)
    is_row = {"distinct_id", "properties"} <= row.keys() and row.keys().isdisjoint(_OF_EVENTS)
    return "profiles" if page or is_row or "$distinct_id" in row else None


def is_event(row: Row) -> bool:
    """Return whether a row without ``event`` is an event in another spelling."""
    return isinstance(_lowered(row).get("event_name"), str)


def not_of_kind(row: Row, wanted: str, problem: str) -> ValueError:
    """Return the error for a row that is none of the *wanted*, with what it is."""
    if (error := row.get("error")) and kind_of(row) is None:
        return WrongContentError(
            f"{problem}: it is an error of Mixpanel's API, {error!r:.200}, not an export", _FAILED
        )
    if (kind := kind_of(row)) not in (None, wanted):
        is_page = isinstance(row.get("results"), list)
        what = "an event" if kind == "events" else f"a {'page of profiles' * is_page or 'profile'}"
        return WrongContentError(f"{problem}: it is {what}", _OTHER_KIND.format(kind))
    return ValueError(problem)


def event_of(row: Row, ids: InsertIds) -> EventRecord:
    """Return the event of a row ``{"event_name": …, "event_time" or "time": …, …}``.

    Times are those of the export, or ISO 8601 with or without "UTC". Columns beside ``properties``
    become properties.

    Raises:
        ValueError: the time is missing or wrong, or a column and a property differ.
    """
    row = _lowered(row)
    name = row.pop("event_name")
    properties = _document(row)
    key = next((key for key in _TIMES if row.get(key) is not None), None)
    moment = _time(properties.get("time") if key is None else row.pop(key))
    distinct_id = id_text(_pop(row, properties, "distinct_id"))
    insert_id = next(filter(None, (id_text(_pop(row, properties, key)) for key in _INSERT_IDS)), "")
    _take_rest(row, properties)
    if not insert_id:
        insert_id = ids.make(name, distinct_id, {**properties, "time": moment.isoformat()})
    return {
        "event_name": name,
        "event_time": moment,
        "distinct_id": distinct_id,
        "insert_id": insert_id,
        "properties": properties,
    }


def profile_of(row: Row) -> ProfileRecord:
    """Return the profile of a row ``{"distinct_id": …, "properties": …, "last_seen": …}``.

    Raises:
        ValueError: the id is missing, the properties are no object, or a column and a property
            differ.
    """
    row = _lowered(row)
    if row.get("distinct_id") is None:
        raise ValueError("'distinct_id' is missing")
    properties = _document(row)
    distinct_id, seen = id_text(row.pop("distinct_id")), row.pop("last_seen", None)
    _take_rest(row, properties)
    if isinstance(seen, datetime):
        seen = iso8601.naive_utc(seen)
    else:
        seen = last_seen(properties.get("$last_seen") if seen is None else seen)
    return {"distinct_id": distinct_id, "properties": properties, "last_seen": seen}


def _lowered(row: Row) -> Row:
    """Return a row with the names of its columns as Pipelines has them; Snowflake's are upper."""
    if "EVENT_NAME" not in row and "DISTINCT_ID" not in row:
        return row
    return {name.lower() if name.lower() in _COLUMNS else name: row[name] for name in row}


def _document(row: Row) -> dict[str, Any]:
    document = row.pop("properties", None)
    if isinstance(document, str):
        document = json_text.decode(document)
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ValueError("'properties' is not an object")
    return document


def _time(value: Any) -> datetime:
    if isinstance(value, datetime):
        return iso8601.naive_utc(value)
    if isinstance(value, str):
        try:
            return iso8601.naive_utc(iso8601.parse(value))
        except ValueError:
            pass
    return event_time(value)


def _pop(row: Row, properties: dict[str, Any], key: str) -> Any:
    """Return a column, or else the property of its name; the property goes in any case."""
    inner = properties.pop(key, None)
    value = row.pop(key, None)
    return inner if value is None else value


def _take_rest(row: Row, properties: dict[str, Any]) -> None:
    for column, value in row.items():
        key = _MOVED.get(column, column)
        if value is None or properties.get(key) == value:
            continue
        if key in properties:
            raise ValueError(f"the column {column[:60]!r} and the property {key[:60]!r} differ")
        properties[key] = value.isoformat() if isinstance(value, date) else value
