"""Documents of any length load, whatever DuckDB needs for them at a time."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from mixpanel_data import StorageEngine
from tests.support.effort import only_thorough, some
from tests.support.factories import EVENTS, event, metadata
from tests.support.typed_rows import needs_triggers

pytestmark = pytest.mark.slow

_SIZES = [(100_000, 2_100), (1_000_000, 260), (40_000_000, 1), (30_000_000, 3)]


def _long(size: int, count: int) -> Iterator[Any]:
    for number in range(count):
        yield event(number, properties={"a": os.urandom(size // 2).hex()})


@pytest.mark.parametrize(
    ("size", "count", "append"),
    [(*size, append) for size, append in some([*product(_SIZES, [False, True])], 1)],
)
def test_long_documents_load(size: int, count: int, append: bool, engine: StorageEngine) -> None:
    if append:
        EVENTS.create(engine, [])
    load = EVENTS.append if append else EVENTS.create
    assert load(engine, _long(size, count)) == count
    assert engine.execute_scalar("SELECT min(length(properties::VARCHAR)) FROM data") > size


@only_thorough
@needs_triggers
def test_long_documents_have_typed_columns(engine: StorageEngine) -> None:
    EVENTS.create(engine, _long(100_000, 2_100))
    assert engine.optimize("data", ["a"]) == ["a"]


@only_thorough
@pytest.mark.parametrize(("size", "count"), [(100_000, 2_100), (17_000_000, 1)])
def test_long_lines_of_a_file_load(
    size: int, count: int, engine: StorageEngine, tmp_path: Path
) -> None:
    path = tmp_path / "events.jsonl"
    with path.open("w") as file:
        for number in range(count):
            own = {"time": 1, "distinct_id": "u", "$insert_id": str(number)}
            line = {"event": "e", "properties": {**own, "a": os.urandom(size // 2).hex()}}
            file.write(json.dumps(line) + "\n")
    assert engine.load_export("data", path, metadata()) == count
