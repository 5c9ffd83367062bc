"""SQLAlchemy statements are answered by every call, like SQL text."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from mixpanel_data import StorageEngine
from mixpanel_data.exceptions import TableNotFoundError
from tests.support.factories import EVENTS, Kind, events
from tests.support.query_calls import CALLS, Ask, relation

pytestmark = [pytest.mark.slow, pytest.mark.both_engines]

ALL = {**CALLS, "execute": relation}


@pytest.fixture
def data(memory: StorageEngine) -> sa.Table:
    """Return a table of ten events."""
    EVENTS.create(memory, events(10))
    return memory.table("data")


@pytest.mark.parametrize("ask", ALL.values(), ids=ALL)
def test_a_select(ask: Ask, data: sa.Table, memory: StorageEngine) -> None:
    statement = sa.select(sa.func.count()).where(data.c.event_name == "Event 1")
    assert ask(memory, statement) == [(2,)]


@pytest.mark.parametrize("ask", ALL.values(), ids=ALL)
def test_bound_values_of_every_sort(ask: Ask, data: sa.Table, memory: StorageEngine) -> None:
    statement = sa.select(sa.func.min(data.c.insert_id)).where(
        data.c.insert_id.in_(["id-000003", "id-000004"]),
        data.c.event_time > EVENTS.record(0)["event_time"],
        data.c.distinct_id != "it's :x ? $1 %s",
    )
    assert ask(memory, statement) == [("id-000003",)]


@pytest.mark.parametrize("ask", CALLS.values(), ids=CALLS)
def test_parameters_by_name(ask: Ask, data: sa.Table, memory: StorageEngine) -> None:
    statement = sa.select(sa.func.count()).where(data.c.event_name == sa.bindparam("name"))
    assert ask(memory, statement, {"name": "Event 1"}) == [(2,)]
    assert ask(memory, statement, {"name": "none"}) == [(0,)]


@pytest.mark.parametrize("ask", CALLS.values(), ids=CALLS)
def test_a_list_as_a_parameter(ask: Ask, data: sa.Table, memory: StorageEngine) -> None:
    chosen = data.c.event_name.in_(sa.bindparam("names", expanding=True))
    statement = sa.select(sa.func.count()).where(chosen)
    assert ask(memory, statement, {"names": ["Event 1", "Event 2", "it's"]}) == [(4,)]
    assert ask(memory, statement, {"names": []}) == [(0,)]


@pytest.mark.parametrize("ask", CALLS.values(), ids=CALLS)
def test_a_text_construct_binds_as_in_sqlalchemy(ask: Ask, memory: StorageEngine) -> None:
    assert ask(memory, sa.text("SELECT :x || '12:30'").columns(sa.column("z")), {"x": "a"}) == [
        ("a12:30",)
    ]


@pytest.mark.parametrize("ask", ALL.values(), ids=ALL)
def test_an_empty_result(ask: Ask, data: sa.Table, memory: StorageEngine) -> None:
    statement = sa.select(data.c.insert_id).where(data.c.event_name == "none")
    assert ask(memory, statement) in ([], [(None,)])


def test_query_returns_rows_with_names_and_python_values(
    data: sa.Table, memory: StorageEngine
) -> None:
    statement = sa.select(data.c.insert_id, data.c.properties).order_by(data.c.insert_id)
    rows = memory.query(statement)
    assert isinstance(rows, list)
    assert isinstance(rows[3], sa.Row)
    assert (rows[3].insert_id, rows[3].properties) == ("id-000003", {"n": 3})


def test_a_statement_may_write(data: sa.Table, memory: StorageEngine) -> None:
    memory.execute_rows(sa.delete(data).where(data.c.event_name == "Event 1"))
    assert memory.execute_scalar("SELECT count(*) FROM data") == 8


def test_statements_can_join_tables_and_text(memory: StorageEngine) -> None:
    EVENTS.create(memory, events(3))
    EVENTS.other.create(memory, [EVENTS.other.record(0, distinct_id="user-1")], "people")
    data, people = memory.table("data"), memory.table("people")
    statement = sa.select(data.c.insert_id).join(people, people.c.distinct_id == data.c.distinct_id)
    assert memory.execute_rows(statement) == [("id-000001",)]


def test_a_missing_table_is_named(memory: StorageEngine) -> None:
    with pytest.raises(TableNotFoundError, match="nowhere") as caught:
        memory.table("nowhere")
    assert caught.value.table_name == "nowhere"


def test_the_table_has_the_columns_of_its_kind(loaded: StorageEngine, kind: Kind) -> None:
    table = loaded.table("data")
    assert [column.name for column in table.columns] == list(kind.record())
    assert [column.name for column in table.primary_key] == [kind.key]


@pytest.mark.parametrize("what", ["TABLE", "VIEW"])
def test_a_table_of_the_users_own_can_be_selected_from(what: str, memory: StorageEngine) -> None:
    memory.execute_rows(f"CREATE {what} notes AS SELECT 1 AS x, 'a' AS y")
    table = memory.table("notes")
    assert memory.execute_rows(sa.select(table.c.y, table.c.x)) == [("a", 1)]


def test_pandas_reads_and_writes_through_the_engine(data: sa.Table, memory: StorageEngine) -> None:
    import pandas as pd

    frame: Any = pd.read_sql_query("SELECT insert_id FROM data", memory.engine)
    assert len(frame) == 10
    frame.to_sql("ids", memory.engine, index=False)
    assert memory.execute_scalar("SELECT count(*) FROM ids") == 10
