"""Records checked against a Table and packed into Arrow batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from mixpanel_data._internal import iso8601, json_text
from mixpanel_data._internal.deferral import Package
from mixpanel_data._internal.zones import WallClock
from mixpanel_data.exceptions import InvalidRecordError

if TYPE_CHECKING:
    import pyarrow as pa
else:
    pa = Package("pyarrow")

# Few enough that what the records hold is still in the processor's cache when it is packed. They
# differ in size, so whichever limit comes first ends a batch.
_BATCH_ROWS = 500
_BATCH_BYTES = 8 << 20


class FieldError(ValueError):
    """What is wrong with a value, before anyone knows whose it is."""


def batches(
    records: Iterable[Mapping[str, Any]], table: sa.Table, clock: WallClock | None = None
) -> Iterator[pa.RecordBatch]:
    """Pull *records* lazily, check each against *table* and yield them as Arrow batches.

    Times without an offset are those of *clock*, UTC without one.

    Raises:
        InvalidRecordError: a field is missing or wrong; names the field and the record.
    """
    fields = _fields(table, clock)
    document = next(i for i, field in enumerate(fields) if field.encode is _encode_documents)
    name = fields[document].name
    read = _reader([field for field in fields if field.name != name])
    rows: list[tuple[Any, ...]] = []
    texts: list[bytes] = []
    start = size = 0

    def pack() -> pa.RecordBatch:
        columns: list[Sequence[Any]] = [*zip(*rows)]
        columns.insert(document, texts)
        return _pack(table, fields, columns, start)

    for record in records:
        try:
            row = read(record)
            # At once: whoever gives the records may change them when the next one is asked for.
            text = encode_document(record[name])
        except (KeyError, TypeError, FieldError) as error:
            raise _refusal(table, start + len(rows), *_reason(fields, record, error)) from error
        rows.append(row)
        texts.append(text)
        size += len(text)
        if size >= _BATCH_BYTES or len(rows) >= _BATCH_ROWS:
            yield pack()
            start += len(rows)
            rows, texts, size = [], [], 0
    if rows:
        yield pack()


def encode_document(value: object) -> bytes:
    """Return a properties object as JSON text, exactly, or refuse it.

    Raises:
        FieldError: the value is no dict or holds what JSON cannot.
    """
    if not isinstance(value, dict):
        raise FieldError(f"must be a dict, not {_name(value)}")
    try:
        return json_text.encode(value)
    except ValueError as error:
        raise FieldError(str(error)) from error


def _name(value: object) -> str:
    return type(value).__name__


def to_utc(value: object, clock: WallClock | None = None) -> datetime:
    """Return a datetime or ISO-8601 text as a naive datetime in UTC.

    No offset means the time of *clock*, UTC without one.

    Raises:
        FieldError: it is neither, or no moment between the years 1 and 9999.
    """
    if isinstance(value, str):
        try:
            value = iso8601.parse(value)
        except ValueError as error:
            raise FieldError(f"is not an ISO-8601 time: {value!r}") from error
    # NaT, pandas' missing time, is an instance of datetime that differs from itself.
    if not isinstance(value, datetime) or value != value:
        raise FieldError(f"must be a datetime or ISO-8601 text, not {_name(value)}")
    try:
        naive = iso8601.naive_utc(value)
    except OverflowError as error:
        raise FieldError(f"is out of range in UTC: {value}") from error
    return naive if clock is None or value.tzinfo is not None else _in_utc(naive, clock)


def _in_utc(moment: datetime, clock: WallClock) -> datetime:
    try:
        return clock.to_utc(moment)
    except OverflowError as error:
        raise FieldError(f"is out of range in UTC: {moment}") from error


def _encode_times(clock: WallClock | None, values: Sequence[Any]) -> pa.Array:
    if set(map(type, values)) != {datetime} or any(t.tzinfo is not None for t in values):
        values = [None if value is None else to_utc(value, clock) for value in values]
    elif clock is not None:
        values = [_in_utc(value, clock) for value in values]
    return pa.array(values, pa.timestamp("us"))


def _encode_texts(values: Sequence[Any]) -> pa.Array:
    for kind in set(map(type, values)) - {str}:
        if not issubclass(kind, str):
            raise FieldError(f"must be text, not {kind.__name__}")
    try:
        return pa.array(values, pa.string())
    except UnicodeEncodeError as error:
        raise FieldError("holds a lone surrogate, which is not Unicode text") from error


def _encode_documents(texts: Sequence[bytes]) -> pa.Array:
    return pa.array(texts, pa.binary()).cast(pa.string())


@dataclass(frozen=True)
class _Field:
    name: str
    optional: bool
    encode: Callable[[Sequence[Any]], pa.Array]

    def pack(self, values: Sequence[Any]) -> pa.Array:
        if None in values and not self.optional:
            raise FieldError("must not be None")
        return self.encode(values)


def _fields(table: sa.Table, clock: WallClock | None) -> list[_Field]:
    return [
        _Field(column.name, bool(column.info.get("optional")), _encoder(column.type, clock))
        for column in table.columns
    ]


def _encoder(
    kind: sa.types.TypeEngine[Any], clock: WallClock | None
) -> Callable[[Sequence[Any]], pa.Array]:
    if isinstance(kind, sa.JSON):
        return _encode_documents
    return partial(_encode_times, clock) if isinstance(kind, sa.DateTime) else _encode_texts


def _reader(fields: list[_Field]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    required = [field.name for field in fields if not field.optional]
    optional = [field.name for field in fields if field.optional]
    if not optional and len(required) > 1:
        return itemgetter(*required)
    # Optional columns come last in every table, so the order of the columns is kept.
    return lambda record: (*[record[name] for name in required], *map(record.get, optional))


def _pack(
    table: sa.Table, fields: list[_Field], columns: Sequence[Sequence[Any]], start: int
) -> pa.RecordBatch:
    arrays = []
    for field, values in zip(fields, columns):
        try:
            arrays.append(field.pack(values))
        except FieldError:
            # One bad value fails its whole column; packing them singly finds it.
            for index, value in enumerate(values):
                try:
                    field.pack([value])
                except FieldError as error:
                    raise _refusal(table, start + index, field.name, str(error)) from error
            raise
    return pa.RecordBatch.from_arrays(arrays, names=[field.name for field in fields])


def _reason(fields: list[_Field], record: object, error: Exception) -> tuple[str | None, str]:
    if isinstance(error, FieldError):
        return next(f.name for f in fields if f.encode is _encode_documents), str(error)
    if not isinstance(record, Mapping):
        return None, f"it is a {_name(record)}, not a mapping"
    for field in fields:
        if field.name not in record and not field.optional:
            return field.name, "is missing"
    return None, f"it cannot be read: {error!r}"


def _refusal(table: sa.Table, position: int, field: str | None, reason: str) -> InvalidRecordError:
    return InvalidRecordError(
        f"Record {position + 1} for table '{table.name}':"
        f" {f'field {field!r} ' if field else ''}{reason}."
        " Nothing of this load was stored; correct the record and load again.",
        table_name=str(table.name),
        position=position,
        field=field,
        reason=reason,
    )
