"""A record that cannot be stored as it is stops the load and is named, with the field at fault."""

from __future__ import annotations

import dataclasses
import enum
import json
import math
import uuid
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mixpanel_data import StorageEngine
from mixpanel_data.exceptions import InvalidRecordError
from tests.support.factories import EVENTS, PROFILES, Kind, Record, dump, event

pytestmark = pytest.mark.slow

REQUIRED = [
    *((EVENTS, field) for field in EVENTS.record()),
    *((PROFILES, field) for field in ("distinct_id", "properties")),
]
TIMES = [(EVENTS, "event_time"), (PROFILES, "last_seen")]


def _name(value: Any) -> str | None:
    return value.name if isinstance(value, Kind) else str(value)


@pytest.fixture(scope="module")
def filled(shared: StorageEngine) -> StorageEngine:
    """Return an engine with a table of each kind."""
    for kind in (EVENTS, PROFILES):
        kind.create(shared, kind.records(3, start=20), kind.name)
    return shared


@pytest.fixture
def refused(filled: StorageEngine) -> Callable[[Kind, Any], InvalidRecordError]:
    """Return a function that loads a bad record, the fifth of eight, and returns the error."""

    def load(kind: Kind, bad: Any) -> InvalidRecordError:
        with pytest.raises(InvalidRecordError, match=r"\bRecord 5\b") as caught:
            kind.create(filled, [*kind.records(4), bad, *kind.records(3, start=50)], "new")
        assert not filled.table_exists("new")
        # As an index into a list of the records: from 0, where the message counts from 1.
        assert caught.value.details["position"] == 4
        return caught.value

    return load


Refused = Callable[[Kind, Any], InvalidRecordError]


def _expect(error: InvalidRecordError, field: str) -> None:
    assert error.details["field"] == field
    assert field in str(error)


@pytest.mark.parametrize(("kind", "field"), REQUIRED, ids=_name)
def test_a_missing_field(kind: Kind, field: str, refused: Refused) -> None:
    record = kind.record(9)
    del record[field]
    _expect(refused(kind, record), field)


@pytest.mark.parametrize(("kind", "field"), REQUIRED, ids=_name)
def test_a_field_that_is_none(kind: Kind, field: str, refused: Refused) -> None:
    _expect(refused(kind, kind.record(9, **{field: None})), field)


TEXTS = [(k, f) for k, f in REQUIRED if f not in ("event_time", "properties")]
NO_TEXT = [5, 5.0, True, b"text", ["text"], {"text": 1}, uuid.UUID(int=1), math.nan, pd.NA]


@pytest.mark.parametrize(("kind", "field"), TEXTS, ids=_name)
@pytest.mark.parametrize("value", NO_TEXT, ids=repr)
def test_text_that_is_no_text(kind: Kind, field: str, value: Any, refused: Refused) -> None:
    _expect(refused(kind, kind.record(9, **{field: value})), field)


@pytest.mark.parametrize(("kind", "field"), TEXTS, ids=_name)
def test_text_that_is_not_unicode(kind: Kind, field: str, refused: Refused) -> None:
    _expect(refused(kind, kind.record(9, **{field: "a\ud800b"})), field)


NO_TIME = [
    *(1704067200, 1704067200.0, True, b"2024-01-01", date(2024, 1, 1), timedelta(1), {}, []),
    *("", " ", "yesterday", "1704067200", "12:30", "2024-13-01", "2024-02-30T00:00:00"),
    *("2024-01-01T25:00:00", "2024-01-01T00:60:00", "2024-01-01T00:00:61", "2024-01-01T"),
    *("2024-01-01T00:00:00+25:00", "2024-01-01T00:00:00 UTC+1", "2024-01-01T00:00:00Zjunk"),
    *("10000-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "99999-01-01", "-001-01-01"),
    *("0001-01-01T00:00:00+05:30", "9999-12-31T23:59:59-08:00", "nan", "NaT", "\ud800"),
    *(math.nan, pd.NaT, pd.NA),
    datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5))),
    datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5))),
]


@pytest.mark.parametrize(("kind", "field"), TIMES, ids=_name)
@pytest.mark.parametrize("value", NO_TIME, ids=ascii)
def test_a_time_that_is_none(kind: Kind, field: str, value: Any, refused: Refused) -> None:
    _expect(refused(kind, kind.record(9, **{field: value})), field)


class Colour(enum.Enum):
    """A value that some encoders of JSON take for what it wraps."""

    RED = "red"


@dataclasses.dataclass
class Point:
    """A value that some encoders of JSON take for a dict."""

    x: int = 1


class Opaque:
    """A value that no encoder knows; its text, which names tests, is always the same."""

    def __repr__(self) -> str:
        return "opaque"


NOT_JSON: dict[str, Any] = {
    "nan": math.nan,
    "infinity": math.inf,
    "-infinity": -math.inf,
    "nan in a list": [1, [math.nan]],
    "infinity in a dict": {"a": {"b": -math.inf}},
    "nan beside null": [None, math.nan],
    "surrogate": "a\ud800b",
    "surrogate in a list": ["\udfff"],
    "surrogate key": {"\ud800": 1},
    "int key": {1: "a"},
    "none key": {None: "a"},
    "bool key": {True: "a"},
    "float key": {1.5: "a"},
    "tuple key": {("a", "b"): 1},
    "bytes key": {b"a": 1},
    "datetime": datetime(2024, 1, 1),
    "aware datetime": datetime(2024, 1, 1, tzinfo=timezone.utc),
    "date": date(2024, 1, 1),
    "timedelta": timedelta(1),
    "uuid": uuid.UUID(int=1),
    "decimal": Decimal("1.5"),
    "enum": Colour.RED,
    "enum key": {Colour.RED: 1},
    "dataclass": Point(),
    "object": Opaque(),
    "class": Opaque,
    "set": {1, 2},
    "frozenset": frozenset("a"),
    "bytes": b"text",
    "bytearray": bytearray(b"text"),
    "generator": (n for n in "abc"),
    "range": range(3),
    "complex": 1j,
    "numpy array": np.array([1, 2]),
    "numpy integer": np.int64(1),
    "numpy nan": np.float64("nan"),
    "timestamp": pd.Timestamp("2024-01-01"),
    "NaT": pd.NaT,
    "NA": pd.NA,
}


BESIDE: list[Record] = [{}, {"big": 2**70}, {"none": None}, {"list": [1.5, {}]}]


@pytest.mark.parametrize("beside", BESIDE, ids=str)
@pytest.mark.parametrize("value", NOT_JSON.values(), ids=NOT_JSON)
def test_properties_that_json_cannot_hold(value: Any, beside: Record, refused: Refused) -> None:
    error = refused(EVENTS, event(9, properties={**beside, "bad": value}))
    _expect(error, "properties")


@pytest.mark.parametrize("key", [1, None, True, 1.5, ("a",), b"a", "\ud800", Colour.RED], ids=ascii)
@pytest.mark.parametrize("beside", BESIDE, ids=str)
def test_property_names_that_json_cannot_hold(key: Any, beside: Record, refused: Refused) -> None:
    _expect(refused(EVENTS, event(9, properties={**beside, key: 1})), "properties")


@pytest.mark.parametrize(
    "value", [[], [("a", 1)], '{"a": 1}', 5, b"{}", Opaque(), math.nan], ids=repr
)
def test_properties_that_are_no_dict(value: Any, refused: Refused, kind: Kind) -> None:
    _expect(refused(kind, kind.record(9, properties=value)), "properties")


def test_properties_that_contain_themselves(refused: Refused, kind: Kind) -> None:
    endless: Record = {}
    endless["me"] = endless
    _expect(refused(kind, kind.record(9, properties=endless)), "properties")


def test_properties_nested_beyond_reason(refused: Refused, kind: Kind) -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    _expect(refused(kind, kind.record(9, properties={"deep": deep})), "properties")
    while deep:
        # Taken apart by hand: Python's own destructor would recurse.
        deep = deep.pop()


@pytest.mark.parametrize("record", [None, "text", 5, ["event_name"], b"", Opaque()], ids=repr)
def test_a_record_that_is_no_mapping(record: Any, refused: Refused, kind: Kind) -> None:
    refused(kind, record)


@pytest.mark.parametrize("position", [0, 1, 4])
@pytest.mark.parametrize("append", [False, True], ids=["create", "append"])
@pytest.mark.parametrize("bad", [{"properties": {"x": math.nan}}, {"distinct_id": 5}], ids=str)
@pytest.mark.both_engines
def test_nothing_of_the_load_is_stored(
    bad: Record, append: bool, position: int, filled: StorageEngine, kind: Kind
) -> None:
    before = dump(filled)
    records = [*kind.records(position), kind.record(9, **bad), *kind.records(3, start=50)]
    load, name = (kind.append, kind.name) if append else (kind.create, "new")
    with pytest.raises(InvalidRecordError, match=rf"\bRecord {position + 1}\b") as caught:
        load(filled, records, name)
    assert isinstance(caught.value, ValueError)
    assert caught.value.details["position"] == position
    assert dump(filled) == before


@pytest.mark.both_engines
def test_the_position_counts_over_the_whole_load(memory: StorageEngine, kind: Kind) -> None:
    def records() -> Iterator[Record]:
        yield from kind.records(7_000)
        yield from kind.records(500)
        yield kind.record(1, distinct_id=5)
        yield from kind.records(7_000)

    with pytest.raises(InvalidRecordError, match=r"\bRecord 7501\b") as caught:
        kind.create(memory, records(), batch_size=100)
    assert caught.value.details["position"] == 7_500
    assert memory.list_tables() == []


@pytest.mark.both_engines
def test_the_first_bad_record_is_the_one_named(memory: StorageEngine, kind: Kind) -> None:
    records = [kind.record(0), kind.record(1, properties=None), {}, kind.record(2, properties=5)]
    with pytest.raises(InvalidRecordError, match=r"\bRecord 2\b"):
        kind.create(memory, records)


def test_the_error_converts_to_json(memory: StorageEngine, kind: Kind) -> None:
    with pytest.raises(InvalidRecordError) as caught:
        kind.create(memory, [kind.record(0, distinct_id=5)])
    told = json.loads(json.dumps(caught.value.to_dict()))
    assert told["code"] == "INVALID_RECORD"
    assert told["details"]["field"] == "distinct_id"
