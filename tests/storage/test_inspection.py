"""What is in the database can be listed and described."""

from __future__ import annotations

import pytest

from mixpanel_data import StorageEngine
from mixpanel_data.exceptions import TableNotFoundError
from mixpanel_data.types import ColumnInfo, TableInfo, TableSchema
from tests.support.factories import EVENTS, FETCHED_AT, Kind

pytestmark = pytest.mark.both_engines(quick=True)

COLUMNS = {
    "events": [
        ColumnInfo("event_name", "VARCHAR", nullable=False, primary_key=False),
        ColumnInfo("event_time", "TIMESTAMP", nullable=False, primary_key=False),
        ColumnInfo("distinct_id", "VARCHAR", nullable=False, primary_key=False),
        ColumnInfo("insert_id", "VARCHAR", nullable=False, primary_key=True),
        ColumnInfo("properties", "JSON", nullable=True, primary_key=False),
    ],
    "profiles": [
        ColumnInfo("distinct_id", "VARCHAR", nullable=False, primary_key=True),
        ColumnInfo("properties", "JSON", nullable=True, primary_key=False),
        ColumnInfo("last_seen", "TIMESTAMP", nullable=True, primary_key=False),
    ],
}


def test_a_new_database_has_no_tables(engine: StorageEngine) -> None:
    assert engine.list_tables() == []
    assert not engine.table_exists("data")


def test_tables_are_listed_by_name(memory: StorageEngine, kind: Kind) -> None:
    for count, name in enumerate(["mid", "zoo", "a1", "a10", "a2", "0"]):
        kind.create(memory, kind.records(count), name)
    listed = memory.list_tables()
    assert [info.name for info in listed] == ["0", "a1", "a10", "a2", "mid", "zoo"]
    assert [info.row_count for info in listed] == [5, 2, 3, 4, 0, 1]


def test_an_entry_describes_the_table(loaded: StorageEngine, kind: Kind) -> None:
    assert loaded.list_tables() == [TableInfo("data", kind.name, 10, FETCHED_AT)]
    assert str(loaded.list_tables()[0].fetched_at.tzinfo) == "UTC"


@pytest.mark.duckdb_only
def test_the_schema_names_types_as_duckdb_does(loaded: StorageEngine, kind: Kind) -> None:
    assert loaded.get_schema("data") == TableSchema("data", COLUMNS[kind.name])


@pytest.mark.duckdb_only
def test_the_schema_is_the_same_after_an_append(loaded: StorageEngine, kind: Kind) -> None:
    kind.append(loaded, kind.records(10, start=5))
    assert loaded.get_schema("data") == TableSchema("data", COLUMNS[kind.name])


@pytest.mark.duckdb_only
def test_the_key_is_enforced_by_the_database(loaded: StorageEngine, kind: Kind) -> None:
    sql = "SELECT constraint_column_names FROM duckdb_constraints() WHERE table_name = 'data'"
    keys = loaded.execute_rows(f"{sql} AND constraint_type = 'PRIMARY KEY'")
    assert keys == [([kind.key],)]


@pytest.mark.parametrize("method", ["get_schema", "get_metadata", "table", "drop_table"])
def test_a_missing_table_is_named(method: str, loaded: StorageEngine) -> None:
    with pytest.raises(TableNotFoundError, match="'nowhere'") as caught:
        getattr(loaded, method)("nowhere")
    assert caught.value.table_name == "nowhere"


def test_tables_exist_or_not(loaded: StorageEngine) -> None:
    assert loaded.table_exists("data") is True
    assert loaded.table_exists("nowhere") is False


@pytest.mark.duckdb_only
def test_columns_the_user_added_are_described(loaded: StorageEngine) -> None:
    loaded.execute_rows('ALTER TABLE data ADD COLUMN "my note" DECIMAL(9, 2)')
    assert loaded.get_schema("data").columns[-1] == ColumnInfo("my note", "DECIMAL(9,2)", True)


@pytest.mark.parametrize("what", ["TABLE", "VIEW"])
@pytest.mark.duckdb_only
def test_a_table_of_the_users_own_is_there_but_not_listed(what: str, memory: StorageEngine) -> None:
    memory.execute_rows(f"CREATE {what} notes AS SELECT 1::BIGINT AS x, [1.5] AS y")
    assert memory.table_exists("notes")
    assert memory.list_tables() == []
    columns = memory.get_schema("notes").columns
    assert [(column.name, column.type) for column in columns] == [
        ("x", "BIGINT"),
        ("y", "DECIMAL(2,1)[]"),
    ]
    with pytest.raises(TableNotFoundError, match="notes"):
        memory.get_metadata("notes")


@pytest.mark.duckdb_only
def test_other_schemas_do_not_count(memory: StorageEngine) -> None:
    memory.execute_rows("CREATE SCHEMA other")
    memory.execute_rows("CREATE TABLE other.data AS SELECT 1 AS x")
    assert not memory.table_exists("data")
    assert EVENTS.create(memory, EVENTS.records(3)) == 3
    assert len(memory.get_schema("data").columns) == 5
    memory.drop_table("data")
    assert memory.execute_scalar("SELECT x FROM other.data") == 1


def test_a_table_dropped_by_hand_is_no_longer_listed(loaded: StorageEngine, kind: Kind) -> None:
    loaded.execute_rows("DROP TABLE data")
    assert loaded.list_tables() == []
    assert not loaded.table_exists("data")
    with pytest.raises(TableNotFoundError):
        loaded.get_metadata("data")
    assert kind.create(loaded, kind.records(4)) == 4
    assert [info.row_count for info in loaded.list_tables()] == [4]


def test_looking_changes_nothing(loaded: StorageEngine) -> None:
    rows = loaded.execute_rows("SELECT * FROM _metadata")
    loaded.list_tables(), loaded.get_schema("data"), loaded.get_metadata("data")
    assert loaded.execute_rows("SELECT * FROM _metadata") == rows
