"""Mixpanel's raw exports and profile pages -> records for ``StorageEngine``, lazily.

Both readers take paths and binary streams, plain, gzip (of any number of members) or zstd, told
apart by their first bytes. Memory is bounded by a block of lines, not by the file. A line that
cannot be a record ends the reading with an error that names its source and number: Mixpanel may
break off an export after a status of 200, and a day that is cut short must not look complete.
A file that was cut exactly at a line end (or between gzip members) cannot be told from a whole one.
An empty source holds no records, unless its name says that it is compressed.
"""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import orjson

from mixpanel_data._internal.lines import (
    Batch,
    Source,
    cut_short,
    has_long_digits,
    invalid,
    read_batches,
    unfold,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mixpanel_data.exceptions import InvalidRecordError
    from mixpanel_data.types import EventRecord, ProfileRecord

__all__ = ["read_export", "read_profiles"]

_Place = tuple[str, int]
_Row = dict[str, Any]

_EPOCH = datetime(1970, 1, 1)
# As seconds this is the year 2286, as milliseconds April 1970; Mixpanel takes nothing before 1971.
_FIRST_MILLISECONDS = 10_000_000_000

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_ISO_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,6})\d*)?(?:Z|([+-]\d\d):?(\d\d))?", re.ASCII
)


def read_export(
    source: Source, *more: Source, progress: Callable[[int], None] | None = None
) -> Iterator[EventRecord]:
    """Yield the events of raw export lines, ``{"event": …, "properties": {…}}`` or flat.

    ``distinct_id`` and ``$insert_id`` move out of the properties; the rest stays as it is, ``time``
    too. Ids that are not strings become their JSON text, a missing or null ``distinct_id`` is "".

    ``time`` may be seconds or milliseconds, which are told apart by their size: from 10,000,000,000
    on (either side of zero) it is milliseconds. It is taken as UTC.

    An event without ``$insert_id`` gets one made from its content and from how many equal ones came
    before it in this call: repeats within a load are kept, and loading the same again adds nothing.
    So pass all sources of one load together. Each such event costs about 150 bytes until the end.

    Args:
        source: A path or a binary stream; a stream is read from where it stands and left open.
        more: Further sources of the same load.
        progress: Called now and then with the bytes taken so far from all sources, as stored.

    Raises:
        InvalidRecordError: A line is not an event, or a source is cut short; see ``details``.
    """
    ids = _InsertIds()
    for batch in _batches((source, *more), progress):
        for place, row in _rows(batch):
            try:
                record = _event(row, ids)
            except (ValueError, RecursionError) as error:
                raise _incorrect(place, str(error)) from error
            yield record


def read_profiles(
    source: Source, *more: Source, progress: Callable[[int], None] | None = None
) -> Iterator[ProfileRecord]:
    """Yield the profiles of engage pages or of lines ``{"$distinct_id": …, "$properties": {…}}``.

    A page is an object with ``results``, on one line or pretty-printed; others may follow it.
    ``properties`` are left as they are. ``last_seen`` is ``$last_seen`` in UTC, which a time
    without an offset is taken for; None when that is missing, null or empty.

    Arguments are those of ``read_export``.

    Raises:
        InvalidRecordError: A line is not a page or profile, an id is missing, ``$last_seen`` is no
            time, or a source is cut short; see ``details``.
    """
    for batch in _batches((source, *more), progress, pretty=True):
        for place, row in _rows(batch):
            is_page = "results" in row and "$distinct_id" not in row
            for position, member in enumerate(_results(place, row) if is_page else [row], 1):
                try:
                    record = _profile(member)
                except (ValueError, RecursionError) as error:
                    within = f"profile {position} of the page: " if is_page else ""
                    raise _incorrect(place, f"{within}{error}") from error
                yield record


class _InsertIds:
    """Ids for events that came without one: the same for the same events in the same order."""

    def __init__(self) -> None:
        self._repeats: dict[bytes, int] = {}

    def make(self, name: str, distinct_id: str, properties: _Row) -> str:
        # Not orjson: ids must stay the same for years, and hold integers of any length.
        content = json.dumps([name, distinct_id, properties], sort_keys=True, separators=(",", ":"))
        digest = blake2b(content.encode("ascii"), digest_size=16).digest()
        ordinal = self._repeats.get(digest, 0)
        self._repeats[digest] = ordinal + 1
        # 36 characters of [a-z0-9-]: as long as Mixpanel accepts.
        return "gen-" + blake2b(digest + b"%d" % ordinal, digest_size=16).hexdigest()


def _batches(
    sources: Iterable[Source], progress: Callable[[int], None] | None, pretty: bool = False
) -> Iterator[Batch]:
    total = 0

    def consumed(count: int) -> None:
        nonlocal total
        total += count
        if progress and count:
            progress(total)

    for source in sources:
        batches = read_batches(source, consumed)
        yield from unfold(batches) if pretty else batches


def _rows(batch: Batch) -> Iterator[tuple[_Place, _Row]]:
    loads = _loads_exactly if batch.long_digits else orjson.loads
    for number, line in enumerate(batch.lines, batch.first):
        try:
            row = loads(line)
        except (ValueError, RecursionError) as error:
            if not line.strip():
                continue
            raise _unreadable(batch, number, line, error) from error
        if not isinstance(row, dict):
            raise _incorrect((batch.source, number), "it is not a JSON object")
        yield (batch.source, number), row


def _loads_exactly(line: bytes) -> Any:
    """Parse like orjson, which turns integers beyond 64 bits into floats, but keep those exact."""
    value = orjson.loads(line)
    # orjson goes first because json lets NaN, infinities and lone surrogates pass.
    return json.loads(line.decode()) if has_long_digits(line) else value


def _unreadable(batch: Batch, number: int, line: bytes, error: Exception) -> InvalidRecordError:
    if b"terminated early" in line[-200:].lower():
        return cut_short(batch.source, number, "export terminated early by Mixpanel")
    reason = str(error)
    if isinstance(error, json.JSONDecodeError):
        reason = f"{error.msg} at character {error.pos + 1}"
    if not batch.ended:
        return cut_short(batch.source, number, f"the text ends inside this line ({reason})")
    return _incorrect((batch.source, number), f"it is not JSON ({reason})")


def _incorrect(place: _Place, problem: str) -> InvalidRecordError:
    return invalid(*place, problem, "Correct or remove this line, or fetch the file again.")


def _event(row: _Row, ids: _InsertIds) -> EventRecord:
    name = row.pop("event", None)
    if not isinstance(name, str):
        raise ValueError("'event' is missing or not a string")
    properties = row.get("properties")
    if not isinstance(properties, dict):
        properties = row
    else:
        _expect_only(row, "properties")
    event_time = _moment(properties.get("time"))
    distinct_id = _id_text(properties.pop("distinct_id", None))
    insert_id = _id_text(properties.pop("$insert_id", None))
    return {
        "event_name": name,
        "event_time": event_time,
        "distinct_id": distinct_id,
        "insert_id": insert_id or ids.make(name, distinct_id, properties),
        "properties": properties,
    }


def _results(place: _Place, page: _Row) -> list[Any]:
    results = page["results"]
    if not isinstance(results, list):
        raise _incorrect(place, "'results' of the page is not a list")
    return results


def _profile(row: Any) -> ProfileRecord:
    if not isinstance(row, dict):
        raise ValueError("it is not a JSON object")
    distinct_id, properties = row.get("$distinct_id"), row.get("$properties")
    if distinct_id is None:
        raise ValueError("'$distinct_id' is missing")
    if not isinstance(properties, dict):
        raise ValueError("'$properties' is missing or not an object")
    _expect_only(row, "$distinct_id", "$properties")
    return {
        "distinct_id": _id_text(distinct_id),
        "properties": properties,
        "last_seen": _last_seen(properties.get("$last_seen")),
    }


def _expect_only(row: _Row, *keys: str) -> None:
    if len(row) > len(keys):
        stray = next(key for key in row if key not in keys)
        raise ValueError(f"{stray[:60]!r} stands beside {keys[-1]!r}, not in it")


def _id_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _moment(stamp: Any) -> datetime:
    number = stamp
    if isinstance(stamp, str) and _NUMBER.fullmatch(stamp):
        number = float(stamp) if "." in stamp else int(stamp)
    if not isinstance(number, int | float) or isinstance(number, bool):
        raise ValueError(f"'time' must be seconds or milliseconds since 1970, not {stamp!r:.60}")
    try:
        if -_FIRST_MILLISECONDS < number < _FIRST_MILLISECONDS:
            return _EPOCH + timedelta(0, number)
        return _EPOCH + timedelta(milliseconds=number)
    except OverflowError:
        raise ValueError(f"'time' is out of range: {stamp!r:.60}") from None


def _last_seen(value: Any) -> datetime | None:
    if value is None or value == "":
        return None
    parts = _ISO_TIME.fullmatch(value) if isinstance(value, str) else None
    if not parts:
        raise ValueError(f"'$last_seen' is not an ISO time: {value!r:.60}")
    day, clock, fraction, hours, minutes = parts.groups()
    try:
        moment = datetime.fromisoformat(
            f"{day}T{clock}.{fraction or '':0<6}{hours or '+00'}:{minutes or '00'}"
        )
        return moment.astimezone(timezone.utc).replace(tzinfo=None)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"'$last_seen' is not a time: {value!r:.60} ({error})") from None
