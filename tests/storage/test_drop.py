"""Dropping removes a table and its entry; what is internal cannot be dropped."""

from __future__ import annotations

import pytest

from mixpanel_data import StorageEngine
from mixpanel_data.exceptions import TableNotFoundError
from tests.support.factories import Kind, dump

pytestmark = pytest.mark.both_engines(quick=True)


def test_a_dropped_table_is_gone(loaded: StorageEngine, kind: Kind) -> None:
    kind.create(loaded, kind.records(3), "kept")
    loaded.drop_table("data")
    assert not loaded.table_exists("data")
    assert [info.name for info in loaded.list_tables()] == ["kept"]
    assert loaded.execute_rows("SELECT table_name FROM _metadata") == [("kept",)]
    for look in (loaded.get_metadata, loaded.get_schema, loaded.table):
        with pytest.raises(TableNotFoundError):
            look("data")


def test_create_then_drop_leaves_the_database_as_it_was(engine: StorageEngine, kind: Kind) -> None:
    before = dump(engine)
    kind.create(engine, kind.records(3))
    engine.drop_table("data")
    # The history still has the load.
    assert len(engine.loads("data")) == 1
    assert {**dump(engine), "_loads": before["_loads"]} == before


def test_a_dropped_table_is_gone_after_reopening(engine: StorageEngine, kind: Kind) -> None:
    kind.create(engine, kind.records(3))
    engine.drop_table("data")
    assert engine.path
    engine.close()
    with StorageEngine(engine.path) as again:
        assert again.list_tables() == []


def test_nothing_can_be_dropped_twice(loaded: StorageEngine) -> None:
    loaded.drop_table("data")
    with pytest.raises(TableNotFoundError, match="data"):
        loaded.drop_table("data")


@pytest.mark.duckdb_only
def test_a_name_is_found_whatever_its_case(loaded: StorageEngine) -> None:
    loaded.drop_table("DATA")
    assert loaded.list_tables() == []


def test_every_internal_table_is_out_of_reach(loaded: StorageEngine) -> None:
    before = dump(loaded)
    internal = sorted(set(before) - {"data"})
    assert "_metadata" in internal
    assert [info.name for info in loaded.list_tables()] == ["data"]
    for name in internal:
        assert name.startswith("_")
        with pytest.raises(ValueError, match="underscore"):
            loaded.drop_table(name)
    assert dump(loaded) == before


def test_internal_names_cannot_be_made(memory: StorageEngine, kind: Kind) -> None:
    before = dump(memory)
    for call in (kind.create, kind.append):
        with pytest.raises(ValueError, match="underscore"):
            call(memory, kind.records(3), "_mine")
    assert dump(memory) == before


@pytest.mark.duckdb_only
def test_a_table_in_use_by_a_relation_can_be_dropped(loaded: StorageEngine) -> None:
    relation = loaded.execute("SELECT * FROM data")
    relation.fetchall()
    loaded.drop_table("data")
    assert not loaded.table_exists("data")
