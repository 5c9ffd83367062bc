"""README's Python examples run on ClickHouse with another address and nothing else changed.

Excepted are those of DuckDB's own: a relation, and SQL text with its parameters or operators.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest

from mixpanel_data import QueryError, StorageEngine, UnsupportedError, demo
from tests.support import clickhouse
from tests.support.blocks import blocks_of
from tests.support.factories import metadata
from tests.support.processes import ROOT

pytestmark = [pytest.mark.clickhouse, pytest.mark.slow]

BLOCKS = [text for language, text in blocks_of(ROOT / "README.md") if language == "python"]
ADDRESSES = {
    'StorageEngine.open_existing("music.db")': "StorageEngine.connect({music!r}, read_only=True)",
    'StorageEngine("warehouse.db")': "StorageEngine.connect({warehouse!r})",
}
DUCKDB_ONLY: dict[str, type[Exception]] = {
    "storage.execute(": UnsupportedError,
    "event_name = ?": TypeError,
    "properties->>": QueryError,
}


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the URLs of two databases; the first holds the demo's music app."""
    events, profiles = demo.write_export(tmp_path_factory.mktemp("readme"))
    places = {"music": clickhouse.new_url(), "warehouse": clickhouse.new_url()}
    with StorageEngine.connect(places["music"]) as storage:
        march = metadata(from_date="2025-03-01", to_date="2025-03-31")
        storage.load_export("events", events, march)
        storage.load_export("profiles", profiles)
    return {**places, "folder": str(events.parent)}


@pytest.fixture(scope="module")
def names() -> Iterator[dict[str, Any]]:
    """Yield what the examples so far have named, and close what is left open."""
    names: dict[str, Any] = {"done": 0}
    yield names
    names["storage"].close()


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_an_example_runs(
    number: int, places: dict[str, str], names: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(places["folder"])
    # Those before it may have run in another process.
    for text in BLOCKS[names["done"] : number + 1]:
        names["done"] += 1
        _run(text, places, names)


def _run(text: str, places: dict[str, str], names: dict[str, Any]) -> None:
    for address, other in ADDRESSES.items():
        text = text.replace(address, other.format(**places))
    for statement in ast.parse(text).body:
        source = ast.unparse(statement)
        refusals = [error for sign, error in DUCKDB_ONLY.items() if sign in source]
        module = ast.Module([statement], [])
        run = compile(ast.fix_missing_locations(module), "README", "exec", dont_inherit=True)
        with pytest.raises(refusals[0]) if refusals else nullcontext():
            exec(run, names)


def test_the_examples_are_found() -> None:
    text = "\n".join(BLOCKS)
    assert len(BLOCKS) > 15
    assert all(text.count(sign) == 1 for sign in DUCKDB_ONLY)
    assert text.count("StorageEngine.") + text.count("StorageEngine(") == sum(
        map(text.count, ADDRESSES)
    )
