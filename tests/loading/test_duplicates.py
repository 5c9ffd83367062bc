"""A record that was stored before is skipped, and counted; the first one is kept."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from mixpanel_data import StorageEngine
from tests.support.factories import EVENTS, START, Kind, event

pytestmark = [pytest.mark.slow, pytest.mark.both_engines]


def _counts(engine: StorageEngine) -> tuple[int, int]:
    found = engine.get_metadata("data")
    return found.duplicates, found.collisions


def test_duplicates_within_a_load(memory: StorageEngine, kind: Kind) -> None:
    records = [kind.record(0), kind.record(1), kind.record(0), kind.record(0)]
    assert kind.create(memory, records) == 2
    assert _counts(memory) == (2, 0)


def test_duplicates_across_loads(loaded: StorageEngine, kind: Kind) -> None:
    assert kind.append(loaded, kind.records(10, start=7)) == 7
    assert _counts(loaded) == (3, 0)
    assert loaded.list_tables()[0].row_count == 17


def test_duplicates_are_found_across_batches(memory: StorageEngine, kind: Kind) -> None:
    records = [*kind.records(12_000), *kind.records(12_000)]
    assert kind.create(memory, records, batch_size=500) == 12_000
    assert _counts(memory) == (12_000, 0)


def test_the_first_is_kept(memory: StorageEngine, kind: Kind) -> None:
    kind.create(memory, [kind.record(0, properties={"n": n}) for n in range(3)])
    kind.append(memory, [kind.record(0, properties={"n": n}) for n in range(3, 6)])
    assert memory.execute_rows("SELECT properties FROM data") == [('{"n":0}',)]


def test_the_counts_are_of_the_last_load(loaded: StorageEngine, kind: Kind) -> None:
    kind.append(loaded, kind.records(10))
    assert _counts(loaded) == (10, 0)
    kind.append(loaded, kind.records(10, start=10))
    assert _counts(loaded) == (0, 0)


def test_counts_passed_in_are_not_believed(memory: StorageEngine, kind: Kind) -> None:
    claimed = kind.metadata(duplicates=7, collisions=7)
    kind.create(memory, kind.records(3), meta=claimed)
    assert _counts(memory) == (0, 0)


def test_the_counts_are_logged(
    memory: StorageEngine, kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="mixpanel_data"):
        kind.create(memory, [*kind.records(41), *kind.records(17)])
    told = [r.getMessage() for r in caplog.records if r.levelno == logging.INFO]
    assert any("data" in text and "41" in text and "17" in text for text in told)


def test_profiles_are_the_same_by_their_user_alone(memory: StorageEngine) -> None:
    profiles = EVENTS.other
    first = profiles.record(0)
    second = profiles.record(0, properties={"other": True}, last_seen=None)
    assert profiles.create(memory, [first, second]) == 1
    assert _counts(memory) == (1, 0)
    assert [row.properties for row in memory.query(memory.table("data").select())] == [{"n": 0}]


@pytest.mark.parametrize(
    "same",
    [
        START,
        START.replace(tzinfo=timezone.utc),
        datetime(2024, 1, 1, 5, 30, tzinfo=timezone(timedelta(hours=5, minutes=30))),
        "2024-01-01T00:00:00",
        "2024-01-01T00:00:00Z",
        "2024-01-01T05:30:00+05:30",
        "2023-12-31T19:00:00.000-05:00",
        "2024-01-01T00:00:00.000000000Z",
    ],
    ids=str,
)
def test_one_moment_written_differently_is_the_same_event(same: Any, memory: StorageEngine) -> None:
    assert EVENTS.create(memory, [event(0), event(0, event_time=same)]) == 1
    assert EVENTS.append(memory, [event(0, event_time=same)]) == 0


@pytest.mark.slow
@pytest.mark.parametrize("field", ["event_name", "distinct_id", "insert_id"])
@pytest.mark.parametrize(
    ("one", "other"), [("", " "), ("a", "A"), ("é", "e\u0301"), ("a", "a\0"), ("1", "01")]
)
def test_text_that_differs_at_all_differs(
    field: str, one: str, other: str, memory: StorageEngine
) -> None:
    records = [event(0, **{field: one}), event(0, **{field: other})]
    assert EVENTS.create(memory, records) == 2
    assert EVENTS.append(memory, records) == 0


def test_profile_ids_that_differ_at_all_differ(memory: StorageEngine) -> None:
    profiles = EVENTS.other
    records = [profiles.record(0, distinct_id=text) for text in ("", "a", "A", "a\0", "a ", "~")]
    assert profiles.create(memory, records) == 6
    assert profiles.append(memory, records) == 0


def test_a_table_appended_to_itself_gains_nothing(memory: StorageEngine, kind: Kind) -> None:
    kind.create(memory, [*kind.records(10), *(kind.record(n, properties={}) for n in range(5))])
    rows = [dict(row._mapping) for row in memory.query(memory.table("data").select())]
    assert kind.append(memory, rows) == 0


def test_loading_through_a_file_changes_nothing(engine: StorageEngine, kind: Kind) -> None:
    kind.create(engine, kind.records(10))
    assert engine.path
    engine.close()
    with StorageEngine(engine.path) as again:
        assert kind.append(again, kind.records(12)) == 2
