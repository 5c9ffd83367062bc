"""Statements give with typed rows, and by one parse, what SQLAlchemy's own engine gives."""

from __future__ import annotations

import enum
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Bundle, column_property

from mixpanel_data import StorageEngine
from mixpanel_data.orm import Event
from tests.support.factories import event, metadata
from tests.support.typed_rows import needs_triggers

pytestmark = [pytest.mark.slow, pytest.mark.every_variant]


class Name(enum.Enum):
    A = "a"
    B = "b"


class Data(Event):
    __tablename__ = "data"


class WithPlan(Event):
    __tablename__ = "data"
    plan = column_property(Data.__table__.c.properties["plan"].as_string())


@pytest.fixture(params=[pytest.param(True, marks=needs_triggers), False], ids=["typed", "JSON"])
def engine(request: pytest.FixtureRequest, memory: StorageEngine) -> StorageEngine:
    """Return an engine whose table ``data`` of nine events may have typed rows."""
    plans = ["Pro", "pro", "free"] * 3
    rows: Any = (
        event(n, event_name="ab"[n % 2], properties={"plan": plan, "n": n})
        for n, plan in enumerate(plans)
    )
    memory.create_events_table("data", rows, metadata())
    if request.param:
        memory.optimize("data")
    return memory


T: Any = Data.__table__
P, U = T.c.properties, T.alias("u")
PLAN, N = P["plan"].as_string(), P["n"].as_integer()
OWN: Any = sa.Table(
    "data",
    sa.MetaData(),
    sa.Column("event_name", sa.Enum(Name, values_callable=lambda e: [m.value for m in e])),
    sa.Column("insert_id", sa.String, key="id"),
    sa.Column("properties", sa.JSON, key="p"),
)
OTHER = sa.and_(U.c.insert_id == T.c.insert_id, U.c.properties["plan"].as_string() == "pro")
COUNT = sa.func.count()

STATEMENTS: dict[str, Any] = {
    "label of a property's name": sa.select(sa.func.lower(PLAN).label("plan"), COUNT).group_by(
        "plan"
    ),
    "label in text": sa.select((N % 2).label("n"), COUNT).group_by(sa.text("n")),
    "label of another property": sa.select(PLAN.label("n"), COUNT).group_by("n"),
    "literal column": sa.select(COUNT).where(sa.literal_column("event_name") == "a", N > 1),
    "text about a column": sa.select(PLAN, N).where(sa.text("event_name = 'a'")),
    "text about properties": sa.select(PLAN, N).where(sa.text("properties->>'$.plan' = 'pro'")),
    "a column of no table": sa.select(PLAN, N).order_by(sa.column("event_time")),
    "star": sa.select(sa.literal_column("*"), PLAN, N).select_from(T),
    "rowid": sa.select(sa.literal_column("rowid"), PLAN, N),
    "join": sa.select(PLAN, U.c.properties["n"].as_integer()).join(U, OTHER),
    "outer join": sa.select(PLAN, U.c.properties["n"].as_integer()).outerjoin(U, OTHER),
    "a type of its own": sa.select(OWN.c.event_name, OWN.c.p["n"].as_integer(), OWN.c.id),
    "two properties by keys": sa.select(OWN.c.id, OWN.c.p["n"], OWN.c.p["plan"].as_string()),
    "a hidden table": sa.select(sa.func.count(PLAN)).add_cte(
        sa.select(T.c.event_name, T.c.properties).limit(1).cte("data")
    ),
    "column_property": sa.select(WithPlan.insert_id, WithPlan.plan),
    "column_property and another": sa.select(WithPlan.plan, WithPlan.properties["n"].as_integer()),
    "bundle": sa.select(Bundle("b", Data.insert_id, PLAN), Data.properties["n"].as_integer()),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement(engine: StorageEngine, name: str) -> None:
    statement = STATEMENTS[name]
    with engine.engine.connect() as connection:
        expected = sorted(map(repr, connection.execute(statement)))
    assert sorted(map(repr, engine.query(statement))) == expected
    assert len(engine.execute_df(statement)) == len(expected)


def test_a_key_that_comes_with_the_call(engine: StorageEngine) -> None:
    statement = sa.select(P[sa.bindparam("key", "plan")].as_string(), N).order_by(N)
    assert engine.query(statement)[1] == ("pro", 1)
    assert engine.query(statement, {"key": "n"})[1] == ("1", 1)


@pytest.mark.parametrize("columns", [[T.c.insert_id, N], [T.c.insert_id, N.label("x"), PLAN]])
def test_rows_know_the_columns(engine: StorageEngine, columns: list[Any]) -> None:
    row = engine.query(sa.select(*columns).order_by(N))[2]
    assert [row._mapping[column] for column in columns] == list(row)
    assert row.insert_id == row._mapping["insert_id"] == "id-000002"


@pytest.mark.parametrize("name", ["column_property", "join", "star"])
def test_a_transaction_goes_on(engine: StorageEngine, name: str) -> None:
    """What the fast form of a statement cannot say costs the user nothing."""
    engine.execute_rows("BEGIN")
    engine.execute_rows("DELETE FROM data WHERE insert_id = 'id-000000'")
    engine.query(STATEMENTS[name])
    engine.execute_rows("COMMIT")
    assert engine.execute_scalar("SELECT count(*) FROM data") == 8
