"""What the authors of revisions can rely on: every registered table, and rebuilding it whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from mixpanel_data._internal.maintenance import migrate
from tests.support.files import contents, without_keys

pytestmark = pytest.mark.slow

Revise = Callable[[Any], None]


@contextmanager
def _operations(path: Path) -> Iterator[Any]:
    engine = sa.create_engine(sa.URL.create("duckdb+mixpanel_data", database=str(path)))
    try:
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"live_connection": connection})
            with context.begin_transaction():
                yield Operations(context)
    finally:
        engine.dispose()


def test_tables_are_walked_by_kind(newest: Path) -> None:
    with _operations(newest) as op:
        assert [table.name for table in op.managed_tables("events")] == ["events_jan", "order"]
        assert [table.name for table in op.managed_tables("profiles")] == ["profiles"]
        found = {table.name: table.info for table in op.managed_tables()}
    assert found["order"] == {"kind": "events", "rows": 15}
    assert len(found) == 3


def test_a_table_that_is_gone_is_not_walked(newest: Path) -> None:
    with duckdb.connect(str(newest)) as connection:
        connection.execute("DROP TABLE profiles")
    with _operations(newest) as op:
        assert op.managed_tables("profiles") == []


def test_a_rebuilt_table_is_whole(newest: Path) -> None:
    before = contents(newest)
    _rebuild_all(newest)
    assert contents(newest) == before


def test_a_column_can_be_added_where_an_index_forbids_it(newest: Path) -> None:
    with _operations(newest) as op:
        for table in op.managed_tables("events"):
            column = sa.Column("weight", sa.BigInteger, nullable=False, server_default="7")
            with op.rebuild_table(table) as batch:
                batch.add_column(column)
    after = contents(newest)
    with duckdb.connect(str(newest), read_only=True) as connection:
        assert connection.execute("SELECT DISTINCT weight FROM events_jan").fetchall() == [(7,)]
    assert after["indexes"] == [("events_jan", "CREATE INDEX by_name ON events_jan(event_name);")]
    assert ("events_jan", "January, the whole month") in after["tables"]


@pytest.mark.parametrize(("key", "columns"), [(False, []), ("insert_id", ["insert_id"])])
def test_a_key_can_be_taken_away_and_given_back(
    key: str | bool, columns: list[str], newest: Path
) -> None:
    before = contents(newest)
    with _operations(newest) as op:
        for table in op.managed_tables("events"):
            with op.rebuild_table(table, primary_key=key):
                pass
    after = contents(newest)
    keys = {name: key for name, kind, key in after["keys"] if kind == "PRIMARY KEY"}
    assert keys.get("order", []) == keys.get("events_jan", []) == columns
    assert without_keys(after) == without_keys(before)


def test_a_rebuild_that_fails_names_the_cause_and_leaves_the_table(newest: Path) -> None:
    with duckdb.connect(str(newest)) as connection:
        connection.execute("CREATE TABLE child (id VARCHAR REFERENCES profiles (distinct_id))")
    before = contents(newest)
    with pytest.raises(sa.exc.DBAPIError, match="main key table"):
        _rebuild_all(newest)
    assert contents(newest) == before


def _rebuild_all(path: Path) -> None:
    with _operations(path) as op:
        for table in op.managed_tables():
            with op.rebuild_table(table):
                pass


def test_the_history_needs_no_database() -> None:
    first, *_ = migrate.history()
    assert (first.id, first.summary[:10]) == ("0001", "The tables")
