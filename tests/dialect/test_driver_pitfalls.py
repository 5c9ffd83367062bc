"""What DuckDB or duckdb-engine does wrong without a word is an error here, or right."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa

numbers = sa.Table("numbers", sa.MetaData(), sa.Column("n", sa.Float))


@pytest.mark.parametrize("wrong", ["SELECT nothing", "SELEC", "SELECT CAST('x' AS INT)"])
def test_an_aborted_transaction_cannot_be_committed(engine: sa.Engine, wrong: str) -> None:
    numbers.metadata.create_all(engine)
    raised: list[str] = []
    try:
        with engine.begin() as connection:
            connection.execute(sa.insert(numbers).values(n=1))
            with pytest.raises(sa.exc.DBAPIError):
                connection.exec_driver_sql(wrong)
    except sa.exc.DBAPIError as error:
        raised.append(str(error))
    with engine.begin() as connection:
        count = connection.scalar(sa.select(sa.func.count()).select_from(numbers))
        # Some versions go on after an error; then the row is there, and no error was due.
        assert (count, raised) == (1, []) or (count == 0 and "Nothing was committed" in raised[0])
        connection.execute(sa.insert(numbers).values(n=2))


def test_two_results_of_one_connection_stay_whole(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        first = connection.exec_driver_sql("SELECT range FROM range(10000)")
        assert first.fetchone() == (0,)
        for row in connection.exec_driver_sql("SELECT range FROM range(3)"):
            assert connection.exec_driver_sql("SELECT 42").scalar() == 42
            assert row is not None
        assert len(first.fetchall()) == 9999


def test_a_float_has_eight_bytes(engine: sa.Engine) -> None:
    numbers.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(sa.insert(numbers), [{"n": 1.1}, {"n": 1e300}])
        stored = connection.execute(sa.select(numbers.c.n).order_by(numbers.c.n)).scalars().all()
    assert stored == [1.1, 1e300]


def test_integer_keys_count_up(engine: sa.Engine) -> None:
    table = sa.Table(
        "counted",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String),
    )
    table.metadata.create_all(engine)
    with engine.begin() as connection:
        keys = [
            connection.execute(sa.insert(table).values(name="x")).inserted_primary_key
            for _ in range(3)
        ]
    assert [key[0] for key in keys if key] == [1, 2, 3]


def test_autocommit(engine: sa.Engine) -> None:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("CREATE TABLE at_once (a INT)")
    assert sa.inspect(engine).has_table("at_once")


def test_a_savepoint_is_an_error_with_a_remedy(engine: sa.Engine) -> None:
    with (
        engine.begin() as connection,
        pytest.raises(sa.exc.NotSupportedError, match="no savepoints"),
    ):
        connection.begin_nested()


def test_plain_connections_share_the_file(engine: sa.Engine, tmp_path: Path) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t AS SELECT 1 AS a")
        connection.commit()
        with duckdb.connect(str(tmp_path / "data.db")) as plain:
            assert plain.execute("FROM t").fetchall() == [(1,)]


def test_no_extension_is_fetched_for_a_file(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE x (a)")
    engine = sa.create_engine(f"duckdb+mixpanel_data:///{path}")
    with pytest.raises(sa.exc.DBAPIError, match="not a DuckDB database file"):
        engine.connect()


def test_no_extension_is_fetched_for_a_query(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        with pytest.raises(sa.exc.DBAPIError) as caught:
            connection.exec_driver_sql("SELECT ST_Point(1, 2)")
        assert "download" not in str(caught.value).lower()
        connection.rollback()
        setting = connection.exec_driver_sql(
            "SELECT current_setting('autoinstall_known_extensions')"
        )
        assert setting.scalar() is False


def test_sql_cannot_reach_python_variables(engine: sa.Engine) -> None:
    with engine.connect() as connection, pytest.raises(sa.exc.DBAPIError, match="does not exist"):
        connection.exec_driver_sql("SELECT * FROM statement")


def test_threads_share_a_memory_database() -> None:
    from concurrent.futures import ThreadPoolExecutor

    engine = sa.create_engine("duckdb+mixpanel_data:///:memory:")
    held = engine.connect()
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t AS SELECT 1 AS a")

    def count() -> object:
        with engine.connect() as connection:
            return connection.exec_driver_sql("SELECT count(*) FROM t").scalar()

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: count(), range(8))) == {1}
    held.close()
    engine.dispose()


@pytest.mark.parametrize("options", [{}, {"read": True}, {"nowait": True}, {"skip_locked": True}])
def test_locking_rows_is_refused_with_the_reason(
    engine: sa.Engine, options: dict[str, Any]
) -> None:
    numbers.metadata.create_all(engine)
    locking = sa.select(numbers).with_for_update(**options)
    with engine.connect() as connection, pytest.raises(sa.exc.CompileError, match="lock rows"):
        connection.execute(locking)
