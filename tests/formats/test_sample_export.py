"""The readers find in sample exports what is known to be in them."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from mixpanel_data.formats import read_export, read_profiles
from tests.support import new_sample
from tests.support.samples import SAMPLES, Sample

if TYPE_CHECKING:
    from mixpanel_data.types import EventRecord

each_sample = pytest.mark.parametrize("sample", SAMPLES)


@each_sample
def test_every_event_is_read(sample: Sample) -> None:
    epoch, expected = datetime(1970, 1, 1), sample.expected
    stored: dict[tuple[object, ...], EventRecord] = {}
    count = 0
    for record in read_export(sample.events):
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


@each_sample
def test_reading_again_yields_the_same_records(sample: Sample) -> None:
    assert list(read_export(sample.events)) == list(read_export(sample.events))


@each_sample
def test_every_profile_is_read(sample: Sample) -> None:
    records = list(read_profiles(sample.profiles))
    count = sample.expected["profiles"]
    assert len({r["distinct_id"] for r in records}) == len(records) == count


def test_the_sample_is_what_its_script_writes() -> None:
    for name, text in new_sample.contents().items():
        assert (new_sample.FOLDER / name).read_bytes() == text.encode()
