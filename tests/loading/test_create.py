"""A create call makes a table, fills it and registers it."""

from __future__ import annotations

from collections import ChainMap, UserDict
from collections.abc import Iterable
from types import MappingProxyType
from typing import Any

import pytest

from mixpanel_data import StorageEngine
from mixpanel_data.exceptions import TableExistsError
from tests.support.factories import EVENTS, Kind, NeverStarted, dump

pytestmark = [pytest.mark.slow, pytest.mark.both_engines]


def test_the_number_of_rows_is_returned(memory: StorageEngine, kind: Kind) -> None:
    assert kind.create(memory, kind.records(2_500)) == 2_500
    assert memory.execute_scalar("SELECT count(*) FROM data") == 2_500


def test_the_columns_are_those_promised(memory: StorageEngine) -> None:
    EVENTS.create(memory, [EVENTS.record(1)])
    assert list(memory.execute_df("SELECT * FROM data")) == [
        "event_name",
        "event_time",
        "distinct_id",
        "insert_id",
        "properties",
    ]


def test_every_field_comes_back(memory: StorageEngine, kind: Kind) -> None:
    records = list(kind.records(3))
    kind.create(memory, records)
    rows = memory.query(memory.table("data").select())
    assert (
        sorted((dict(row._mapping) for row in rows), key=lambda r: r["properties"]["n"]) == records
    )


def test_an_empty_iterable_makes_an_empty_table(memory: StorageEngine, kind: Kind) -> None:
    assert kind.create(memory, iter(())) == 0
    assert [(info.name, info.row_count) for info in memory.list_tables()] == [("data", 0)]
    assert len(memory.get_schema("data").columns) == len(kind.record())
    assert kind.append(memory, kind.records(3)) == 3


@pytest.mark.parametrize("mapping", [dict, MappingProxyType, UserDict, ChainMap])
def test_records_may_be_any_mapping(mapping: Any, memory: StorageEngine, kind: Kind) -> None:
    assert kind.create(memory, map(mapping, kind.records(3))) == 3


def test_last_seen_may_be_left_out(memory: StorageEngine) -> None:
    records: Iterable[Any] = [
        {"distinct_id": "a", "properties": {}},
        {"distinct_id": "b", "properties": {}, "last_seen": None},
    ]
    memory.create_profiles_table("people", records, metadata=_profiles())
    assert memory.execute_rows("SELECT last_seen FROM people") == [(None,), (None,)]


def _profiles() -> Any:
    return EVENTS.other.metadata()


def test_both_kinds_live_side_by_side(memory: StorageEngine, kind: Kind) -> None:
    kind.create(memory, kind.records(3), "one")
    kind.create(memory, kind.records(4), "two")
    kind.other.create(memory, kind.other.records(5), "three")
    counts = {info.name: (info.type, info.row_count) for info in memory.list_tables()}
    assert counts == {"one": (kind.name, 3), "two": (kind.name, 4), "three": (kind.other.name, 5)}


@pytest.mark.parametrize("second", ["same", "other"])
def test_a_taken_name_is_refused_unread(second: str, loaded: StorageEngine, kind: Kind) -> None:
    before = dump(loaded)
    newcomer = kind if second == "same" else kind.other
    with pytest.raises(TableExistsError, match="data") as caught:
        newcomer.create(loaded, NeverStarted())
    assert caught.value.table_name == "data"
    assert dump(loaded) == before


@pytest.mark.duckdb_only
def test_a_name_that_differs_by_case_alone_is_taken(loaded: StorageEngine, kind: Kind) -> None:
    with pytest.raises(TableExistsError):
        kind.create(loaded, NeverStarted(), "DATA")
    assert loaded.table_exists("DATA")


@pytest.mark.parametrize("what", ["TABLE", "VIEW"])
def test_a_name_the_user_gave_elsewhere_is_taken(
    what: str, memory: StorageEngine, kind: Kind
) -> None:
    memory.execute_rows(f"CREATE {what} data AS SELECT 1 AS x")
    with pytest.raises(TableExistsError):
        kind.create(memory, NeverStarted())
    assert memory.execute_scalar("SELECT x FROM data") == 1


def test_metadata_of_the_other_kind_is_refused(memory: StorageEngine, kind: Kind) -> None:
    with pytest.raises(ValueError, match=kind.name):
        kind.create(memory, NeverStarted(), meta=kind.other.metadata())
    assert memory.list_tables() == []


@pytest.mark.parametrize("batch_size", [0, -1])
def test_a_batch_holds_at_least_one_record(
    batch_size: int, memory: StorageEngine, kind: Kind
) -> None:
    with pytest.raises(ValueError, match="batch_size"):
        kind.create(memory, NeverStarted(), batch_size=batch_size)
    assert not memory.table_exists("data")


def test_a_view_on_the_table_survives_its_loads(memory: StorageEngine, kind: Kind) -> None:
    kind.create(memory, kind.records(3))
    memory.execute_rows("CREATE VIEW seen AS SELECT * FROM data")
    kind.append(memory, kind.records(3, start=3))
    assert memory.execute_scalar("SELECT count(*) FROM seen") == 6
