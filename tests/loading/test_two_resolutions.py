"""An export by seconds and one by milliseconds hold the same events; a warning says so."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from mixpanel_data import StorageEngine
from tests.support.export_files import event
from tests.support.factories import metadata

pytestmark = [pytest.mark.both_engines, pytest.mark.slow, pytest.mark.every_variant]

WARNING = "one export is in seconds, the other in milliseconds"


def stream(*rows: dict[str, Any]) -> io.BytesIO:
    return io.BytesIO(b"".join(json.dumps(row).encode() + b"\n" for row in rows))


def in_milliseconds(row: dict[str, Any], extra: int) -> dict[str, Any]:
    time = row["properties"]["time"] * 1000 + extra
    return {**row, "properties": {**row["properties"], "time": time}}


SECONDS = [event(n) for n in range(4)]
# One of them at the full second, where both are the same event.
MILLISECONDS = [in_milliseconds(row, n * 137) for n, row in enumerate(SECONDS)]


@pytest.mark.parametrize(
    ("first", "second", "stored"),
    [(SECONDS, MILLISECONDS, 3), (MILLISECONDS, SECONDS, 3), (SECONDS, MILLISECONDS[:2], 1)],
)
def test_it_is_said(
    first: Any,
    second: Any,
    stored: int,
    memory: StorageEngine,
    caplog: pytest.LogCaptureFixture,
) -> None:
    memory.load_export("data", stream(*first), metadata())
    assert caplog.text == ""
    assert memory.load_export("data", stream(*second), metadata(), append=True) == stored
    # Keys are not unique in ClickHouse: there is nothing to collide.
    on_duckdb = memory.engine.dialect.name == "duckdb"
    assert memory.get_metadata("data").collisions == (stored if on_duckdb else 0)
    assert WARNING in caplog.text
    assert ("The one event" if stored == 1 else f"All {stored} events") in caplog.text


@pytest.mark.parametrize(
    "second",
    [
        [*MILLISECONDS, event(99)],  # not all
        [in_milliseconds(row, 60_000) for row in SECONDS],  # another minute
        [{**row, "event": "other"} for row in MILLISECONDS],
        SECONDS,
    ],
)
def test_other_collisions_are_no_reason(
    second: Any, memory: StorageEngine, caplog: pytest.LogCaptureFixture
) -> None:
    memory.load_export("data", stream(*SECONDS), metadata())
    memory.load_export("data", stream(*second), metadata(), append=True)
    assert WARNING not in caplog.text


def test_a_replacement_puts_it_right(
    memory: StorageEngine, caplog: pytest.LogCaptureFixture
) -> None:
    memory.load_export("data", stream(*SECONDS), metadata())
    days = metadata("events", from_date="2025-03-01", to_date="2025-03-01")
    assert memory.load_export("data", stream(*MILLISECONDS), days, replace=True) == 4
    assert caplog.text == ""
