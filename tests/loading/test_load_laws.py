"""What holds for any records, any batch size and any order of loads."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mixpanel_data import StorageEngine
from tests.support.effort import tries
from tests.support.factories import EVENTS, PROFILES, Kind, Record, event

pytestmark = pytest.mark.both_engines

TEXT = st.text(max_size=20)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**80), 2**80),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXT,
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
PROPERTIES = st.dictionaries(TEXT, JSON, max_size=6)

EXACT: list[Record] = [
    {"int": 1, "float": 1.0, "bool": True, "none": None, "zero": 0, "false": False},
    {"-0.0": -0.0, "big": 1e308, "small": 5e-324, "e16": 1e16, "e22": 1e22, "third": 1 / 3},
    {"64": 2**63 - 1, "-64": -(2**63), "u64": 2**64 - 1, "beyond": 2**64, "far": -(10**60)},
    {"mixed": [2**70, 1.0, True, None, {"nan": "NaN", "": [[], {}, ""]}]},
    {"": "empty", " ": "blank", "a.b": 1, 'quo"te': 2, "it's": 3, "$x": 4, "\\": 5, "\0": 6},
    {
        "é": "e\u0301",
        "😀": "\U0001f600",
        "\u2028": "\u2029\x85",
        "\ufeff": "\ufffe",
        "\x7f": "\x1f",
    },
    {"b": 1, "a": 2, "B": 3, "A": 4},
    {"long": "x" * 1_000_000},
    {str(n): n for n in range(2_000)},
    {"null": "null", "text": "true", "number": "1", "json": '{"a": 1}', "nan": "NaN"},
    {"none": None, "float": 1.5, "list": [None, 0.5]},
]


def _round_trip(kind: Kind, engine: StorageEngine, properties: list[Record]) -> list[Any]:
    records = [kind.record(n, properties=one) for n, one in enumerate(properties)]
    kind.create(engine, records)
    try:
        table = engine.table("data")
        rows = engine.query(table.select().order_by(table.c[kind.key]))
        return [row.properties for row in rows]
    finally:
        engine.drop_table("data")


@pytest.mark.parametrize("properties", EXACT, ids=range(len(EXACT)))
def test_properties_come_back_exactly(
    properties: Record, kind: Kind, memory: StorageEngine
) -> None:
    # repr tells True from 1, 1 from 1.0, 0.0 from -0.0 and one order of keys from another.
    assert repr(_round_trip(kind, memory, [properties])) == repr([properties])


@given(properties=st.lists(PROPERTIES, max_size=5), kind=st.sampled_from([EVENTS, PROFILES]))
@example(properties=EXACT, kind=EVENTS)
def test_any_properties_come_back_exactly(
    properties: list[Record], kind: Kind, shared: StorageEngine
) -> None:
    assert repr(_round_trip(kind, shared, properties)) == repr(properties)


@pytest.mark.parametrize("depth", [10, 100, 200])
def test_deep_nesting_comes_back(depth: int, memory: StorageEngine) -> None:
    properties: Record = {}
    for _ in range(depth):
        properties = {"in": [properties]}
    assert _round_trip(EVENTS, memory, [properties]) == [properties]


def test_sql_sees_the_same_json(memory: StorageEngine) -> None:
    EVENTS.create(memory, [event(n, properties=one) for n, one in enumerate(EXACT)])
    texts = memory.execute_rows("SELECT properties FROM data ORDER BY insert_id")
    assert [repr(json.loads(text)) for (text,) in texts] == [repr(one) for one in EXACT]


@given(name=TEXT, user=TEXT, insert_id=TEXT)
@example(name="a\0b", user="", insert_id="\ufeff")
def test_any_text_comes_back_in_its_columns(
    name: str, user: str, insert_id: str, shared: StorageEngine
) -> None:
    record = event(0, event_name=name, distinct_id=user, insert_id=insert_id)
    EVENTS.create(shared, [record])
    try:
        rows = shared.query(shared.table("data").select())
        assert [dict(row._mapping) for row in rows] == [record]
    finally:
        shared.drop_table("data")


@given(
    count=st.integers(0, 60),
    batch_size=st.integers(1, 70),
    repeat=st.integers(1, 60),
    kind=st.sampled_from([EVENTS, PROFILES]),
)
def test_the_batch_size_makes_no_difference(
    count: int, batch_size: int, repeat: int, kind: Kind, shared: StorageEngine
) -> None:
    records = [kind.record(n % repeat) for n in range(count)]
    expected = kind.create(shared, records, "expected")
    stored = kind.create(shared, records, "found", batch_size=batch_size)
    try:
        rows = [shared.execute_rows(f"FROM {name} ORDER BY ALL") for name in ("expected", "found")]
        assert rows[0] == rows[1]
        assert stored == expected == len(rows[0]) == min(count, repeat)
    finally:
        shared.drop_table("expected")
        shared.drop_table("found")


@settings(max_examples=tries(6, 25))
@given(data=st.data(), kind=st.sampled_from([EVENTS, PROFILES]))
def test_overlapping_loads_in_any_order_make_the_same_table(
    data: st.DataObject, kind: Kind, shared: StorageEngine
) -> None:
    records = list(kind.records(20))
    slices = data.draw(st.lists(st.slices(20), max_size=5))
    loads = data.draw(st.permutations([records, *(records[s] for s in slices)]))
    kind.create(shared, loads[0])
    try:
        stored = len(loads[0]) + sum(kind.append(shared, load) for load in loads[1:])
        rows = shared.query(shared.table("data").select())
        assert stored == len(rows) == 20
        found = sorted((dict(row._mapping) for row in rows), key=lambda row: str(row[kind.key]))
        assert found == records
    finally:
        shared.drop_table("data")
