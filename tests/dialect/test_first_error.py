"""The error that aborted a transaction is told to whoever uses the transaction later."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from contextlib import suppress

import duckdb
import pandas as pd
import pytest
import sqlalchemy as sa

WRONG = {
    "SELECT nothing FROM plans": 'column "nothing" not found',
    "SELEC 1": "syntax error",
    "INSERT INTO plans VALUES ('free', 2)": "violates primary key constraint",
    "INSERT INTO plans VALUES ('pro', 'cheap')": "Could not convert string 'cheap'",
    "SELECT CAST(plan AS INTEGER) FROM plans": "Could not convert string 'free'",
}


@pytest.fixture
def plans(engine: sa.Engine) -> sa.Engine:
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE plans (plan VARCHAR PRIMARY KEY, price INTEGER)")
        connection.exec_driver_sql("INSERT INTO plans VALUES ('free', 0)")
    return engine


def _aborts(engine: sa.Engine, wrong: str) -> bool:
    """Return whether this version of DuckDB aborts the transaction after such an error."""
    with engine.connect() as connection:
        with suppress(sa.exc.DBAPIError):
            connection.exec_driver_sql(wrong)
        try:
            connection.exec_driver_sql("SELECT 1")
        except sa.exc.DBAPIError:
            return True
    return False


def _commit_after(engine: sa.Engine, act: Callable[[sa.Connection], None]) -> None:
    with engine.begin() as connection, suppress(sa.exc.DBAPIError):
        act(connection)


@pytest.mark.parametrize("wrong", WRONG)
def test_a_commit_after_a_swallowed_error_names_it(plans: sa.Engine, wrong: str) -> None:
    if not _aborts(plans, wrong):
        pytest.skip("this version goes on")

    def swallow(connection: sa.Connection) -> None:
        connection.exec_driver_sql("INSERT INTO plans VALUES ('team', 9)")
        for sql in (wrong, "SELECT 1"):
            with suppress(sa.exc.DBAPIError):
                connection.exec_driver_sql(sql)

    with pytest.raises(sa.exc.DBAPIError, match="Nothing was committed") as caught:
        _commit_after(plans, swallow)
    assert WRONG[wrong] in str(caught.value)
    assert caught.value.orig is not None
    assert WRONG[wrong] in str(caught.value.orig.__cause__)
    with plans.begin() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM plans").scalar() == 1


@pytest.mark.parametrize("wrong", WRONG)
def test_the_next_statement_names_it(plans: sa.Engine, wrong: str) -> None:
    if not _aborts(plans, wrong):
        pytest.skip("this version goes on")
    with plans.connect() as connection:
        with suppress(sa.exc.DBAPIError):
            connection.exec_driver_sql(wrong)
        for _ in range(2):
            with pytest.raises(sa.exc.DBAPIError, match="The earlier error: ") as caught:
                connection.exec_driver_sql("SELECT 1")
            assert str(caught.value).count(WRONG[wrong]) == 1


def test_of_several_errors_the_one_that_aborted_is_named(plans: sa.Engine) -> None:
    with plans.connect() as connection:
        for sql in ("SELECT nothing", "SELECT CAST('word' AS INT)", "SELEC", "SELECT 1"):
            with suppress(sa.exc.DBAPIError):
                connection.exec_driver_sql(sql)
        aborting = "nothing" if _aborts(plans, "SELECT nothing") else "word"
        with pytest.raises(sa.exc.DBAPIError, match=f"The earlier error: .*{aborting}"):
            connection.commit()


def test_an_error_while_rows_are_read_or_many_are_inserted(plans: sa.Engine) -> None:
    late = "SELECT CAST(CASE WHEN range < 99999 THEN '1' ELSE 'late' END AS INT) FROM range(100000)"
    table = sa.table("plans", sa.column("plan"), sa.column("price"))

    def read(connection: sa.Connection) -> None:
        connection.exec_driver_sql(late).all()

    def insert(connection: sa.Connection) -> None:
        connection.execute(sa.insert(table), [{"plan": "new", "price": i} for i in range(20)])

    for act, words in ((read, "late"), (insert, "new")):
        with pytest.raises(sa.exc.DBAPIError, match=f"(?s)Nothing was committed.*{words}"):
            _commit_after(plans, act)


def test_pandas_names_the_wrong_column(plans: sa.Engine) -> None:
    frame = pd.DataFrame({"plan": ["team"], "cost": [0]})
    with pytest.raises((sa.exc.SQLAlchemyError, pd.errors.DatabaseError)) as caught:
        frame.to_sql("plans", plans, index=False, if_exists="append")
    told = "".join(traceback.format_exception(caught.value))
    assert 'column with name "cost"' in told


def test_an_error_before_a_rollback_is_forgotten(plans: sa.Engine) -> None:
    with plans.connect() as connection:
        with suppress(sa.exc.DBAPIError):
            connection.exec_driver_sql("SELECT CAST('first' AS INT)")
        connection.rollback()
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.begin()
        with suppress(duckdb.Error):
            driver.execute("SELECT CAST('second' AS INT)")
        with pytest.raises(sa.exc.DBAPIError) as caught:
            connection.exec_driver_sql("SELECT 1")
        assert "first" not in str(caught.value)
        connection.rollback()


def test_an_error_outside_of_transactions_is_not_kept(plans: sa.Engine) -> None:
    with plans.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        with suppress(sa.exc.DBAPIError):
            connection.exec_driver_sql("SELECT CAST('first' AS INT)")
        connection.exec_driver_sql("INSERT INTO plans VALUES ('team', 9)")
        assert connection.exec_driver_sql("SELECT count(*) FROM plans").scalar() == 2
