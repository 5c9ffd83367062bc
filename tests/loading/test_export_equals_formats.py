"""The set-based way of loading export files and the readers of ``formats`` agree, row for row."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from mixpanel_data import InvalidRecordError, StorageEngine
from mixpanel_data.formats import read_export, read_profiles
from tests.support.factories import metadata

pytestmark = [pytest.mark.slow, pytest.mark.every_variant]

TEXTS = st.sampled_from(["a", "x\u2028y\x85", "é😀", "", "NaN", ": NaN", ", ]", '"', "\\", "\0"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=5,
)
IDS = st.sampled_from(["u1", "u2", "u3", "", "\0held", 5, 5.5, None, True, ["a"], {"a": 1}, 2**70])
TIMES = st.sampled_from(
    [
        *(1_700_000_000, 1_700_000_001, 1_700_000_000_123, -5, 0, 1.5, "1700000000"),
        *(9_999_999_999, 10_000_000_000, -12_219_292_800_000),
    ]
)
SEEN = st.sampled_from(
    [
        *(None, "", "2024-01-01T00:00:00", "2024-01-01 10:00:00", "2024-01-01T00:00:00.5"),
        *("2024-01-01T00:00:00+05:30", "2024-01-01T00:00:00Z"),
    ]
)
EXTRA = st.dictionaries(
    st.sampled_from(["a", "$b", "", "c.d", 'e"f', "event", "results"]), VALUES, max_size=3
)
EVENT_IDS = st.sampled_from(["i1", "i2", "i3", "", None, 7, "\0held"])
PROPERTIES = st.builds(
    lambda fixed, extra: {**extra, **fixed},
    st.fixed_dictionaries({"time": TIMES}, optional={"distinct_id": IDS, "$insert_id": EVENT_IDS}),
    EXTRA,
)
SPACING = st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : ")])
NAMES = st.sampled_from(["A", "B", ""])
ROWS = st.one_of(
    st.builds(lambda name, inner: {"event": name, "properties": inner}, NAMES, PROPERTIES),
    st.builds(lambda name, inner: {"properties": inner, "event": name}, NAMES, PROPERTIES),
    st.builds(lambda name, inner: {**inner, "event": name}, NAMES, PROPERTIES),
)
LINES = st.builds(
    lambda row, spacing, plain: json.dumps(row, separators=spacing, ensure_ascii=plain),
    ROWS,
    SPACING,
    st.booleans(),
)
# What the readers refuse or take in a way of their own.
ODD_LINES = st.sampled_from(
    [
        "",
        "  \r",
        "terminated early",
        '{"event":"A"',
        "[1]",
        '{"event":"A","properties":{"time":NaN}}',
        '{"event":"A","properties":{"time":1,"distinct_id":"u","$insert_id":"i","x":1e400}}',
        '{"event":"A","properties":{"time":1,"distinct_id":"u","$insert_id":"i",}}',
        '{"event":"A","properties":{"time":5,"time":6,"distinct_id":"u","$insert_id":"i"}}',
        '{"event":"A","properties":{"time":1,"distinct_id":"\\ud800","$insert_id":"i"}}',
        '{"event":"A","properties":{"time":1,"distinct_id":"u"},"stray":1}',
        '{"event":7,"properties":{"time":1,"distinct_id":"u"}}',
        '{"event":"A","properties":{"time":"soon","distinct_id":"u","$insert_id":"i"}}',
        '{"event":"A","properties":{"time":1e20,"distinct_id":"u","$insert_id":"i"}}',
    ]
)
PROFILES = st.fixed_dictionaries(
    {
        "$distinct_id": st.sampled_from(["u1", "u2", "u3", "", 5, True, "\0held"]),
        "$properties": st.builds(
            lambda seen, extra: {**extra, **seen},
            st.fixed_dictionaries({}, optional={"$last_seen": SEEN}),
            EXTRA,
        ),
    }
)
PAGES = st.builds(
    lambda results, indent: json.dumps({"page": 0, "results": results}, indent=indent),
    st.lists(PROFILES, max_size=4),
    st.sampled_from([None, None, 1]),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exports")


def _outcome(engine: StorageEngine, load: Callable[[], int]) -> Any:
    """Return what a load stored, or the message that it was refused with."""
    if engine.table_exists("data"):
        engine.drop_table("data")
    try:
        stored = load()
    except InvalidRecordError as error:
        return str(error)
    counts = engine.get_metadata("data")
    rows = engine.query(sa.select(engine.table("data")))
    return stored, counts.duplicates, counts.collisions, repr(rows)


@given(
    texts=st.lists(LINES, max_size=12),
    odd=st.none() | ODD_LINES,
    end=st.sampled_from(["", "\n"]),
)
def test_events(
    texts: list[str], odd: str | None, end: str, folder: Path, shared: StorageEngine
) -> None:
    path = folder / "events.jsonl"
    path.write_text("\n".join([*texts, *([] if odd is None else [odd])]) + end, newline="")
    meta = metadata("events")
    ours = _outcome(shared, lambda: shared.load_export("data", path, meta, allow_empty=True))
    assert ours == _outcome(
        shared, lambda: shared.create_events_table("data", read_export(path), meta)
    )


@given(texts=st.lists(PROFILES.map(json.dumps) | PAGES, max_size=6))
def test_profiles(texts: list[str], folder: Path, shared: StorageEngine) -> None:
    path = folder / "profiles.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(texts).encode()))
    meta = metadata("profiles")
    ours = _outcome(shared, lambda: shared.load_export("data", path, meta, allow_empty=True))
    assert ours == _outcome(
        shared, lambda: shared.create_profiles_table("data", read_profiles(path), meta)
    )


def _event(properties: str) -> str:
    ids = '"distinct_id":"u","$insert_id":"i"'
    return '{"event":"e","properties":{"time":1700000000,' + properties + "," + ids + "}}"


def _first(properties: str) -> str:
    return '{"event":"e","properties":{' + properties + ',"a":1}}'


# What two parsers may take differently.
TRAPS = {
    "nested deeply": _event('"d":' + '{"a":' * 300 + "1" + "}" * 300),
    "nested more deeply": _event('"d":' + '{"a":' * 600 + "1" + "}" * 600),
    "nested too deeply": _event('"d":' + '{"a":' * 1100 + "1" + "}" * 1100),
    "lists nested deeply": _event('"d":' + "[" * 900 + "1" + "]" * 900),
    "lists nested too deeply": _event('"d":' + "[" * 1100 + "1" + "]" * 1100),
    "escaped time": _event('"t\\u0069me":5'),
    "escaped key, twice": _event('"\\u0061":1,"a":2'),
    "key twice": _event('"a":1,"a":2'),
    "key three times": _event('"a":1,"b":0,"a":{"c":1},"a":[2]'),
    "key twice within": _event('"n":{"a":1,"b":[{"c":1,"c":2}],"a":3}'),
    "key twice in a list": _event('"n":[1,{"c":1,"c":2}]'),
    "distinct_id twice": _event('"distinct_id":"first"'),
    "distinct_id twice, once with an escape": _event('"distinct\\u005fid":"first"'),
    "distinct_id twice, the same": _event('"distinct_id":"u"'),
    "$insert_id twice": _event('"$insert_id":"first"'),
    "time twice": _event('"time":1700000001'),
    "distinct_id in an object": _event('"n":{"a":1,"distinct_id":"u"}'),
    "ids in an object": _event('"n":{"distinct_id":"u","$insert_id":"i"},"m":{"distinct_id":"u"}'),
    "key that ends like one": _event('"a\\",\\"distinct_id":"u","b,\\"distinct_id":"u"'),
    "text that ends like one": _event('"a":"{","b":",","c":"\\"distinct_id\\":\\"u\\""'),
    "distinct_id first": _first('"distinct_id":"u","time":5,"$insert_id":"i"'),
    "ids first": _first('"distinct_id":"u","$insert_id":"i","time":5'),
    "ids first, the other order": _first('"$insert_id":"i","distinct_id":"u","time":5'),
    "distinct_id first, and in an object": _first(
        '"distinct_id":"u","time":5,"n":{"a":1,"distinct_id":"u"},"$insert_id":"i"'
    ),
    "distinct_id first, and later another": _first(
        '"distinct_id":"u","time":5,"distinct_id":"v","$insert_id":"i"'
    ),
    "ids with escapes": _first('"time":5,"distinct_id":"\\u0075\\/\\"\\n","$insert_id":"\\\\"'),
    "ids without a text": _first('"time":5,"distinct_id":"","$insert_id":""'),
    "times that are no integer": _first('"time":5.0,"distinct_id":"u","$insert_id":"i"'),
    "negative zero": _first('"time":-0,"distinct_id":"u","$insert_id":"i"'),
    "numbers written in other ways": _event('"a":1.50,"b":1E2,"c":-0,"d":1e-7,"e":0.1e1'),
    "white space": _event(' "a" : [ 1 , { "b" : 2 } ] '),
    "broken within a character": '{"event":"é' + "é東" * 40 + '","properties":{]}',
    "carriage return": _event('"a":1,\r"b":2'),
    "two records and a carriage return": _event('"a":1') + "\r" + _event('"b":2'),
    "byte order mark within": "\ufeff" + _event('"a":1'),
    "a control character": _event('"a":"\x01"'),
    "a zero byte": _event('"a":1') + "\0",
    "lines that end in two ways": _event('"a":1') + "\r\n" + _event('"b":2'),
    "lines of Windows": _event('"a":1') + "\r\n" + _event('"b":2') + "\r",
    "lines without a text": "\n\n" + _event('"a":1') + "\n \n\n" + _event('"b":2'),
    "integer of 310 digits": _event('"n":1' + "0" * 309),
    "negative integer of 310 digits": _event('"n":-1' + "0" * 309),
    "integer of 300 digits": _event('"n":1' + "0" * 299),
    "empty list": _event('"x":[],"y":{},"z":[ ]'),
    "trailing comma": _event('"x":[1,]'),
    "trailing comma of an object": _event('"x":{"y":1,}'),
    "text that looks like one": _event('"x":"a,]","y":"[,"'),
}
_PROFILE = '{"$distinct_id":"u","$properties":{}}'
PAGE_TRAPS = {
    "trailing comma of a page": '{"results":[{"$distinct_id":"u","$properties":{}},]}',
    "trailing comma after a page": '{"results":[{"$distinct_id":"u","$properties":{}}],}',
    "key twice": '{"$distinct_id":"u","$properties":{"x":1,"x":2}}',
    "key twice in a page": '{"results":[{"$distinct_id":"u","$properties":{"x":1,"x":2}}]}',
    "results twice": f'{{"results":[{_PROFILE}],"results":[{_PROFILE},{_PROFILE}]}}',
    "results twice, escaped": f'{{"results":[],"re\\u0073ults":[{_PROFILE}]}}',
    "results twice, the last null": f'{{"results":[{_PROFILE}],"results":null}}',
    "NaN beside the results": f'{{"page":NaN,"results":[{_PROFILE}]}}',
    "infinity beside the results": f'{{"results":[{_PROFILE}],"page":[1e400]}}',
    "a page in a page": f'{{"results":[{{"results":[{_PROFILE}]}}]}}',
    "$last_seen twice": '{"$distinct_id":"u","$properties":{"$last_seen":"2025-01-01T00:00:00",'
    '"$last_seen":"2025-01-02T00:00:00"}}',
    "nested too deeply": '{"$distinct_id":"u","$properties":{"d":'
    + '{"a":' * 1100
    + "1"
    + "}" * 1100
    + "}}",
}


@pytest.mark.parametrize("line", TRAPS.values(), ids=TRAPS)
def test_events_that_parsers_take_differently(
    line: str, tmp_path: Path, memory: StorageEngine
) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(f"{line}\n", encoding="utf-8", newline="")
    ours = _outcome(memory, lambda: memory.load_export("data", path, metadata()))
    assert ours == _outcome(
        memory, lambda: memory.create_events_table("data", read_export(path), metadata())
    )


@pytest.mark.parametrize("line", PAGE_TRAPS.values(), ids=PAGE_TRAPS)
def test_profiles_that_parsers_take_differently(
    line: str, tmp_path: Path, memory: StorageEngine
) -> None:
    path, meta = tmp_path / "profiles.jsonl", metadata("profiles")
    path.write_text(f"{line}\n")
    ours = _outcome(memory, lambda: memory.load_export("data", path, meta))
    assert ours == _outcome(
        memory, lambda: memory.create_profiles_table("data", read_profiles(path), meta)
    )
