"""Many rows go in as one Arrow table; DuckDB's own executemany takes 450 rows a second."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from mixpanel_data._internal.duckdb.dialect import arrow_source
from tests.support.columnar import arrow_tables

things = sa.Table(
    "things",
    sa.MetaData(),
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("n", sa.BigInteger, default=7),
    sa.Column("at", sa.TIMESTAMP),
    sa.Column("day", sa.Date),
    sa.Column("price", sa.Numeric(12, 3)),
    sa.Column("raw", sa.LargeBinary),
    sa.Column("tags", sa.ARRAY(sa.String)),
    sa.Column("doc", sa.JSON),
    sa.Column("ok", sa.Boolean),
    sa.Column("weight", sa.Double),
)


@pytest.fixture
def statements(engine: sa.Engine) -> list[tuple[str, bool]]:
    """Return what reaches the database, and whether as many executions."""
    seen: list[tuple[str, bool]] = []

    @sa.event.listens_for(engine, "before_cursor_execute")
    def note(*told: Any) -> None:
        seen.append((told[2], told[5]))

    return seen


@pytest.fixture
def table(engine: sa.Engine) -> sa.Table:
    things.metadata.create_all(engine)
    return things


def _row(i: int) -> dict[str, Any]:
    return {
        "id": f"id-{i}",
        "n": i,
        "at": datetime(2025, 1, 1) + timedelta(seconds=i),
        "day": date(2025, 1, 1) + timedelta(days=i),
        "price": Decimal(i) / 8,
        "raw": bytes([i % 256]),
        "tags": [str(i), "x"],
        "doc": {"$a": i, "b.c": [None, "é"], "big": 2**70},
        "ok": i % 2 == 0,
        "weight": i / 3,
    }


def test_every_kind_of_value_comes_back(engine: sa.Engine, table: sa.Table) -> None:
    rows = [_row(i) for i in range(100)]
    with engine.begin() as connection:
        connection.execute(sa.insert(table), rows)
    with engine.connect() as connection:
        stored = connection.execute(sa.select(table).order_by(table.c.n)).mappings().all()
    assert [dict(row) for row in stored] == rows


def test_nulls_and_defaults(engine: sa.Engine, table: sa.Table) -> None:
    with engine.begin() as connection:
        connection.execute(sa.insert(table), [{"id": str(i), "doc": None} for i in range(50)])
        stored = connection.execute(sa.select(table.c.n, table.c.at, table.c.tags).distinct()).all()
    assert stored == [(7, None, None)]


def test_a_thousand_rows_are_not_a_thousand_statements(
    engine: sa.Engine, table: sa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mixpanel_data._internal.duckdb.dialect.dbapi import Cursor

    def refuse(*_: object) -> None:
        raise AssertionError("row by row")

    monkeypatch.setattr(Cursor, "executemany", refuse)
    with engine.begin() as connection:
        connection.execute(sa.insert(table), [_row(i) for i in range(1000)])
        connection.execute(
            upsert(table).on_conflict_do_nothing(), [_row(i) for i in range(500, 1500)]
        )
        assert connection.scalar(sa.select(sa.func.count()).select_from(table)) == 1500


def test_the_last_of_repeated_keys_wins(engine: sa.Engine, table: sa.Table) -> None:
    insert = upsert(table)
    update = insert.on_conflict_do_update(index_elements=["id"], set_={"n": insert.excluded.n})
    with engine.begin() as connection:
        connection.execute(update, [{"id": str(i % 20), "n": i} for i in range(100)])
        stored = connection.execute(sa.select(table.c.id, table.c.n)).all()
    assert sorted(stored) == sorted((str(i % 20), i) for i in range(80, 100))


def test_a_failing_row_fails_the_statement(engine: sa.Engine, table: sa.Table) -> None:
    with pytest.raises(sa.exc.IntegrityError), engine.begin() as connection:
        connection.execute(sa.insert(table), [{"id": str(i % 99), "n": i} for i in range(100)])
    with engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(table)) == 0


def test_aware_times_are_stored_in_utc(engine: sa.Engine, table: sa.Table) -> None:
    india = timezone(timedelta(hours=5, minutes=30))
    at = datetime(2025, 1, 1, 5, 30, tzinfo=india)
    with engine.begin() as connection:
        connection.exec_driver_sql("SET TimeZone = 'America/New_York'")
        connection.execute(sa.insert(table), [{"id": str(i), "at": at} for i in range(50)])
        connection.execute(sa.insert(table).values(id="one", at=at))
        stored = connection.execute(sa.select(table.c.at).distinct()).scalars().all()
        assert stored == [datetime(2025, 1, 1)]
        assert connection.scalar(sa.select(sa.func.count()).where(table.c.at >= at)) == 51
        connection.rollback()


def test_the_orm_and_pandas_go_the_same_way(engine: sa.Engine) -> None:
    class Base(DeclarativeBase):
        pass

    class Thing(Base):
        __tablename__ = "orm_things"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]

    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Thing(name=f"n{i}") for i in range(50)])
        session.commit()
        assert session.scalar(sa.select(sa.func.count(Thing.id.distinct()))) == 50
        session.execute(sa.insert(Thing), [{"id": 1000 + i, "name": "bulk"} for i in range(50)])
        session.commit()
        assert session.scalar(sa.select(sa.func.count()).select_from(Thing)) == 100
    frame = pd.DataFrame({"a": range(100), "b": [f"t{i}" for i in range(100)]})
    frame.to_sql("frame", engine, index=False)
    pd.testing.assert_frame_equal(pd.read_sql("SELECT * FROM frame ORDER BY a", engine), frame)


def test_many_batches_in_one_transaction_keep_no_arrow_memory(engine: sa.Engine) -> None:
    table = sa.Table("wide", sa.MetaData(), sa.Column("text", sa.String))
    table.metadata.create_all(engine)
    rows = [{"text": "x" * 1000}] * 1000
    before = pa.total_allocated_bytes()
    with engine.begin() as connection:
        with arrow_tables(20):
            for _ in range(20):
                connection.execute(sa.insert(table), rows)
        assert pa.total_allocated_bytes() - before < 3_000_000


def test_a_reader_is_pulled_lazily_into_one_statement(engine: sa.Engine, table: sa.Table) -> None:
    pulled = []

    def batches() -> Any:
        for i in range(5):
            pulled.append(i)
            yield pa.record_batch({"id": [f"{i}-{j}" for j in range(100)]})

    reader = pa.RecordBatchReader.from_batches(pa.schema([("id", pa.string())]), batches())
    with engine.begin() as connection, arrow_source(connection, reader) as source:
        assert pulled == []
        connection.execute(sa.insert(table).from_select(["id"], sa.select(source.c.id)))
        assert connection.scalar(sa.select(sa.func.count()).select_from(table)) == 500
    assert pulled == [0, 1, 2, 3, 4]


ENDLESS = "SELECT a.range FROM range(10_000_000) a, range(10_000_000)"


@pytest.mark.parametrize("sql", ["SELECT 1", ENDLESS])
@pytest.mark.parametrize("rows", [0, 1])
def test_arrow_data_can_be_lent_after_a_result_left_unread(
    engine: sa.Engine, sql: str, rows: int
) -> None:
    def leave_unread(connection: sa.Connection) -> None:
        with connection.exec_driver_sql(sql) as result:
            result.fetchmany(rows)

    with engine.begin() as connection:
        leave_unread(connection)
        with arrow_source(connection, pa.table({"a": [1, 2]})) as source:
            assert connection.execute(sa.select(source)).all() == [(1,), (2,)]
            leave_unread(connection)
