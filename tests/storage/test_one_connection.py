"""All that a thread asks goes through one connection of its own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from mixpanel_data import QueryError, StorageEngine
from mixpanel_data.orm import Event

TEXT = "SELECT a FROM picked"
STATEMENT: sa.Select[Any] = sa.select(sa.column("a", sa.Integer)).select_from(sa.table("picked"))


def _by_session(storage: StorageEngine) -> Any:
    with storage.session() as session:
        return session.scalars(STATEMENT).one()


CALLS: dict[str, Callable[[StorageEngine], Any]] = {
    "execute": lambda storage: storage.execute(TEXT).fetchall()[0][0],
    "execute a statement": lambda storage: storage.execute(STATEMENT).fetchall()[0][0],
    "execute_df": lambda storage: storage.execute_df(TEXT)["a"][0],
    "execute_arrow": lambda storage: storage.execute_arrow(TEXT)["a"][0].as_py(),
    "execute_rows": lambda storage: storage.execute_rows(TEXT)[0][0],
    "execute_scalar": lambda storage: storage.execute_scalar(TEXT),
    "execute_scalar of a statement": lambda storage: storage.execute_scalar(STATEMENT),
    "query text": lambda storage: storage.query(TEXT)[0][0],
    "query a statement": lambda storage: storage.query(STATEMENT)[0][0],
    "session": _by_session,
    "connection": lambda storage: storage.connection.execute(TEXT).fetchall()[0][0],
}
calls = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
text_calls = pytest.mark.parametrize(
    "call", ["execute", "execute_df", "execute_arrow", "execute_rows", "query"]
)


@calls
def test_a_temporary_table_is_seen(
    memory: StorageEngine, call: Callable[[StorageEngine], Any]
) -> None:
    memory.execute_rows("CREATE TEMP TABLE picked AS SELECT 7 AS a")
    assert call(memory) == 7


@calls
def test_a_table_that_a_session_made_temporary_is_seen(
    memory: StorageEngine, call: Callable[[StorageEngine], Any]
) -> None:
    with memory.session() as session:
        session.execute(sa.text("CREATE TEMP TABLE picked AS SELECT 7 AS a"))
        session.commit()
    assert call(memory) == 7


@calls
def test_a_registered_frame_is_seen(
    memory: StorageEngine, call: Callable[[StorageEngine], Any]
) -> None:
    memory.connection.register("picked", pd.DataFrame({"a": [7]}))
    assert call(memory) == 7


@pytest.mark.parametrize("statement", [False, True])
def test_a_setting_is_seen(memory: StorageEngine, statement: bool) -> None:
    memory.execute_rows("SET TimeZone = 'Asia/Tokyo'")
    zone = sa.select(sa.func.current_setting("TimeZone"))
    assert memory.execute_scalar(zone if statement else "SELECT current_setting('TimeZone')")
    with memory.session() as session:
        assert session.scalar(zone) == "Asia/Tokyo"
    assert memory.query(zone)[0][0] == "Asia/Tokyo"


def test_other_threads_have_theirs(memory: StorageEngine) -> None:
    memory.execute_rows("CREATE TEMP TABLE picked AS SELECT 7 AS a")
    with ThreadPoolExecutor(1) as other:
        assert isinstance(other.submit(memory.query, TEXT).exception(), QueryError)
    assert memory.query(TEXT)[0][0] == 7


def test_statements_see_a_transaction_that_text_began(memory: StorageEngine) -> None:
    memory.execute_rows("CREATE TABLE picked AS SELECT 7 AS a")
    memory.connection.execute("BEGIN")
    memory.query(sa.insert(sa.table("picked", sa.column("a"))).values(a=8))
    assert memory.execute_scalar("SELECT count(*) FROM picked") == 2
    memory.connection.execute("ROLLBACK")
    assert memory.execute_scalar("SELECT count(*) FROM picked") == 1


def test_two_sessions_at_once_keep_apart(memory: StorageEngine) -> None:
    memory.execute_rows("CREATE TABLE picked (a INTEGER)")
    insert = sa.text("INSERT INTO picked VALUES (1)")
    count = sa.text("SELECT count(*) FROM picked")
    with memory.session() as first, memory.session() as second:
        first.execute(insert)
        assert second.scalar(count) == 0
        second.rollback()
        first.commit()
        assert second.scalar(count) == 1


def test_rows_of_a_session_that_are_read_on_stay_whole(memory: StorageEngine) -> None:
    with memory.session() as session:
        rows = session.execute(sa.text("SELECT range FROM range(10000)"))
        assert rows.fetchone() == (0,)
        assert memory.execute_scalar("SELECT 1") == 1
        assert memory.query(sa.select(sa.literal(2)))[0][0] == 2
        assert len(rows.fetchall()) == 9999


def test_a_failed_statement_leaves_the_connection_usable(memory: StorageEngine) -> None:
    for ask in (memory.query, memory.execute_df, memory.execute_rows):
        with pytest.raises(QueryError, match="nowhere"):
            ask("SELECT * FROM nowhere")
        with pytest.raises(QueryError, match="nowhere"):
            ask(sa.select(sa.column("a")).select_from(sa.table("nowhere")))
    assert memory.execute_scalar("SELECT 1") == 1


@pytest.mark.parametrize("name", ["params", "sql", "statement", "connection", "result", "self"])
@pytest.mark.parametrize(
    "call", ["execute", "execute_df", "execute_arrow", "execute_rows", "query"]
)
def test_text_sees_no_variable_of_the_library(memory: StorageEngine, call: str, name: str) -> None:
    with pytest.raises(QueryError, match=f"Table with name {name} does not exist"):
        getattr(memory, call)(f"SELECT * FROM {name}")


@pytest.mark.parametrize(
    "call", ["execute", "execute_df", "execute_arrow", "execute_rows", "query"]
)
def test_an_unknown_table_that_is_a_frame_comes_with_the_way_to_name_it(
    memory: StorageEngine, call: str
) -> None:
    cohort = pd.DataFrame({"a": [7]})
    with pytest.raises(QueryError, match=r'connection\.register\("cohort", cohort\)'):
        getattr(memory, call)("SELECT * FROM cohort")
    memory.connection.register("cohort", cohort)
    assert memory.execute_scalar("SELECT a FROM cohort") == 7


def test_an_orm_class_over_a_temporary_table(memory: StorageEngine) -> None:
    memory.execute_rows(
        "CREATE TEMP TABLE picked_events AS SELECT 'e' AS event_name, now()::TIMESTAMP AS"
        " event_time, 'u' AS distinct_id, 'i' AS insert_id, '{\"n\": 1}'::JSON AS properties"
    )

    class PickedEvent(Event):
        __tablename__ = "picked_events"

    with memory.session() as session:
        assert session.scalars(sa.select(PickedEvent)).one().properties == {"n": 1}
    assert memory.query(sa.select(PickedEvent.properties))[0][0] == {"n": 1}
