"""What does not fit in memory goes beside the database file, and is gone after the load."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mixpanel_data import StorageEngine
from tests.support.factories import EVENTS, event

pytestmark = pytest.mark.slow


def _wide(count: int, folder: Path, seen: set[str]) -> Iterator[Any]:
    for n in range(count):
        if n % 1_000 == 0:
            seen |= {path.name for path in folder.rglob("*")}
        yield event(n, properties={f"property {i}": f"value {i} of {n}" for i in range(20)})


def test_a_file_spills_beside_itself(
    engine: StorageEngine, db_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    engine.connection.execute("SET memory_limit = '24MB'")
    seen: set[str] = set()
    assert EVENTS.create(engine, _wide(60_000, tmp_path, seen)) == 60_000
    assert any("duckdb_temp" in name for name in seen)
    assert list(elsewhere.iterdir()) == []
    engine.close()
    assert {path.name for path in tmp_path.iterdir()} == {db_path.name, "elsewhere"}
