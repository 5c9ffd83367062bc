"""An ORM INSERT of many rows stores what the ORM alone would store, in one statement."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, composite, mapped_column

from tests.support.columnar import arrow_tables


class Base(DeclarativeBase):
    pass


class Upper(sa.TypeDecorator[str]):
    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> str:
        return "NONE" if value is None else value.upper()


class Plain(Base):
    __tablename__ = "plain"
    id: Mapped[str] = mapped_column(primary_key=True)
    seen: Mapped[int | None]
    doc: Mapped[Any] = mapped_column(sa.JSON, nullable=True)


class Renamed(Base):
    __tablename__ = "renamed"
    key: Mapped[str] = mapped_column("id", primary_key=True)
    seen: Mapped[int | None] = mapped_column("last seen")


class Defaults(Base):
    __tablename__ = "defaults"
    id: Mapped[int] = mapped_column(primary_key=True)
    seen: Mapped[int | None] = mapped_column(default=7)
    kept: Mapped[int | None] = mapped_column(server_default="8")
    name: Mapped[str | None] = mapped_column(Upper)


class Point:
    def __init__(self, x: int, y: int) -> None:
        self.x, self.y = x, y

    def __composite_values__(self) -> tuple[int, int]:
        return self.x, self.y


class Placed(Base):
    __tablename__ = "placed"
    id: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[Point] = composite(mapped_column("x", sa.Integer), mapped_column("y", sa.Integer))


class Animal(Base):
    __tablename__ = "animals"
    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "animal"}  # noqa: RUF012


class Cat(Animal):
    __mapper_args__ = {"polymorphic_identity": "cat"}  # noqa: RUF012


@pytest.fixture
def session(engine: sa.Engine) -> Iterator[Session]:
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        yield session


def _all(session: Session, kind: type[Base]) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in session.execute(sa.select(kind.__table__).order_by(sa.text("1")))]


def _insert(session: Session, kind: type[Base], rows: list[dict[str, Any]], tables: int) -> None:
    with arrow_tables(tables):
        session.execute(sa.insert(kind), rows)


def test_changing_nulls_are_one_statement(session: Session) -> None:
    rows = [{"id": f"{i:02}", "seen": i if i % 2 else None, "doc": None} for i in range(40)]
    _insert(session, Plain, rows, tables=1)
    assert _all(session, Plain) == [(row["id"], row["seen"], None) for row in rows]
    nulls = "SELECT count(*) FROM plain WHERE json_type(doc) = 'NULL'"
    assert session.scalar(sa.text(nulls)) == 40


def test_rows_are_left_as_they_were_and_counted(session: Session) -> None:
    rows = [{"id": f"{i:02}", "seen": i} for i in range(20)]
    before = [dict(row) for row in rows]
    result = session.execute(sa.insert(Plain), rows, execution_options={"preserve_rowcount": True})
    assert result.rowcount == 20  # type: ignore[attr-defined]
    assert rows == before


def test_rows_with_different_keys(session: Session) -> None:
    rows = [{"id": f"{i:02}", **({"seen": i} if i < 10 else {})} for i in range(20)]
    _insert(session, Plain, rows, tables=2)
    assert _all(session, Plain) == [(row["id"], row.get("seen"), None) for row in rows]


def test_keys_that_are_no_attributes_are_left_out_as_by_the_orm(session: Session) -> None:
    _insert(session, Plain, [{"id": f"{i:02}", "seen": i, "else": 1} for i in range(20)], tables=1)
    assert _all(session, Plain)[:2] == [("00", 0, None), ("01", 1, None)]


def test_attributes_of_other_names(session: Session) -> None:
    _insert(session, Renamed, [{"key": f"{i:02}", "seen": i} for i in range(20)], tables=1)
    assert _all(session, Renamed) == [(f"{i:02}", i) for i in range(20)]


def test_a_none_leaves_a_default_its_place(session: Session) -> None:
    rows = [{"id": None, "seen": None, "kept": None, "name": None} for _ in range(20)]
    session.execute(sa.insert(Defaults), rows)
    assert _all(session, Defaults) == [(i, 7, 8, None) for i in range(1, 21)]


def test_values_beside_defaults(session: Session) -> None:
    rows = [{"id": i, "seen": i, "kept": i, "name": "a"} for i in range(20)]
    _insert(session, Defaults, rows, tables=1)
    _insert(session, Defaults, [{"id": 100 + i} for i in range(20)], tables=1)
    assert _all(session, Defaults) == [
        *((i, i, i, "A") for i in range(20)),
        *((100 + i, 7, 8, None) for i in range(20)),
    ]


def test_composites_and_subclasses(session: Session) -> None:
    _insert(session, Placed, [{"id": f"{i:02}", "at": Point(i, -i)} for i in range(20)], tables=1)
    assert _all(session, Placed) == [(f"{i:02}", i, -i) for i in range(20)]
    _insert(session, Cat, [{"id": f"{i:02}"} for i in range(20)], tables=1)
    assert {kind for _, kind in _all(session, Animal)} == {"cat"}


def test_upserts_and_returning(session: Session) -> None:
    rows = [{"id": f"{i:02}", "seen": i} for i in range(20)]
    _insert(session, Plain, rows, tables=1)
    statement = upsert(Plain)
    later = statement.on_conflict_do_update(
        index_elements=["id"], set_={"seen": statement.excluded.seen + 100}
    )
    session.execute(later, rows)
    assert [row[1] for row in _all(session, Plain)] == [100 + i for i in range(20)]
    more = [{"id": f"x{i}", "seen": i} for i in range(20)]
    stored = session.scalars(sa.insert(Plain).returning(Plain), more).all()
    assert {plain.id for plain in stored} == {row["id"] for row in more}


def test_pending_objects_are_flushed_first(session: Session) -> None:
    session.add(Plain(id="first"))
    session.execute(sa.insert(Plain), [{"id": f"{i:02}"} for i in range(20)])
    assert not session.new
    assert len(_all(session, Plain)) == 21


def test_another_dialect_is_left_alone() -> None:
    engine = sa.create_engine("sqlite://")
    Base.metadata.create_all(engine, [Base.metadata.tables["plain"]])
    seen: list[str] = []
    sa.event.listen(engine, "before_cursor_execute", lambda *told: seen.append(told[2]))
    with Session(engine) as session:
        rows = [{"id": f"{i:02}", "seen": None if i % 2 else i} for i in range(4)]
        session.execute(sa.insert(Plain), rows)
    assert len(seen) == 4
    engine.dispose()
