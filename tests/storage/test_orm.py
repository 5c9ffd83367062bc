"""Event and Profile are mapped over the very tables that the loads make."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
import sqlalchemy.exc
from sqlalchemy.orm import DeclarativeBase, Mapped, Session

from mixpanel_data import StorageEngine
from mixpanel_data.orm import Event, EventMixin, Profile, ProfileMixin, event, profile
from tests.support.factories import EVENTS, PROFILES, Kind

pytestmark = pytest.mark.both_engines


class JanuaryEvent(Event):
    """Events of January."""

    __tablename__ = "events_jan"


class FebruaryEvent(Event):
    """Events of February, in another table."""

    __tablename__ = "events_feb"


class Customer(Profile):
    """Profiles of customers."""

    __tablename__ = "customers"


MAPPED: dict[str, Any] = {"events": JanuaryEvent, "profiles": Customer}


def _shape(table: Any) -> list[tuple[Any, ...]]:
    return [(c.name, str(c.type), type(c.type), c.nullable, c.primary_key) for c in table.columns]


def test_the_classes_have_the_columns_of_the_tables(memory: StorageEngine, kind: Kind) -> None:
    mapped = MAPPED[kind.name]
    kind.create(memory, [], mapped.__tablename__)
    assert _shape(mapped.__table__) == _shape(memory.table(mapped.__tablename__))


def test_the_bases_are_abstract() -> None:
    for base in (Event, Profile):
        assert not hasattr(base, "__table__")
        with pytest.raises(sqlalchemy.exc.SQLAlchemyError):
            sa.select(base)


def test_loaded_rows_are_objects(memory: StorageEngine, kind: Kind) -> None:
    mapped = MAPPED[kind.name]
    records = list(kind.records(3))
    kind.create(memory, records, mapped.__tablename__)
    with memory.session() as session:
        assert isinstance(session, Session)
        key = getattr(mapped, kind.key)
        found = session.scalars(sa.select(mapped).order_by(key)).all()
        assert [{name: getattr(o, name) for name in records[0]} for o in found] == records


def test_attributes_are_typed_columns(memory: StorageEngine) -> None:
    EVENTS.create(memory, EVENTS.records(10), "events_jan")
    statement = (
        sa.select(JanuaryEvent.event_name, JanuaryEvent.event_time)
        .where(JanuaryEvent.properties["n"].as_integer() == 3)
        .order_by(JanuaryEvent.insert_id)
    )
    assert memory.query(statement) == [("Event 3", datetime(2024, 1, 1, 0, 0, 3))]


def test_an_object_is_found_by_its_key(memory: StorageEngine) -> None:
    PROFILES.create(memory, PROFILES.records(3), "customers")
    with memory.session() as session:
        found = session.get(Customer, "user-000001")
        assert found is not None
        assert found.properties == {"n": 1}
        assert session.get(Customer, "nobody") is None


def test_subclasses_have_tables_of_their_own(memory: StorageEngine) -> None:
    EVENTS.create(memory, EVENTS.records(3), "events_jan")
    EVENTS.create(memory, EVENTS.records(4), "events_feb")
    with memory.session() as session:
        counts = [
            session.scalar(sa.select(sa.func.count()).select_from(mapped))
            for mapped in (JanuaryEvent, FebruaryEvent)
        ]
    assert counts == [3, 4]


@pytest.mark.duckdb_only
def test_a_session_writes_on_commit_only(memory: StorageEngine) -> None:
    EVENTS.create(memory, EVENTS.records(3), "events_jan")
    with memory.session() as session:
        session.add(JanuaryEvent(**EVENTS.record(3)))
        session.flush()
        with ThreadPoolExecutor(1) as other:
            seen = other.submit(memory.execute_scalar, "SELECT count(*) FROM events_jan")
        assert seen.result() == 3
        session.rollback()
        session.add_all([JanuaryEvent(**EVENTS.record(n)) for n in (4, 5)])
        session.commit()
    assert memory.execute_scalar("SELECT count(*) FROM events_jan") == 5


def test_errors_of_a_session_are_sqlalchemys(memory: StorageEngine) -> None:
    with memory.session() as session, pytest.raises(sqlalchemy.exc.SQLAlchemyError):
        session.scalars(sa.select(JanuaryEvent)).all()
    assert memory.execute_scalar("SELECT 1") == 1


CELL = """
class Again({base}):
    __tablename__ = "{table}"
    {member}
"""


def _run_cell(kind: Kind, table: str, member: str = "pass") -> Any:
    base = {"events": Event, "profiles": Profile}[kind.name]
    cell = {"Base": base, "Mapped": Mapped, "__name__": "__main__"}
    text = CELL.format(base="Base", table=table, member=member)
    exec(compile(text, "cell", "exec", dont_inherit=True), cell)
    return cell["Again"]


def test_a_class_may_be_declared_again(memory: StorageEngine, kind: Kind) -> None:
    kind.create(memory, kind.records(3), "again")
    before = _run_cell(kind, "again")
    kept = sa.select(before.distinct_id)
    after = _run_cell(kind, "again", "def shout(self): return self.distinct_id.upper()")
    # A statement of before goes together with the class of after: both are over one table.
    assert len(memory.query(kept.where(after.distinct_id.is_not(None)))) == 3
    with memory.session() as session:
        shouted = {found.shout() for found in session.scalars(sa.select(after))}
        said = {found.distinct_id.upper() for found in session.scalars(sa.select(before))}
        assert shouted == said


def test_a_class_declared_again_may_have_other_columns(kind: Kind) -> None:
    plain = list(_run_cell(kind, "changed").__table__.columns.keys())
    more = _run_cell(kind, "changed", "country: Mapped[str]")
    assert {*more.__table__.columns.keys()} == {*plain, "country"}
    more = _run_cell(kind, "changed", "city: Mapped[str]")
    assert {*more.__table__.columns.keys()} == {*plain, "city"}
    assert list(_run_cell(kind, "changed").__table__.columns.keys()) == plain


def test_two_classes_may_be_over_one_table(memory: StorageEngine) -> None:
    class Other(Event):
        __tablename__ = JanuaryEvent.__tablename__

    assert Other.__table__ is JanuaryEvent.__table__


def test_the_class_of_a_table_is_always_the_same(memory: StorageEngine) -> None:
    for kind, made in ((EVENTS, event), (PROFILES, profile)):
        kind.create(memory, kind.records(2), f"some_{kind.name}")
        mapped: Any = made(f"some_{kind.name}")
        assert made(f"some_{kind.name}") is mapped
        assert made("others") is not mapped
        assert _shape(mapped.__table__) == _shape(memory.table(f"some_{kind.name}"))
        with memory.session() as session:
            assert len(session.scalars(sa.select(mapped)).all()) == 2


def test_the_columns_fit_a_base_of_ones_own(memory: StorageEngine) -> None:
    class Base(DeclarativeBase):
        """A project's own."""

    class Happening(EventMixin, Base):
        __tablename__ = "happenings"

    class Person(ProfileMixin, Base):
        __tablename__ = "people"

    for kind, mapped in ((EVENTS, Happening), (PROFILES, Person)):
        kind.create(memory, [], mapped.__tablename__)
        assert _shape(mapped.__table__) == _shape(memory.table(mapped.__tablename__))
    assert set(Base.metadata.tables) == {"happenings", "people"}
