"""Tables copied from a DuckDB file to ClickHouse and back: the same rows, metadata and history."""

from __future__ import annotations

import json
import logging
from datetime import datetime
from pathlib import Path

import pytest

from mixpanel_data import CopyMismatchError, StorageEngine
from tests.clickhouse.loads import leftovers
from tests.support.command_line import invoke
from tests.support.factories import EVENTS, PROFILES, Record, event, metadata, profile
from tests.support.files import original

pytestmark = pytest.mark.clickhouse

ODD = [
    event(1, properties={"a.b": {"": [1.0, 1e5, 10**30]}, "é\u0000": "\U0001f600'\\"}),
    event(2, event_time=datetime(1, 1, 1, 0, 0, 0, 1)),
    event(3, event_time=datetime(9999, 12, 31, 23, 59, 59, 999_999), distinct_id=""),
    event(4, insert_id="id-000001"),  # a collision
    event(5, event_name="1:2", distinct_id="3"),
    event(6, properties={}, insert_id="id~0123456789abcdef"),
]


@pytest.fixture
def source(memory: StorageEngine) -> StorageEngine:
    january = metadata(from_date="2024-01-01", to_date="2024-01-31")
    EVENTS.create(memory, ODD, "odd", january)
    EVENTS.append(memory, [event(1), event(7)], "odd", metadata(filter_events=["e"]))
    EVENTS.create(memory, [event(1)], "zoned", metadata(time_zone="Europe/Berlin"))
    PROFILES.create(memory, [profile(1, last_seen=None), profile(2)], "people")
    return memory


def rows(engine: StorageEngine, table: str) -> list[tuple[object, ...]]:
    """Return the rows of a table, in an order that all engines give."""
    return sorted(map(tuple, engine.execute_rows(f"SELECT * FROM {table}")), key=str)


def test_there_and_back(
    source: StorageEngine, house: StorageEngine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        copied = source.copy_to(house)
    assert [(t.name, t.type, t.row_count, t.copied) for t in copied] == [
        ("odd", "events", 7, True),
        ("people", "profiles", 2, True),
        ("zoned", "events", 1, True),
    ]
    # An integer of 100 bits: newer versions read it.
    unreadable = house.execute_scalar("SELECT countIf(NOT isValidJSON(properties)) FROM odd")
    warned = f"{unreadable} of the records loaded into odd have properties" in caplog.text
    assert warned == bool(unreadable)
    assert house.load_history() == source.load_history()
    assert house.list_tables() == source.list_tables()
    assert house.coverage("odd") == source.coverage("odd")
    with StorageEngine(tmp_path / "back.db") as back:
        assert house.copy_to(back) == copied
        for table in ("odd", "people", "zoned"):
            assert house.get_metadata(table) == source.get_metadata(table)
            assert rows(back, table) == rows(source, table)
        assert back.load_history() == source.load_history()
        assert [t.copied for t in back.copy_to(house)] == [False] * 3


def test_what_collided_is_known_when_it_comes_again(
    source: StorageEngine, house: StorageEngine
) -> None:
    source.copy_to(house)
    keys = [key for (key,) in house.execute_rows("SELECT insert_id FROM odd")]
    assert keys.count("id-000001") == 2
    assert "id~0123456789abcdef" in keys
    for engine in (source, house):
        assert EVENTS.append(engine, [*ODD, event(80)], "odd") == 1


def test_a_table_that_differs_is_refused(source: StorageEngine, house: StorageEngine) -> None:
    EVENTS.create(house, EVENTS.records(7), "odd")
    before = rows(house, "odd")
    with pytest.raises(CopyMismatchError, match="'odd' is in the target already"):
        source.copy_to(house)
    assert rows(house, "odd") == before
    assert [t.name for t in house.list_tables()] == ["odd"]
    assert [t.copied for t in source.copy_to(house, ["people"])] == [True]


def test_a_failed_copy_leaves_nothing(source: StorageEngine, house: StorageEngine) -> None:
    def stop(name: str, rows: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        source.copy_to(house, progress=stop)
    assert (leftovers(house), house.list_tables()) == ([], [])
    assert [t.copied for t in source.copy_to(house)] == [True] * 3


def test_the_history_of_an_earlier_table_is_replaced(
    source: StorageEngine, house: StorageEngine
) -> None:
    later = metadata(from_date="2025-01-01", to_date="2025-01-01")
    EVENTS.create(house, [event(1)], "odd", later)
    house.drop_table("odd")
    source.copy_to(house, ["odd"])
    assert house.load_history("odd") == source.load_history("odd")


def test_a_table_without_a_history_is_adopted(house: StorageEngine, tmp_path: Path) -> None:
    with StorageEngine(original(tmp_path / "o.db", {"jan": 2_500}), read_only=True) as old:
        assert [t.row_count for t in old.copy_to(house)] == [2_500]
        assert [load.action for load in house.load_history("jan")] == ["adopt"]
        assert house.get_metadata("jan") == old.get_metadata("jan")


def test_an_empty_table_is_a_table(memory: StorageEngine, house: StorageEngine) -> None:
    EVENTS.create(memory, [])
    assert [(t.row_count, t.copied) for t in memory.copy_to(house)] == [(0, True)]
    assert [t.copied for t in house.copy_to(memory)] == [False]


def test_rows_of_many_months_and_batches(memory: StorageEngine, house: StorageEngine) -> None:
    def spread() -> list[Record]:
        return [event(n, event_time=datetime(1990 + n % 40, 1 + n % 12, 1)) for n in range(20_000)]

    memory.index_limit = 0
    EVENTS.create(memory, spread())
    assert [t.copied for t in memory.copy_to(house)] == [True]
    told: list[int] = []
    with StorageEngine.memory() as back:
        house.copy_to(back, progress=lambda _, rows, total: told.append(rows))
        assert rows(back, "data") == rows(memory, "data")
    assert told[-1] == 20_000
    assert len(told) > 5


@pytest.mark.slow
def test_the_command_line_copies_by_url(
    source: StorageEngine, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with StorageEngine(tmp_path / "music.db") as file:
        source.copy_to(file)
    there = invoke("copy", "--from", tmp_path / "music.db", "--to", url)
    assert (there.code, there.err) == (0, "")
    back = invoke("copy", "--from", url, "--to", tmp_path / "back.db", "--format", "json")
    assert [table["row_count"] for table in json.loads(back.out)] == [7, 2, 1]
    again = invoke("copy", "--from", tmp_path / "music.db", "--to", url)
    assert "people: the same 2 rows are there already" in again.out
