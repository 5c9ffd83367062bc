"""Whatever changes a table, its typed rows do not answer for what it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
import sqlalchemy as sa

from mixpanel_data import QueryError, StorageEngine
from mixpanel_data._internal.duckdb import typed_guard
from tests.support.effort import some
from tests.support.factories import events, metadata
from tests.support.processes import run
from tests.support.typed_rows import from_typed_rows, needs_triggers

pytestmark = [needs_triggers, pytest.mark.slow, pytest.mark.every_variant]

N = "CAST(properties->>'n' AS BIGINT)"
CHANGES = {
    "insert": "INSERT INTO data SELECT * REPLACE (insert_id || 'x' AS insert_id) FROM data",
    "update": "UPDATE data SET properties = '{\"n\": 1000}' WHERE insert_id = 'id-000003'",
    "upsert": "INSERT OR REPLACE INTO data VALUES"
    " ('e', TIMESTAMP '2024-01-01', 'u', 'id-000003', '{\"n\": 7000}')",
    "delete": "DELETE FROM data WHERE insert_id = 'id-000003'",
    "truncate": "TRUNCATE data",
    "merge": "MERGE INTO data USING (SELECT 'id-000003' AS k) AS s ON data.insert_id = s.k"
    " WHEN MATCHED THEN DELETE",
    "rewrite": "ALTER TABLE data ALTER properties TYPE JSON USING '{\"n\": 5}'",
    "rename column": "ALTER TABLE data RENAME COLUMN distinct_id TO who",
    "add column": "ALTER TABLE data ADD COLUMN more INTEGER",
    "replace": "CREATE OR REPLACE TABLE data AS SELECT * FROM data LIMIT 3",
}
# DuckDB refuses the first on a table with triggers, and notes the second nowhere.
OTHERS = [change for name, change in CHANGES.items() if name not in ("merge", "rewrite")]


@pytest.fixture
def optimized(engine: StorageEngine) -> StorageEngine:
    """Return an engine whose table ``data`` of ten events has typed rows."""
    engine.create_events_table("data", events(10), metadata())
    assert engine.optimize("data") == ["n"]
    return engine


def total(engine: StorageEngine, table: str = "data") -> int | None:
    """Return the sum of a property as a statement gives it."""
    value: Any = engine.table(table).c.properties["n"]
    found: int | None = engine.execute_scalar(sa.select(sa.func.sum(value.as_integer())))
    return found


def is_served(engine: StorageEngine) -> bool:
    """Return whether a query of a property reads typed rows."""
    value: Any = engine.table("data").c.properties["n"]
    return from_typed_rows(engine, sa.select(value.as_integer()))


def check(engine: StorageEngine) -> None:
    """Check that statement and view answer as JSON does, the view with an error where it is old."""
    expected = engine.execute_scalar(f"SELECT sum({N}) FROM data")
    assert total(engine) == expected
    try:
        assert engine.execute_scalar("SELECT sum(n) FROM typed.data") == expected
    except QueryError as error:
        assert "typed" in error.message  # noqa: PT017 - it may or may not be old


def test_answers_come_from_typed_rows(optimized: StorageEngine) -> None:
    assert is_served(optimized)
    assert total(optimized) == 45
    assert optimized.execute_scalar("SELECT sum(n) FROM typed.data") == 45


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_sql_through_the_engine(optimized: StorageEngine, change: str) -> None:
    optimized.execute_rows(change)
    check(optimized)
    assert not is_served(optimized)
    assert not optimized.typed_columns("data")


def as_text(change: str) -> sa.TextClause:
    return sa.text(change.replace(":", r"\:"))


def in_a_session(engine: StorageEngine, change: str) -> None:
    with engine.session() as session, session.begin():
        session.execute(as_text(change))


def on_the_pool(engine: StorageEngine, change: str) -> None:
    with engine.engine.begin() as connection:
        connection.exec_driver_sql(change)


WAYS = [
    StorageEngine.query,
    lambda engine, change: engine.query(as_text(change)),
    in_a_session,
    on_the_pool,
]


@pytest.mark.parametrize("run_sql", WAYS)
@pytest.mark.parametrize("change", ["merge", "rewrite"])
def test_sql_by_sqlalchemy(
    optimized: StorageEngine, change: str, run_sql: Callable[[StorageEngine, str], object]
) -> None:
    """What DuckDB refuses on a table with triggers, or notes nowhere."""
    run_sql(optimized, CHANGES[change])
    check(optimized)
    assert not is_served(optimized)


def test_a_statement_that_names_another_table(optimized: StorageEngine) -> None:
    optimized.execute_rows("CREATE TABLE data_of_others (n INTEGER)")
    optimized.query("ALTER TABLE data_of_others ADD COLUMN data2 INTEGER")
    assert is_served(optimized)


@pytest.mark.parametrize("change", OTHERS)
def test_sql_on_the_connection_itself(optimized: StorageEngine, change: str) -> None:
    optimized.connection.execute(change)
    check(optimized)


@pytest.mark.parametrize("change", some(OTHERS, 4))
def test_another_process(optimized: StorageEngine, db_path: Path, change: str) -> None:
    optimized.close()
    run(f"import duckdb; duckdb.connect({str(db_path)!r}).execute({change!r})")
    with StorageEngine(db_path, read_only=True) as reader:
        check(reader)
    with StorageEngine(db_path) as writer:
        check(writer)
        assert not writer.table_exists("_typed_data")


def _appender(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    rows = pa.table({"a": ["e"], "b": ["2024-01-01"], "c": ["u"], "d": ["i"], "e": ['{"n":4}']})
    connection.append("data", rows.to_pandas())


def _copy(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    file = folder / "rows.json"
    row = {"event_name": "e", "event_time": "2024-01-01", "distinct_id": "u", "insert_id": "i"}
    file.write_text(json.dumps({**row, "properties": {"n": 4}}))
    connection.execute(f"COPY data FROM '{file}'")


def _executemany(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    rows = [["e", "2024-01-01", "u", f"i{n}", '{"n":4}'] for n in range(3)]
    connection.executemany("INSERT INTO data VALUES (?, ?, ?, ?, ?)", rows)


@pytest.mark.parametrize("write", [_appender, _copy, _executemany])
def test_other_roads_into_a_table(
    optimized: StorageEngine, tmp_path: Path, write: Callable[..., None]
) -> None:
    write(optimized.connection.cursor(), tmp_path)
    assert total(optimized) != 45
    check(optimized)


def test_within_a_transaction_and_after_its_rollback(optimized: StorageEngine) -> None:
    optimized.execute_rows("BEGIN")
    optimized.execute_rows(CHANGES["delete"])
    assert total(optimized) == 42
    optimized.execute_rows("ROLLBACK")
    assert total(optimized) == 45
    assert is_served(optimized)


def begin_in_text(engine: StorageEngine) -> Any:
    engine.query(sa.text("BEGIN"))
    return lambda: engine.query("ROLLBACK")


def begin_on_the_connection(engine: StorageEngine) -> Any:
    raw = engine.connection
    assert total(engine) == 45
    raw.begin()
    return raw.rollback


def begin_in_a_session(engine: StorageEngine) -> Any:
    session = engine.session()
    assert not session.connection().closed
    return session.close


@pytest.mark.parametrize("begin", [begin_in_text, begin_on_the_connection, begin_in_a_session])
def test_a_transaction_that_begins_after_queries(
    optimized: StorageEngine, begin: Callable[[StorageEngine], Any]
) -> None:
    assert (total(optimized), total(optimized)) == (45, 45)
    roll_back = begin(optimized)
    assert total(optimized) == 45
    with ThreadPoolExecutor(1) as other:
        other.submit(optimized.execute_rows, CHANGES["delete"]).result()
    # The transaction sees what it saw.
    assert total(optimized) == 45
    roll_back()
    assert total(optimized) == 42


@pytest.mark.parametrize("at", ["BEGIN", "COMMIT"])
def test_ctrl_c_leaves_no_transaction_open(
    optimized: StorageEngine, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    assert (total(optimized), total(optimized)) == (45, 45)
    run_sql = typed_guard._run

    def interrupted(raw: duckdb.DuckDBPyConnection, sql: str) -> Any:
        done = run_sql(raw, sql)
        if sql == at:
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr(typed_guard, "_run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        total(optimized)
    monkeypatch.undo()
    assert total(optimized) == 45
    assert is_served(optimized)


def test_a_change_that_is_not_committed_yet(optimized: StorageEngine) -> None:
    other = optimized.connection.cursor()
    other.execute("BEGIN")
    other.execute(CHANGES["delete"])
    assert total(optimized) == 45
    other.execute("COMMIT")
    assert total(optimized) == 42


def test_an_orm_session(optimized: StorageEngine) -> None:
    table = optimized.table("data")
    with optimized.session() as session, session.begin():
        session.execute(sa.delete(table).where(table.c.insert_id == "id-000003"))
        assert total(optimized) == 42
    assert total(optimized) == 42


@pytest.fixture(params=["temporary table", "temporary view", "relation", "frame", "schema"])
def hidden(request: pytest.FixtureRequest, optimized: StorageEngine) -> StorageEngine:
    """Return an engine on which the table's name stands for something else."""
    assert (total(optimized), total(optimized)) == (45, 45)
    rows = "SELECT 'e' AS event_name, CAST('{\"n\": 1}' AS JSON) AS properties"
    match request.param:
        case "temporary table":
            optimized.execute_rows(f"CREATE TEMPORARY TABLE data AS {rows}")
        case "temporary view":
            optimized.execute_rows(f"CREATE TEMPORARY VIEW data AS {rows}")
        case "relation":
            optimized.execute(rows).query("r", f"CREATE TEMPORARY VIEW data AS {rows}")
        case "frame":
            optimized.connection.register("data", pa.table({"properties": ['{"n":1}']}))
        case _:
            optimized.execute_rows("CREATE SCHEMA other")
            optimized.execute_rows(f"CREATE TABLE other.data AS {rows}")
            optimized.execute_rows("SET search_path = 'other,main'")
    return optimized


def test_another_table_of_the_name(hidden: StorageEngine) -> None:
    columns = sa.Column("properties", sa.JSON)
    value: Any = sa.Table("data", sa.MetaData(), columns).c.properties["n"]
    assert hidden.execute_scalar(sa.select(sa.func.sum(value.as_integer()))) == 1


def test_a_dropped_table_that_is_made_again(optimized: StorageEngine) -> None:
    optimized.execute_rows("DROP TABLE data")
    optimized.execute_rows(
        "CREATE TABLE data (event_name VARCHAR NOT NULL, event_time TIMESTAMP NOT NULL,"
        " distinct_id VARCHAR NOT NULL, insert_id VARCHAR PRIMARY KEY, properties JSON)"
    )
    optimized.execute_rows(CHANGES["upsert"])
    assert total(optimized) == 7000


def test_what_sql_deleted_does_not_stay_in_the_file(
    optimized: StorageEngine, db_path: Path
) -> None:
    optimized.execute_rows(CHANGES["delete"])
    assert optimized.execute_scalar("SELECT count(*) FROM _typed_data") == 10
    optimized.close()
    with StorageEngine(db_path) as engine:
        assert not engine.table_exists("_typed_data")
        assert engine.optimize("data") == ["n"]
        assert engine.execute_scalar("SELECT count(*) FROM _typed_data") == 9


def ask_here(engine: StorageEngine) -> int | None:
    return total(engine)


def ask_on_another_thread(engine: StorageEngine) -> int | None:
    with ThreadPoolExecutor(1) as other:
        return other.submit(total, engine).result()


def ask_another_engine(engine: StorageEngine) -> int | None:
    assert engine.path is not None
    with StorageEngine(engine.path) as other:
        return total(other)


@pytest.mark.parametrize("ask", [ask_here, ask_on_another_thread, ask_another_engine])
def test_a_query_while_a_load_runs(
    optimized: StorageEngine, ask: Callable[[StorageEngine], int | None]
) -> None:
    """The load takes care of old typed rows; to drop them elsewhere would make it fail."""
    optimized.execute_rows(CHANGES["delete"])

    def asking() -> Any:
        yield from events(5, start=10)
        assert ask(optimized) == 42
        yield from events(5, start=15)

    assert optimized.append_events_table("data", asking(), metadata()) == 10
    assert total(optimized) == 42 + sum(range(10, 20))


def test_a_renamed_table(optimized: StorageEngine) -> None:
    """DuckDB itself refuses to rename a table with triggers."""
    optimized.execute_rows("ALTER TABLE data RENAME TO other")
    assert total(optimized, "other") == 45
