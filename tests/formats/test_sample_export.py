"""The sample export and its known figures, where they are at hand."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mixpanel_data.formats import read_export, read_profiles

if TYPE_CHECKING:
    from mixpanel_data.types import EventRecord

DATA = Path(__file__).parents[2].parent / "shared" / "data"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the sample data is not at hand")


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    figures: dict[str, Any] = json.loads((DATA / "expected.json").read_text())
    return figures


def test_every_event_is_read(expected: dict[str, Any]) -> None:
    epoch = datetime(1970, 1, 1)
    stored: dict[tuple[object, ...], EventRecord] = {}
    count = 0
    for record in read_export(DATA / "events.jsonl.gz"):
        count += 1
        key = tuple(record[k] for k in ("event_name", "event_time", "distinct_id", "insert_id"))
        stored.setdefault(key, record)
    assert count == expected["lines"]
    assert len(stored) == expected["rows_stored"]
    assert Counter(r["event_name"] for r in stored.values()) == expected["by_event"]
    assert len({r["distinct_id"] for r in stored.values()}) == expected["distinct_ids"]
    times = [r["event_time"] for r in stored.values() if isinstance(r["event_time"], datetime)]
    assert min(times) == epoch + timedelta(seconds=expected["first_time"])
    assert max(times) == epoch + timedelta(seconds=expected["last_time"])
    amounts = (r["properties"].get("amount", 0) for r in stored.values())
    assert sum(amounts) == expected["sum_of_amount"]


def test_reading_again_gives_the_same_records() -> None:
    path = DATA / "events.jsonl.gz"
    assert list(read_export(path)) == list(read_export(path))


def test_every_profile_is_read(expected: dict[str, Any]) -> None:
    records = list(read_profiles(DATA / "profiles.jsonl.gz"))
    assert len({r["distinct_id"] for r in records}) == len(records) == expected["profiles"]
