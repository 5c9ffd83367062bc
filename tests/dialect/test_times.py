"""A TIMESTAMP holds UTC, whatever zone a value, the session or the machine is in."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

times = sa.Table(
    "times",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", sa.DateTime),
    sa.Column("instant", sa.TIMESTAMP(timezone=True)),
)
TOKYO = timezone(timedelta(hours=9))
AWARE = datetime(2025, 3, 1, 8, 30, 0, 5, tzinfo=TOKYO)
STORED = datetime(2025, 2, 28, 23, 30, 0, 5)


@pytest.fixture(params=["UTC", "America/New_York"])
def connection(engine: sa.Engine, request: pytest.FixtureRequest) -> Iterator[sa.Connection]:
    times.metadata.create_all(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"SET TimeZone = '{request.param}'")
        yield connection


def _stored(connection: sa.Connection) -> set[datetime]:
    return set(connection.execute(sa.select(times.c.at)).scalars())


@pytest.mark.slow
@pytest.mark.parametrize(
    "value",
    [
        AWARE,
        "2025-03-01T08:30:00.000005+09:00",
        "2025-03-01 08:30:00.000005+09",
        "2025-03-01T08:30:00.000005+0900",
        "2025-02-28T23:30:00.000005Z",
        "2025-02-28T23:30:00.000005",
        STORED,
    ],
    ids=str,
)
@pytest.mark.parametrize("rows", [1, 3, 50])
def test_every_spelling_is_stored_in_utc(
    connection: sa.Connection, value: object, rows: int
) -> None:
    connection.execute(sa.insert(times), [{"id": i, "at": value} for i in range(rows)])
    assert _stored(connection) == {STORED}


@pytest.mark.parametrize("value", [AWARE, AWARE.astimezone(timezone.utc), STORED], ids=str)
def test_a_comparison_is_by_the_instant(connection: sa.Connection, value: datetime) -> None:
    connection.execute(sa.insert(times).values(id=1, at=STORED))
    at = times.c.at
    second = timedelta(seconds=1)
    for condition in (at == value, at.in_([value]), at > value - second, at < value + second):
        assert connection.scalar(sa.select(times.c.id).where(condition)) == 1
    bound = sa.select(times.c.id).where(at == sa.bindparam("at"))
    assert connection.scalar(bound, {"at": value}) == 1


def test_a_literal_is_converted_too(connection: sa.Connection) -> None:
    connection.execute(sa.insert(times).values(id=1, at=AWARE))
    question = sa.select(sa.func.count()).where(times.c.at == AWARE)
    sql = question.compile(connection, compile_kwargs={"literal_binds": True})
    assert connection.exec_driver_sql(str(sql)).scalar() == 1


def test_a_column_with_time_zone_keeps_the_instant(connection: sa.Connection) -> None:
    connection.execute(sa.insert(times), [{"id": i, "instant": AWARE} for i in range(2)])
    connection.execute(sa.insert(times), [{"id": i, "instant": AWARE} for i in range(10, 60)])
    (instant,) = connection.execute(sa.select(times.c.instant).distinct()).scalars()
    assert instant == AWARE
    assert instant.tzinfo is not None


def test_the_orm_stores_utc(engine: sa.Engine) -> None:
    class Base(DeclarativeBase):
        pass

    class Moment(Base):
        __tablename__ = "moments"
        id: Mapped[int] = mapped_column(primary_key=True)
        at: Mapped[datetime]

    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Moment(at=AWARE))
        session.commit()
        assert session.scalars(sa.select(Moment.at)).one() == STORED


@pytest.mark.slow
def test_text_without_types_goes_by_utc_on_any_machine(url: str) -> None:
    code = f"""
import datetime as dt, sqlalchemy as sa
at = dt.datetime(2025, 3, 1, 8, 30, tzinfo=dt.timezone(dt.timedelta(hours=9)))
with sa.create_engine({url!r}).begin() as connection:
    connection.exec_driver_sql("CREATE TABLE t (moment TIMESTAMP)")
    connection.execute(sa.text("INSERT INTO t VALUES (:at)"), {{"at": at}})
    stored = connection.exec_driver_sql("SELECT moment FROM t").scalar()
    assert stored == dt.datetime(2025, 2, 28, 23, 30), stored
"""
    environment = {**os.environ, "TZ": "America/New_York"}
    assert subprocess.run([sys.executable, "-c", code], env=environment).returncode == 0
