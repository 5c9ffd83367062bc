"""Transactions, their results, and the driver's connection below them."""

from __future__ import annotations

import threading

import duckdb
import pytest
import sqlalchemy as sa

kept = sa.Table("kept", sa.MetaData(), sa.Column("k", sa.Integer, primary_key=True))
BIG = "SELECT range FROM range(20000)"


@pytest.fixture
def table(engine: sa.Engine) -> sa.Table:
    kept.metadata.create_all(engine)
    return kept


def test_the_driver_connection_shares_the_transaction(engine: sa.Engine, table: sa.Table) -> None:
    with engine.connect() as connection:
        connection.execute(sa.insert(table).values(k=1))
        driver = connection.connection.driver_connection
        assert isinstance(driver, duckdb.DuckDBPyConnection)
        assert driver.execute("SELECT count(*) FROM kept").fetchone() == (1,)


def test_an_error_on_the_driver_connection_cannot_be_committed(
    engine: sa.Engine, table: sa.Table
) -> None:
    with engine.connect() as connection:
        connection.execute(sa.insert(table).values(k=1))
        driver = connection.connection.driver_connection
        assert driver is not None
        with pytest.raises(duckdb.ConstraintException):
            driver.execute("INSERT INTO kept VALUES (1)")
        with pytest.raises(sa.exc.OperationalError, match="Nothing was committed"):
            connection.commit()
        connection.rollback()
        connection.execute(sa.insert(table).values(k=2))
        connection.commit()
        assert connection.execute(sa.select(table.c.k)).scalars().all() == [2]


def test_a_conflict_at_commit_leaves_the_pool_clean(engine: sa.Engine, table: sa.Table) -> None:
    with engine.connect() as late:
        late.execute(sa.insert(table).values(k=1))
        with engine.begin() as early:
            early.execute(sa.insert(table).values(k=1))
        with pytest.raises(sa.exc.DBAPIError):
            late.commit()
        late.rollback()
        late.execute(sa.insert(table).values(k=2))
        late.commit()
    with engine.connect() as connection:
        assert connection.execute(sa.select(table.c.k).order_by(table.c.k)).scalars().all() == [
            1,
            2,
        ]


def test_an_open_result_outlives_a_commit(engine: sa.Engine, table: sa.Table) -> None:
    with engine.connect() as connection:
        result = connection.exec_driver_sql(BIG)
        assert result.fetchone() == (0,)
        connection.execute(sa.insert(table).values(k=1))
        connection.commit()
        assert len(result.fetchall()) == 19999


def test_an_open_result_does_not_outlive_a_rollback(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        result = connection.exec_driver_sql(BIG)
        assert result.fetchone() == (0,)
        connection.rollback()
        with pytest.raises(sa.exc.DBAPIError, match="rolled back"):
            result.fetchall()


def test_a_result_may_be_read_in_pieces_beside_others(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        first = connection.exec_driver_sql(BIG)
        assert first.fetchmany(3) == [(0,), (1,), (2,)]
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
        assert first.fetchmany(2) == [(3,), (4,)]
        assert first.fetchone() == (5,)
        assert len(first.fetchall()) == 19994


@pytest.mark.parametrize("rows", [1, 30])
def test_counts_of_changed_rows(engine: sa.Engine, table: sa.Table, rows: int) -> None:
    with engine.begin() as connection:
        connection.execute(sa.insert(table), [{"k": k} for k in range(rows)])
        update = sa.update(table).values(k=table.c.k + 1000)
        assert connection.execute(update).rowcount == rows
        assert connection.execute(sa.delete(table).where(table.c.k < 1001)).rowcount == 1
        assert not connection.execute(sa.delete(table)).returns_rows


def test_returning_yields_rows_even_when_they_look_like_a_count(
    engine: sa.Engine, table: sa.Table
) -> None:
    with engine.begin() as connection:
        result = connection.exec_driver_sql('INSERT INTO kept VALUES (5) RETURNING k AS "Count"')
        assert result.all() == [(5,)]
        assert connection.exec_driver_sql('SELECT 6 AS "Count"').all() == [(6,)]


def test_isolation_levels(url: str, engine: sa.Engine, table: sa.Table) -> None:
    with engine.connect() as connection:
        assert str(connection.get_isolation_level()) == "SNAPSHOT"
    at_once = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with at_once.connect() as connection, engine.connect() as other:
        connection.execute(sa.insert(table).values(k=1))
        assert other.execute(sa.select(table.c.k)).scalars().all() == [1]
        with pytest.raises(sa.exc.DBAPIError):
            connection.execute(sa.insert(table), [{"k": 2}] * 20)
        with pytest.raises(sa.exc.DBAPIError, match="does not exist"):
            connection.exec_driver_sql("SELECT * FROM rows_of_this_insert")
    at_once.dispose()


def test_threads_write_side_by_side(engine: sa.Engine, table: sa.Table) -> None:
    def write(start: int) -> None:
        for batch in range(5):
            with engine.begin() as connection:
                rows = [{"k": start + batch * 20 + i} for i in range(20)]
                connection.execute(sa.insert(table), rows)

    threads = [threading.Thread(target=write, args=(n * 1000,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(table)) == 400
