"""A ``$last_seen`` that is no time does not refuse a load: NULL, kept as a property, counted."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from mixpanel_data import StorageEngine
from tests.support.factories import metadata

pytestmark = pytest.mark.both_engines

VALUES: dict[str, Any] = {
    "time": "2025-03-04T10:00:00",
    "missing": None,
    "empty": "",
    "epoch": 1_741_082_400,
    "day": "2025-03-04",
    "word": "undefined",
    "list": [1],
    "flag": True,
}
ODD = ["day", "epoch", "flag", "list", "word"]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("page", [False, True])
@pytest.mark.duckdb_only
def test_it_is_counted(memory: StorageEngine, tmp_path: Path, streamed: bool, page: bool) -> None:
    profiles = [
        {"$distinct_id": name, "$properties": {"$last_seen": value} if value is not None else {}}
        for name, value in VALUES.items()
    ]
    text = json.dumps({"results": profiles}) if page else "\n".join(map(json.dumps, profiles))
    path = tmp_path / "people.json"
    path.write_text(text)
    source: Any = io.BytesIO(text.encode()) if streamed else path
    assert memory.load_export("people", source, metadata("profiles")) == len(VALUES)
    assert memory.load_history()[-1].invalid_last_seen == len(ODD)
    dated = "SELECT distinct_id FROM people WHERE last_seen IS NOT NULL"
    assert memory.execute_rows(dated) == [("time",)]
    kept = memory.execute_rows("SELECT distinct_id, properties->'$.\"$last_seen\"' FROM people")
    assert {name: value and json.loads(value) for name, value in kept} == VALUES


@pytest.mark.duckdb_only
def test_a_newer_load_replaces_a_profile_without_a_time(
    memory: StorageEngine, tmp_path: Path
) -> None:
    people = tmp_path / "people.jsonl"
    for seats, stored in ((5, 1), (9, 1), (9, 0)):
        people.write_text(json.dumps({"$distinct_id": "acme", "$properties": {"seats": seats}}))
        options: dict[str, Any] = {"append": True, "if_missing": "create"}
        meta = metadata("profiles")
        assert memory.load_export("p", people, meta, on_conflict="update", **options) == stored
    assert memory.execute_scalar("SELECT properties->>'$.seats' FROM p") == "9"


@pytest.mark.parametrize(("on_conflict", "plan"), [("update", "new"), ("replace", "old")])
@pytest.mark.duckdb_only
def test_replace_takes_the_new_one_whatever_its_time(
    memory: StorageEngine, tmp_path: Path, on_conflict: Any, plan: str
) -> None:
    people = tmp_path / "people.jsonl"
    for day, name in ((4, "new"), (3, "old")):
        seen = {"$last_seen": f"2025-03-0{day}T10:00:00", "plan": name}
        people.write_text(json.dumps({"$distinct_id": "a", "$properties": seen}))
        options: dict[str, Any] = {"append": True, "if_missing": "create"}
        memory.load_export("p", people, metadata("profiles"), on_conflict=on_conflict, **options)
    assert memory.execute_scalar("SELECT properties->>'$.plan' FROM p") == plan
    replaced = [load.replaced for load in memory.load_history()]
    assert replaced == [0, 0 if on_conflict == "update" else 1]
