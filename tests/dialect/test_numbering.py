"""Integer keys number themselves, in Core, in the ORM, and after reflection."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    pass


class Owner(Base):
    __tablename__ = "owner's"
    id: Mapped[int] = mapped_column(primary_key=True)
    pets: Mapped[list[Pet]] = sa.orm.relationship(back_populates="owner")


class Pet(Base):
    __tablename__ = "pet"
    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    owner_id: Mapped[int] = mapped_column(sa.ForeignKey("owner's.id"))
    owner: Mapped[Owner] = sa.orm.relationship(back_populates="pets")


def test_a_flush_fills_in_the_keys_of_a_graph(engine: sa.Engine) -> None:
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        owners = [Owner(pets=[Pet(), Pet()]) for _ in range(20)]
        session.add_all(owners)
        session.flush()
        assert [owner.id for owner in owners] == list(range(1, 21))
        assert {pet.owner_id for owner in owners for pet in owner.pets} == set(range(1, 21))
        session.commit()


def test_tables_and_their_counters_come_and_go_together(engine: sa.Engine) -> None:
    for _ in range(2):
        Base.metadata.create_all(engine)
        assert len(sa.inspect(engine).get_sequence_names()) == 2
        with Session(engine) as session:
            session.add(owner := Owner())
            session.commit()
            assert owner.id == 1
        Base.metadata.drop_all(engine)
        assert sa.inspect(engine).get_sequence_names() == []


def test_a_reflected_table_goes_on_counting(engine: sa.Engine) -> None:
    Base.metadata.create_all(engine)
    table = sa.Table("owner's", sa.MetaData(), autoload_with=engine)
    with engine.begin() as connection:
        for expected in (1, 2):
            assert connection.execute(sa.insert(table)).inserted_primary_key == (expected,)
    table.to_metadata(sa.MetaData(), name="copy").create(engine)
    copy: Any = sa.Table("copy", sa.MetaData(), autoload_with=engine)
    with engine.begin() as connection:
        assert connection.execute(sa.insert(copy)).inserted_primary_key == (1,)


@pytest.mark.parametrize("key", [True, False])
def test_identity_starts_and_steps_as_asked(engine: sa.Engine, key: bool) -> None:
    table = sa.Table(
        "steps",
        sa.MetaData(),
        sa.Column("n", sa.Integer, sa.Identity(start=10, increment=5), primary_key=key),
        sa.Column("name", sa.String),
    )
    table.create(engine)
    with engine.begin() as connection:
        connection.execute(sa.insert(table), [{"name": str(i)} for i in range(20)])
        stored = connection.execute(sa.select(table.c.n).order_by(table.c.n)).scalars().all()
    assert stored == list(range(10, 110, 5))


def test_another_schema_counts_for_itself(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.schema.CreateSchema("annex"))
    tables = [
        sa.Table("t", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), schema=schema)
        for schema in (None, "annex")
    ]
    with engine.begin() as connection:
        for table in tables:
            table.create(connection)
            connection.execute(sa.insert(table))
            assert connection.scalar(sa.select(table.c.id)) == 1


def test_temporary_tables_count_too(engine: sa.Engine) -> None:
    table = sa.Table(
        "brief",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True),
        prefixes=["TEMPORARY"],
    )
    with engine.begin() as connection:
        table.create(connection)
        connection.execute(sa.insert(table))
        assert connection.scalar(sa.select(table.c.id)) == 1
    assert sa.inspect(engine).get_sequence_names() == []
