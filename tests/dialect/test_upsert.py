"""ON CONFLICT over many rows ends as if they had gone in one by one."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects.postgresql import insert

from tests.support.columnar import arrow_tables

totals = sa.Table(
    "totals",
    sa.MetaData(),
    sa.Column("a", sa.String, primary_key=True),
    sa.Column("b", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("n", sa.Integer),
    sa.Column("note", sa.String),
)


@pytest.fixture
def connection(engine: sa.Engine) -> Any:
    totals.metadata.create_all(engine)
    with engine.connect() as connection:
        yield connection


@pytest.fixture(scope="module")
def shared() -> Any:
    engine = sa.create_engine("duckdb+mixpanel_data://")
    totals.metadata.create_all(engine)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def _adding() -> Any:
    new = insert(totals)
    return new.on_conflict_do_update(
        index_elements=["a", "b"], set_={"n": totals.c.n + new.excluded.n}
    )


keys = st.tuples(st.sampled_from(["x", "X", "y"]), st.integers(0, 2))


@pytest.mark.slow
@given(rows=st.lists(st.tuples(keys, st.integers(0, 99)), min_size=8, max_size=60))
def test_sums_come_out_as_row_by_row(
    shared: sa.Connection, rows: list[tuple[tuple[str, int], int]]
) -> None:
    expected: dict[tuple[str, int], int] = {}
    for key, n in rows:
        expected[key] = expected.get(key, 0) + n
    shared.execute(_adding(), [{"a": a, "b": b, "n": n} for (a, b), n in rows])
    stored = shared.execute(sa.select(totals.c.a, totals.c.b, totals.c.n)).all()
    shared.rollback()
    assert {(a, b): n for a, b, n in stored} == expected


@pytest.mark.slow
@given(rows=st.lists(st.tuples(keys, st.integers(0, 99)), min_size=8, max_size=60))
def test_do_nothing_keeps_the_first(
    shared: sa.Connection, rows: list[tuple[tuple[str, int], int]]
) -> None:
    records = [{"a": a, "b": b, "n": n} for (a, b), n in rows]
    with arrow_tables(1):
        shared.execute(insert(totals).on_conflict_do_nothing(), records)
    stored = shared.execute(sa.select(totals.c.a, totals.c.b, totals.c.n)).all()
    shared.rollback()
    assert {(a, b): n for a, b, n in stored} == dict(reversed(rows))


def test_a_constant_beside_the_rows(connection: sa.Connection) -> None:
    rows = [{"a": "x", "b": i, "n": i, "note": "new"} for i in range(50)]
    update = insert(totals).on_conflict_do_update(
        index_elements=["a", "b"], set_={"note": "it's $1"}, where=totals.c.n >= 40
    )
    with arrow_tables(2):
        connection.execute(update, rows)
        connection.execute(update, rows)
    notes = sa.select(totals.c.note, sa.func.count()).group_by(totals.c.note)
    counted = {tuple(row) for row in connection.execute(notes)}
    assert counted == {("new", 40), ("it's $1", 10)}


def test_keys_that_only_the_database_finds_equal(connection: sa.Connection) -> None:
    """Text for a number: "7" and "07" differ in Python."""
    table = sa.Table(
        "numbered", sa.MetaData(), sa.Column("k", sa.Integer, primary_key=True), sa.Column("n")
    )
    connection.exec_driver_sql("CREATE TABLE numbered (k INTEGER PRIMARY KEY, n INTEGER)")
    new = insert(table)
    update = new.on_conflict_do_update(index_elements=["k"], set_={"n": new.excluded.n})
    rows = [{"k": key, "n": n} for n, key in enumerate(["7", "07"] * 10)]
    connection.execute(update, rows)
    assert connection.execute(sa.select(table.c.n)).scalars().all() == [19]


def test_keys_of_a_column_that_ignores_case(connection: sa.Connection) -> None:
    table = sa.Table(
        "caseless",
        sa.MetaData(),
        sa.Column("k", sa.String(collation="nocase"), primary_key=True),
        sa.Column("n", sa.Integer),
    )
    table.metadata.create_all(connection)
    new = insert(table)
    update = new.on_conflict_do_update(index_elements=["k"], set_={"n": new.excluded.n})
    connection.execute(update, [{"k": "aA"[n % 2], "n": n} for n in range(20)])
    stored = connection.execute(sa.select(table.c.n).order_by(table.c.n)).scalars().all()
    assert stored in ([19], [18, 19])


def test_an_expression_among_the_values(connection: sa.Connection) -> None:
    statement = sa.insert(totals).values(
        a=sa.func.upper(sa.bindparam("name")), b=sa.bindparam("number"), n=sa.literal(3) + 4
    )
    with arrow_tables(1):
        connection.execute(statement, [{"name": f"n{i}", "number": i} for i in range(30)])
    stored = connection.execute(sa.select(totals.c.a, totals.c.n).where(totals.c.b == 7)).one()
    assert stored == ("N7", 7)


def test_returning_yields_the_keys(connection: sa.Connection) -> None:
    rows = [{"a": "x", "b": i, "n": i} for i in range(50)]
    returned = connection.execute(sa.insert(totals).returning(totals.c.b), rows).scalars().all()
    assert sorted(returned) == list(range(50))
