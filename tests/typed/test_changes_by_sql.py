"""On a table with typed rows INSERT, UPDATE and DELETE tell what they tell on any other."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa

from mixpanel_data import StorageEngine
from mixpanel_data.orm import Event
from tests.support.factories import events, metadata
from tests.support.typed_rows import needs_triggers

pytestmark = [needs_triggers, pytest.mark.slow, pytest.mark.every_variant]

NEW = {
    **{"event_name": "q", "event_time": datetime(2025, 3, 1), "distinct_id": "z"},
    **{"insert_id": "new", "properties": {}},
}


class Data(Event):
    __tablename__ = "data"


@pytest.fixture(params=[False, True], ids=["plain", "optimized"])
def engine(request: pytest.FixtureRequest, memory: StorageEngine) -> StorageEngine:
    """Return an engine whose table ``data`` of ten events may have typed rows."""
    memory.create_events_table("data", events(10), metadata())
    if request.param:
        memory.optimize("data")
    return memory


CHANGES: dict[str, tuple[Any, int]] = {
    "insert": (sa.insert(Data.__table__).values(NEW), 1),  # type: ignore[arg-type]
    "update": (sa.update(Data).where(Data.insert_id > "id-000007").values(distinct_id="x"), 2),
    "delete": (sa.delete(Data).where(Data.insert_id.in_(["id-000001", "none"])), 1),
    "nothing": (sa.delete(Data).where(Data.insert_id == "none"), 0),
}


@pytest.mark.parametrize("name", CHANGES)
def test_the_number_of_rows(engine: StorageEngine, name: str) -> None:
    change, count = CHANGES[name]
    with engine.engine.connect() as connection:
        assert connection.execute(change).rowcount == count
        connection.rollback()
    assert engine.execute_scalar(change) == count


def test_many_rows_at_once(engine: StorageEngine) -> None:
    rows = [{**NEW, "insert_id": f"new {n}"} for n in range(3)]
    with engine.engine.begin() as connection:
        assert connection.execute(sa.insert(Data), rows).rowcount == 3


def test_an_object_that_changes(engine: StorageEngine) -> None:
    with engine.session() as session, session.begin():
        found = session.get(Data, "id-000003")
        assert found is not None
        found.distinct_id = "changed"
    name = "SELECT distinct_id FROM data WHERE insert_id = 'id-000003'"
    assert engine.execute_scalar(name) == "changed"


def test_a_frame_of_a_change(engine: StorageEngine) -> None:
    assert engine.query(CHANGES["nothing"][0]) == []
    assert engine.execute_df(CHANGES["update"][0]).to_dict("list") == {"Count": [2]}
    assert engine.execute_rows(CHANGES["delete"][0]) == [(1,)]
    assert engine.execute_arrow(CHANGES["nothing"][0]).to_pydict() == {"Count": [0]}
