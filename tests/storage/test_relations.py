"""execute gives a DuckDB relation, to be chained and read when needed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import duckdb
import pytest

from mixpanel_data import StorageEngine
from tests.support.factories import EVENTS, events


def test_a_relation_can_be_chained(memory: StorageEngine) -> None:
    EVENTS.create(memory, events(10))
    relation = memory.execute("SELECT event_name, (properties->>'n')::INT AS n FROM data")
    assert isinstance(relation, duckdb.DuckDBPyRelation)
    chained = relation.filter("n > 3").order("n DESC").limit(2)
    assert chained.fetchall() == [("Event 2", 9), ("Event 1", 8)]
    assert relation.aggregate("count(*)").fetchall() == [(10,)]


def test_a_relation_converts_to_every_form(memory: StorageEngine) -> None:
    relation = memory.execute("SELECT 1 AS x")
    assert relation.df()["x"].tolist() == [1]
    assert relation.to_arrow_table().to_pylist() == [{"x": 1}]
    assert relation.columns == ["x"]


def test_errors_while_chaining_are_duckdbs(memory: StorageEngine) -> None:
    with pytest.raises(duckdb.Error):
        memory.execute("SELECT 1 AS x").filter("nothing > 1").fetchall()
    assert memory.execute_scalar("SELECT 1") == 1


def test_a_relation_outlives_other_questions(memory: StorageEngine) -> None:
    relation = memory.execute("SELECT range AS x FROM range(5000)")
    assert relation.limit(1).fetchall() == [(0,)]
    memory.execute_rows("SELECT 1")
    memory.execute_df("SELECT 2")
    EVENTS.create(memory, events(10))
    assert len(relation.fetchall()) == 5000
    assert relation.aggregate("sum(x)").fetchall() == [(12_497_500,)]


def test_any_number_of_relations_can_be_alive(memory: StorageEngine) -> None:
    EVENTS.create(memory, events(10))
    relations = [memory.execute(f"SELECT insert_id, {n} AS n FROM data") for n in range(50)]
    assert memory.execute_scalar("SELECT count(*) FROM data") == 10
    assert EVENTS.append(memory, events(5, start=10)) == 5
    assert [r.aggregate("max(n)").fetchall() for r in relations] == [[(n,)] for n in range(50)]


def test_a_relation_sees_what_was_appended_before_it_is_read(memory: StorageEngine) -> None:
    EVENTS.create(memory, events(10))
    relation = memory.execute("SELECT * FROM data")
    EVENTS.append(memory, events(5, start=10))
    assert len(relation.fetchall()) == 15


def test_every_thread_has_relations_of_its_own(memory: StorageEngine) -> None:
    def ask(n: int) -> list[tuple[int, ...]]:
        relation = memory.execute(f"SELECT range + {n} AS x FROM range(1000)")
        return relation.aggregate("min(x)").fetchall()

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, range(64))) == [[(n,)] for n in range(64)]


def test_relations_read_views_and_temporary_tables(memory: StorageEngine) -> None:
    memory.connection.execute("CREATE TEMPORARY TABLE mine AS SELECT 42 AS x")
    assert memory.execute("SELECT x FROM mine").fetchall() == [(42,)]
