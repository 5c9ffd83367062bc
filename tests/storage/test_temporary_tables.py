"""``table`` finds the temporary tables and views of the calling thread, and no others."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from mixpanel_data import StorageEngine, TableNotFoundError
from tests.support.factories import EVENTS, events


@pytest.mark.parametrize("what", ["TABLE", "VIEW"])
def test_a_temporary_table_of_the_thread_is_found(what: str, memory: StorageEngine) -> None:
    memory.execute_rows(f"CREATE TEMP {what} Picked AS SELECT 1 AS a, 'x' AS b")
    table = memory.table("picked")
    assert [(c.name, str(c.type)) for c in table.columns] == [("a", "INTEGER"), ("b", "VARCHAR")]
    assert memory.query(sa.select(table.c.b, table.c.a)) == [("x", 1)]


def test_it_comes_before_a_table_of_the_same_name(memory: StorageEngine) -> None:
    EVENTS.create(memory, events(3))
    memory.execute_rows("CREATE TEMP TABLE data AS SELECT 1 AS a")
    assert memory.table("data").columns.keys() == ["a"]


def test_another_threads_is_not(memory: StorageEngine) -> None:
    memory.execute_rows("CREATE TEMP TABLE picked AS SELECT 1 AS a")
    with ThreadPoolExecutor(1) as other, pytest.raises(TableNotFoundError):
        other.submit(memory.table, "picked").result()


def test_the_search_path_of_the_thread_stays(memory: StorageEngine) -> None:
    memory.execute_rows("CREATE SCHEMA mine")
    memory.execute_rows("USE mine")
    memory.execute_rows("CREATE TABLE notes AS SELECT 1 AS a")
    assert memory.table("notes").columns.keys() == ["a"]
    assert memory.execute_scalar("SELECT current_schema()") == "mine"
