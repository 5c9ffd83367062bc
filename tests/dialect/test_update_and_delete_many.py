"""UPDATE and DELETE of many rows by their key are one statement, with the effect of many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.orm.exc import StaleDataError

from tests.support.columnar import arrow_tables


class Base(DeclarativeBase):
    pass


class Thing(Base):
    __tablename__ = "Things of mine"
    id: Mapped[str] = mapped_column("the id", primary_key=True)
    part: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seen: Mapped[int | None] = mapped_column("from", default=0)
    doc: Mapped[Any] = mapped_column(sa.JSON, nullable=True)
    tags: Mapped[list[str] | None] = mapped_column(sa.ARRAY(sa.String))


THINGS = Base.metadata.tables["Things of mine"]


def _row(i: int, **values: Any) -> dict[str, Any]:
    return {"id": f"i{i:02}", "part": i % 3, **values}


@pytest.fixture
def session(engine: sa.Engine) -> Iterator[Session]:
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.execute(sa.insert(Thing), [_row(i, doc={"n": i}, tags=["x"]) for i in range(40)])
        session.commit()
        yield session


def _seen(session: Session) -> list[Any]:
    return list(session.scalars(sa.select(Thing.seen).order_by(Thing.id)))


def test_a_bulk_update_of_the_orm(session: Session) -> None:
    changes = [_row(i, seen=i * 10, doc={"big": 2**70}, tags=["y", str(i)]) for i in range(20)]
    with arrow_tables(1):
        session.execute(sa.update(Thing), changes)
    session.commit()
    things = session.scalars(sa.select(Thing).order_by(Thing.id)).all()
    assert [thing.seen for thing in things] == [*(i * 10 for i in range(20)), *[0] * 20]
    assert [things[3].doc, things[3].tags] == [{"big": 2**70}, ["y", "3"]]
    assert [things[30].doc, things[30].tags] == [{"n": 30}, ["x"]]


def test_changed_and_deleted_objects(session: Session) -> None:
    things = session.scalars(sa.select(Thing).order_by(Thing.id)).all()
    for number, thing in enumerate(things):
        thing.seen = number
    with arrow_tables(1):
        session.commit()
    assert _seen(session) == list(range(40))
    for thing in things[10:]:
        session.delete(thing)
    with arrow_tables(1):
        session.commit()
    assert _seen(session) == list(range(10))


def test_the_last_of_repeated_keys_wins(session: Session) -> None:
    changes = [{**_row(i % 10), "seen": i} for i in range(40)]
    session.execute(sa.update(Thing), changes)
    assert _seen(session)[:11] == [*range(30, 40), 0]


def test_repeated_keys_add_up(session: Session) -> None:
    add = (
        sa.update(THINGS)
        .where(THINGS.c["the id"] == sa.bindparam("key"))
        .values({"from": THINGS.c["from"] + sa.bindparam("by")})
    )
    rows = [{"key": f"i{i % 2:02}", "by": i} for i in range(40)]
    result = session.connection().execute(add, rows)
    assert result.rowcount == 40
    assert _seen(session)[:3] == [sum(range(0, 40, 2)), sum(range(1, 40, 2)), 0]


def test_a_row_that_is_not_there_is_not_passed_over(session: Session) -> None:
    with pytest.raises(StaleDataError, match="expected to update 20 row"):
        session.execute(sa.update(Thing), [_row(i + 30, seen=1) for i in range(20)])


@pytest.mark.parametrize("keys", [[None] * 10, [1] * 10, [1.0] * 10, ["1"] * 10, [1, "1"] * 5])
def test_keys_of_any_type_match_what_they_match_one_by_one(
    session: Session, keys: list[Any]
) -> None:
    session.execute(sa.delete(Thing))
    session.execute(sa.insert(Thing), [{"id": text, "part": 0} for text in ("1", "1.0")])
    session.commit()
    delete = sa.delete(THINGS).where(
        THINGS.c["the id"] == sa.bindparam("key", type_=sa.types.NullType())
    )
    rows = [{"key": key} for key in keys]
    one_by_one = sum(session.connection().execute(delete, row).rowcount for row in rows)
    session.rollback()
    assert session.connection().execute(delete, rows).rowcount == one_by_one


def test_other_conditions_go_row_by_row(session: Session) -> None:
    table = sa.table("Things of mine", *(sa.column(name) for name in ("the id", "part", "from")))
    later = (
        sa.update(table)
        .where(table.c.part > sa.bindparam("least"), table.c["the id"] == sa.bindparam("key"))
        .values({"from": sa.bindparam("new")})
    )
    rows = [{"least": 0, "key": f"i{i:02}", "new": 5} for i in range(30)]
    with arrow_tables(0):
        result = session.connection().execute(later, rows)
    assert result.rowcount == 20
    assert sum(_seen(session)) == 100
