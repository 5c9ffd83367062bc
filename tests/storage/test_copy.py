"""Tables copied into another file: rows, metadata and history, each table or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from mixpanel_data import (
    CopyMismatchError,
    StorageEngine,
    TableNotFoundError,
    maintenance,
)
from mixpanel_data.types import Problem
from tests.support.factories import EVENTS, PROFILES, Kind, dump, event, metadata, profile, stored
from tests.support.files import HEAD, asset, original

pytestmark = pytest.mark.slow

ODD = [
    event(1, properties={"a.b": {"": [1.0, 1e5, 10**30]}, "é\u0000": "\U0001f600"}),
    event(2, event_time=datetime(1, 1, 1, 0, 0, 0, 1)),
    event(3, event_time=datetime(9999, 12, 31, 23, 59, 59, 999_999), distinct_id=""),
    event(4, insert_id="id-000001"),  # a collision
    event(5, event_name="1:2", distinct_id="3"),
    event(6, properties={}),
]


@pytest.fixture
def source(memory: StorageEngine) -> StorageEngine:
    january = metadata(from_date="2024-01-01", to_date="2024-01-31")
    EVENTS.create(memory, ODD, "odd", january)
    EVENTS.append(memory, [event(1), event(7)], "odd", metadata(filter_events=["e"]))
    PROFILES.create(memory, [profile(1, last_seen=None), profile(2)], "people")
    return memory


@pytest.fixture
def target(tmp_path: Path) -> Iterator[StorageEngine]:
    with StorageEngine(tmp_path / "target.db") as engine:
        yield engine


def problems(engine: StorageEngine) -> list[Problem]:
    """Close a database, and return what is wrong with its file."""
    assert engine.path is not None
    engine.close()
    return maintenance.check(engine.path)


def rows(engine: StorageEngine) -> dict[str, Any]:
    """Return all that a database holds, but not in which order tables came."""
    return {name: held[1] for name, held in dump(engine).items()}


def test_all_comes_over(source: StorageEngine, target: StorageEngine) -> None:
    copied = source.copy_to(target)
    assert stored(target) == stored(source)
    assert [(t.name, t.type, t.row_count, t.copied) for t in copied] == [
        ("odd", "events", 7, True),
        ("people", "profiles", 2, True),
    ]
    assert target.load_history() == source.load_history()
    assert target.get_metadata("odd") == source.get_metadata("odd")
    assert target.list_tables() == source.list_tables()
    assert target.coverage("odd") == source.coverage("odd")
    assert problems(target) == []


def test_a_copy_goes_on_as_the_original_would(source: StorageEngine, target: StorageEngine) -> None:
    source.copy_to(target)
    for engine in (source, target):
        assert EVENTS.append(engine, [*ODD, event(8)], "odd") == 1
    assert rows(target)["odd"] == rows(source)["odd"]


def test_what_is_there_already_is_left(source: StorageEngine, target: StorageEngine) -> None:
    first = source.copy_to(target, ["people"])
    assert [t.copied for t in first] == [True]
    before = dump(target)["people"]
    assert [(t.name, t.copied) for t in source.copy_to(target)] == [
        ("odd", True),
        ("people", False),
    ]
    assert dump(target)["people"] == before
    again = source.copy_to(target)
    assert [t.copied for t in again] == [False, False]
    assert [t.checksum for t in again if t.name == "people"] == [first[0].checksum]


def test_an_interrupted_copy_goes_on_by_table(source: StorageEngine, target: StorageEngine) -> None:
    class StopError(Exception):
        pass

    def stop(name: str, rows: int, total: int) -> None:
        if name == "people":
            raise StopError

    with pytest.raises(StopError):
        source.copy_to(target, progress=stop)
    assert [table.name for table in target.list_tables()] == ["odd"]
    assert [t.copied for t in source.copy_to(target)] == [False, True]
    assert stored(target) == stored(source)


def _change(column: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda record: record.update({column: value})


@pytest.mark.parametrize(
    ("kind", "column", "value"),
    [
        (EVENTS, "event_name", "Event 00"),
        (EVENTS, "event_time", datetime(2024, 1, 1, 0, 0, 0, 1)),
        (EVENTS, "distinct_id", "User-0"),
        (EVENTS, "insert_id", "id-x"),
        (EVENTS, "properties", {"n": 0.0}),
        (PROFILES, "distinct_id", "user-x"),
        (PROFILES, "properties", {}),
        (PROFILES, "last_seen", None),
    ],
    ids=lambda part: getattr(part, "name", str(part)),
)
def test_a_table_that_differs_is_refused(
    kind: Kind, column: str, value: Any, memory: StorageEngine, target: StorageEngine
) -> None:
    kind.create(memory, kind.records(10), "alike")
    kind.create(memory, kind.records(10), "first")
    kind.create(target, [{**kind.record(0), column: value}, *kind.records(9, 1)], "alike")
    before = dump(target)
    with pytest.raises(CopyMismatchError, match=r"'alike'.*Drop it.*") as caught:
        memory.copy_to(target)
    assert dump(target) == before
    assert caught.value.details["table_name"] == "alike"
    assert caught.value.details["source"] != caught.value.details["target"]


def test_the_order_of_rows_does_not_matter(memory: StorageEngine, target: StorageEngine) -> None:
    EVENTS.create(memory, EVENTS.records(3_000))
    EVENTS.create(target, reversed([*EVENTS.records(3_000)]))
    assert [t.copied for t in memory.copy_to(target)] == [False]


def test_a_table_of_more_or_fewer_rows_is_refused(
    memory: StorageEngine, target: StorageEngine
) -> None:
    EVENTS.create(memory, EVENTS.records(3))
    EVENTS.create(target, EVENTS.records(2))
    with pytest.raises(CopyMismatchError, match="2 rows there, 3 rows"):
        memory.copy_to(target)
    EVENTS.append(memory, [])
    PROFILES.create(memory, PROFILES.records(1), "others")
    target.connection.execute("CREATE VIEW others AS SELECT 1 AS one")
    with pytest.raises(CopyMismatchError, match="did not make"):
        memory.copy_to(target, ["others"])


def test_the_history_of_an_earlier_table_is_replaced(
    source: StorageEngine, target: StorageEngine
) -> None:
    later = metadata(from_date="2025-01-01", to_date="2025-01-01")
    EVENTS.create(target, [event(1)], "odd", later)
    target.drop_table("odd")
    PROFILES.create(target, PROFILES.records(1), "mine")
    source.copy_to(target, ["odd"])
    assert target.load_history("odd") == source.load_history("odd")
    assert target.coverage("odd") == source.coverage("odd")
    assert len(target.load_history("mine")) == 1


def test_large_tables_have_no_index(source: StorageEngine, target: StorageEngine) -> None:
    target.index_limit = 3
    source.copy_to(target)
    keys = "SELECT table_name FROM duckdb_constraints() WHERE constraint_type = 'PRIMARY KEY'"
    found = {name for (name,) in target.execute_rows(keys)}
    assert "people" in found
    assert "odd" not in found


def test_keys_that_another_engine_left_alike_become_unique(
    memory: StorageEngine, target: StorageEngine
) -> None:
    memory.index_limit = 0
    EVENTS.create(memory, EVENTS.records(5))
    memory.connection.execute("UPDATE data SET insert_id = 'one'")
    memory.copy_to(target)
    assert len({key for (key,) in target.execute_rows("SELECT insert_id FROM data")}) == 5
    assert [t.copied for t in memory.copy_to(target)] == [False]
    assert EVENTS.append(target, [event(2, insert_id="one")]) == 0
    assert problems(target) == []


def test_rows_that_are_equal_are_refused(memory: StorageEngine, target: StorageEngine) -> None:
    memory.index_limit = 0
    EVENTS.create(memory, EVENTS.records(5))
    memory.connection.execute("INSERT INTO data FROM data WHERE insert_id > 'id-000002'")
    with pytest.raises(CopyMismatchError, match="2 rows that others equal"):
        memory.copy_to(target)
    assert target.list_tables() == []


def test_what_is_not_the_librarys_is_not_copied(
    source: StorageEngine, target: StorageEngine
) -> None:
    source.connection.execute("CREATE TABLE songs AS SELECT 1 AS id")
    with pytest.raises(ValueError, match="'songs': it was not made by this library"):
        source.copy_to(target, ["odd", "songs"])
    with pytest.raises(TableNotFoundError):
        source.copy_to(target, ["odd", "od"])
    assert target.list_tables() == []
    assert [t.name for t in source.copy_to(target)] == ["odd", "people"]


def test_a_target_that_cannot_be(source: StorageEngine, db_path: Path) -> None:
    with pytest.raises(ValueError, match="the source itself"):
        source.copy_to(source)
    with StorageEngine(db_path) as one, StorageEngine(db_path) as same:
        EVENTS.create(one, EVENTS.records(1))
        with pytest.raises(ValueError, match="the source itself"):
            one.copy_to(same)
    with (
        StorageEngine(db_path, read_only=True) as read_only,
        pytest.raises(ValueError, match="reading only"),
    ):
        source.copy_to(read_only)


def test_progress_tells_rows_of_a_table(memory: StorageEngine, target: StorageEngine) -> None:
    EVENTS.create(memory, EVENTS.records(5_000))
    told: list[tuple[str, int, int]] = []
    memory.copy_to(target, progress=lambda *step: told.append(step))
    assert told[-1] == ("data", 5_000, 5_000)
    assert [step[1] for step in told] == sorted({step[1] for step in told})


def test_an_empty_table_is_a_table(memory: StorageEngine, target: StorageEngine) -> None:
    EVENTS.create(memory, [])
    assert [(t.row_count, t.copied) for t in memory.copy_to(target)] == [(0, True)]
    assert [t.copied for t in memory.copy_to(target)] == [False]
    assert dump(target) == dump(memory)


@pytest.mark.parametrize("revision", ["0001", "0004", HEAD])
def test_a_file_of_an_older_revision_is_copied(
    revision: str, target: StorageEngine, tmp_path: Path
) -> None:
    path = asset(revision, tmp_path)
    with StorageEngine(path, read_only=True) as old:
        assert len(old.copy_to(target)) == len(old.list_tables()) > 1
        assert target.list_tables() == old.list_tables()
        assert target.load_history() == old.load_history()
    assert problems(target) == []


def test_the_original_librarys_file_is_copied(target: StorageEngine, tmp_path: Path) -> None:
    with StorageEngine(original(tmp_path / "o.db", {"jan": 2_500}), read_only=True) as old:
        assert [t.row_count for t in old.copy_to(target)] == [2_500]
