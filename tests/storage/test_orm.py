"""Event and Profile are mapped over the very tables that the loads make."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
import sqlalchemy.exc
from sqlalchemy.orm import Session

from mixpanel_data import StorageEngine
from mixpanel_data.orm import Event, Profile
from tests.support.factories import EVENTS, PROFILES, Kind


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
