"""table() is one object for as long as the table looks the same."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from mixpanel_data import StorageEngine
from tests.support.factories import Kind

MADE = {
    "a table": "CREATE TABLE t AS SELECT 1 AS a, 'x' AS b",
    "a view": "CREATE VIEW t AS SELECT 1 AS a, 'x' AS b",
    "a temporary table": "CREATE TEMP TABLE t AS SELECT 1 AS a, 'x' AS b",
    "nested types": "CREATE TABLE t AS SELECT 1 AS a, {'x': [1]} AS b, MAP {'k': 1::HUGEINT} AS c",
}


@pytest.mark.parametrize("made", MADE.values(), ids=MADE)
def test_two_calls_are_one_table_of_a_statement(made: str, memory: StorageEngine) -> None:
    memory.connection.execute(made)
    kept = sa.select(memory.table("t").c.a)
    assert memory.query(kept.where(memory.table("t").c.a == 1)) == [(1,)]
    assert memory.table("t") is memory.table("T")


def test_tables_of_a_kind(memory: StorageEngine, kind: Kind) -> None:
    kind.create(memory, kind.records(3), "data")
    kept = sa.select(memory.table("data").c.distinct_id)
    assert len(memory.query(kept.where(memory.table("data").c.distinct_id != ""))) == 3


CHANGES = {
    "a column more": "ALTER TABLE t ADD COLUMN c INTEGER",
    "a column less": "ALTER TABLE t DROP COLUMN b",
    "another type": "ALTER TABLE t ALTER COLUMN b TYPE VARCHAR",
    "another name": "ALTER TABLE t RENAME COLUMN b TO c",
    "not null": "ALTER TABLE t ALTER COLUMN b SET NOT NULL",
    "a table anew": "DROP TABLE t; CREATE TABLE t AS SELECT 'x' AS c",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_table_is_seen(change: str, memory: StorageEngine) -> None:
    memory.connection.execute("CREATE TABLE t AS SELECT 1 AS a, 2 AS b")
    before = memory.table("t")
    memory.connection.execute(change)
    after = memory.table("t")
    assert after is not before
    described = memory.execute_rows('SELECT column_name, "null" FROM (DESCRIBE t)')
    assert [(c.name, "YES" if c.nullable else "NO") for c in after.columns] == described


def test_a_table_that_a_user_extended_is_not_given_to_others(memory: StorageEngine) -> None:
    memory.connection.execute("CREATE TABLE t AS SELECT 1 AS a")
    memory.table("t").append_column(sa.Column("more", sa.Integer))
    assert memory.table("t").columns.keys() == ["a"]
