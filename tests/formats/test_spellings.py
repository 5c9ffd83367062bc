"""Events and profiles as Pipelines, warehouses and this library's own tables spell them."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mixpanel_data import StorageEngine
from mixpanel_data.formats import read_export
from tests.support.exports import event, events, profile_refusal, profiles, refusal
from tests.support.factories import metadata

MOMENT = datetime(2025, 3, 1, 10, 0, 0)
PIPELINE = {
    "event_name": "play",
    "time": "2025-03-01 10:00:00 UTC",
    "distinct_id": "u",
    "insert_id": "a",
    "device_id": "d",
    "user_id": None,
    "properties": {"plan": "free"},
}


def dump(row: object) -> bytes:
    return json.dumps(row).encode() + b"\n"


def test_a_row_of_pipelines_is_an_event() -> None:
    assert event(dump(PIPELINE)) == {
        "event_name": "play",
        "event_time": MOMENT,
        "distinct_id": "u",
        "insert_id": "a",
        "properties": {"plan": "free", "$device_id": "d"},
    }


@pytest.mark.parametrize("key", ["time", "event_time"])
@pytest.mark.parametrize(
    "time",
    [
        *("2025-03-01 10:00:00 UTC", "2025-03-01T10:00:00Z", "2025-03-01 10:00:00.000000 UTC"),
        *("2025-03-01 11:00:00+01:00", "2025-03-01T10:00:00", 1_740_823_200, 1_740_823_200_000),
    ],
)
def test_times_of_warehouses(key: str, time: object) -> None:
    row = {**PIPELINE, key: time}
    if key == "event_time":
        del row["time"]
    assert event(dump(row))["event_time"] == MOMENT


@pytest.mark.parametrize(
    "change",
    [
        {"properties": '{"plan": "free"}'},
        {"insert_id": None, "$insert_id": "a"},
        {"insert_id": None, "properties": {"plan": "free", "$insert_id": "a"}},
        {"distinct_id": None, "properties": {"plan": "free", "distinct_id": "u"}},
        {"user_id": "", "properties": {"plan": "free", "$user_id": ""}},
        {"plan": "free"},
    ],
)
def test_the_same_event_spelled_otherwise(change: dict[str, Any]) -> None:
    found = event(dump({**PIPELINE, **change}))
    assert {**found, "properties": {**found["properties"], "$user_id": ""}} == {
        **event(dump(PIPELINE)),
        "properties": {"plan": "free", "$device_id": "d", "$user_id": ""},
    }


def test_columns_in_capitals_are_those_of_snowflake() -> None:
    upper = {name.upper(): value for name, value in PIPELINE.items()}
    expected = event(dump(PIPELINE))
    assert event(dump(upper)) == event(json.dumps([upper]).encode()) == expected
    names, cells = ",".join(upper), 'play,2025-03-01 10:00:00.000 Z,u,a,d,,"{""plan"":""free""}"'
    assert event(f"{names}\n{cells}\n".encode()) == expected
    row = {"DISTINCT_ID": "u", "PROPERTIES": {"PLAN": 1}, "LAST_SEEN": "2025-03-01 10:00:00"}
    assert profiles(dump(row)) == [
        {"distinct_id": "u", "properties": {"PLAN": 1}, "last_seen": MOMENT}
    ]


def test_a_flat_row_keeps_its_columns_as_properties() -> None:
    row = {"event_name": "play", "time": "2025-03-01 10:00:00 UTC", "insert_id": "a", "city": "X"}
    assert event(dump(row))["properties"] == {"city": "X"}


def test_events_without_an_id_get_one_that_tells_times_apart() -> None:
    rows = [{**PIPELINE, "insert_id": None, "time": f"2025-03-01 10:00:0{n} UTC"} for n in range(3)]
    first, again = (events(b"".join(map(dump, rows))) for _ in range(2))
    assert first == again
    assert len({row["insert_id"] for row in first}) == 3


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"time": "soon"}, "'time' must be"),
        ({"time": None}, "'time' must be"),
        ({"plan": "pro"}, "the column 'plan' and the property 'plan' differ"),
        ({"properties": "[1]"}, "'properties' is not an object"),
        ({"properties": [1]}, "'properties' is not an object"),
        ({"event_name": 7}, "'event' is missing"),
    ],
)
def test_what_is_ambiguous_is_refused(change: dict[str, Any], problem: str) -> None:
    assert problem in refusal(dump({**PIPELINE, **change})).message


def test_profiles_of_pipelines() -> None:
    row: dict[str, Any] = {"distinct_id": "u", "properties": {"$last_seen": "2025-03-01T10:00:00"}}
    expected = {"distinct_id": "u", "properties": row["properties"], "last_seen": MOMENT}
    assert profiles(dump(row)) == [expected]
    assert profiles(dump({**row, "last_seen": "2025-03-01 10:00:00 UTC"})) == [expected]
    assert profiles(dump({**row, "properties": json.dumps(row["properties"])})) == [expected]
    assert "'distinct_id' is missing" in profile_refusal(dump({**row, "distinct_id": None})).message
    assert "'$distinct_id' is missing" in profile_refusal(dump({**row, "time": 1})).message
    assert "is not an object" in profile_refusal(dump({**row, "properties": [1]})).message


def test_many_rows_of_a_warehouse_load_both_ways(tmp_path: Path, memory: StorageEngine) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(dump({**PIPELINE, "insert_id": f"i{n}"}) for n in range(200)))
    assert memory.load_export("a", path, metadata()) == 200
    assert memory.create_events_table("b", read_export(path), metadata()) == 200
    assert memory.execute_scalar("SELECT count(*) FROM (FROM a EXCEPT FROM b)") == 0


@pytest.mark.parametrize("unit", ["s", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
def test_parquet_of_a_warehouse(unit: str, zone: str | None, tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    stamps = pa.array([MOMENT] * 3, pa.timestamp(unit)).cast(pa.timestamp(unit, "UTC"))
    columns = {
        "event_name": ["play"] * 3,
        "time": stamps.cast(pa.timestamp(unit, zone)),
        "distinct_id": ["u"] * 3,
        "insert_id": ["a", "b", None],
        "seen": [MOMENT] * 3,
        "properties": ['{"n": 123456789012345678901}', "{}", None],
    }
    pq.write_table(pa.table(columns), path)
    rows = list(read_export(path))
    assert [row["event_time"] for row in rows] == [MOMENT] * 3
    assert rows[0]["properties"] == {"n": 123456789012345678901, "seen": "2025-03-01T10:00:00"}
    assert rows[2]["insert_id"].startswith("gen-")
