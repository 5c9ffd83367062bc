"""Which statements are answered from typed rows, and that all give what they gave before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import aliased

from mixpanel_data import StorageEngine
from mixpanel_data.orm import Event
from tests.support.factories import EVENTS, event
from tests.support.typed_rows import from_typed_rows, needs_triggers

pytestmark = [needs_triggers, pytest.mark.slow, pytest.mark.every_variant]

Make = Callable[[Any, Any], Any]


class Data(Event):
    __tablename__ = "data"


N = Data.properties["n"].as_integer()


def _lateral(table: Any, p: Any) -> Any:
    mean = sa.select(sa.func.avg(table.alias("m").c.properties["n"].as_integer()))
    return sa.select(table.c.insert_id).where(p["n"].as_integer() > mean.scalar_subquery())


def _exists(table: Any, p: Any) -> Any:
    other = table.alias("o").c.properties["n"].as_integer()
    return sa.select(table.c.insert_id).where(sa.exists().where(other == p["n"].as_integer() + 1))


def _subquery(table: Any, p: Any) -> Any:
    rows = sa.select(table.c.event_name, p["n"].as_integer().label("n")).subquery()
    return sa.select(rows.c.event_name, sa.func.sum(rows.c.n)).group_by(rows.c.event_name)


def _self_join(table: Any, p: Any) -> Any:
    other = table.alias("o")
    texts = p["plan"].as_string(), other.c.properties["plan"].as_string()
    return sa.select(*texts).join_from(table, other, table.c.insert_id == other.c.insert_id)


def _window(table: Any, p: Any) -> Any:
    rank = sa.func.row_number().over(partition_by=p["plan"].as_string(), order_by=p["n"].as_float())
    return sa.select(p["n"].as_string().label("x"), rank).order_by("x")


def _sample(table: Any, p: Any) -> Any:
    rows = sa.tablesample(table, sa.func.bernoulli(sa.literal_column("100 PERCENT")))
    return sa.select(sa.func.sum(rows.c.properties["n"].as_integer()))


STATEMENTS: dict[str, tuple[bool, Make]] = {
    "group": (True, lambda t, p: sa.select(p["plan"].as_string(), sa.func.count()).group_by(
        p["plan"].as_string())),
    "filter": (True, lambda t, p: sa.select(t.c.insert_id).where(p["n"].as_float() > 3)),
    "distinct": (True, lambda t, p: sa.select(p["plan"].as_string()).distinct()),
    "union": (True, lambda t, p: sa.union_all(
        sa.select(p["n"].as_string()), sa.select(p["plan"].as_string()))),
    "exists": (True, _exists),
    "scalar subquery": (True, _lateral),
    "subquery": (True, _subquery),
    "self-join": (True, _self_join),
    "window": (True, _window),
    "orm": (True, lambda t, p: sa.select(N, Data.event_name).where(N > 2)),
    "orm alias": (True, lambda t, p: sa.select(aliased(Data).properties["n"].as_integer())),
    "unknown key": (False, lambda t, p: sa.select(p["n"].as_string(), p["missing"].as_string())),
    "position": (False, lambda t, p: sa.select(p[("list", 0)].as_string(), p["n"].as_string())),
    "whole rows": (False, lambda t, p: sa.select(t, p["n"].as_string())),
    "whole properties": (False, lambda t, p: sa.select(t.c.properties, p["n"].as_string())),
    "JSON": (False, lambda t, p: sa.select(p["n"], p["plan"].as_string())),
    "sample": (False, _sample),
}  # fmt: skip


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement(memory: StorageEngine, name: str) -> None:
    """In rows, frames and Arrow alike, with the names of the columns."""
    served, make = STATEMENTS[name]
    plans = ("free", "pro", None)
    rows = ({"n": n, "plan": plans[n % 3], "list": [n], "x": n / 4} for n in range(10))
    EVENTS.create(memory, (event(n, properties=p) for n, p in enumerate(rows)))
    table = memory.table("data")
    statement = make(table, table.c.properties)
    expected = memory.query(statement), memory.execute_arrow(statement)
    memory.optimize("data")
    assert from_typed_rows(memory, statement) is served
    assert _in_order(memory.query(statement)) == _in_order(expected[0])
    found = memory.execute_arrow(statement)
    assert found.schema == expected[1].schema
    assert list(memory.execute_df(statement).columns) == found.schema.names
    assert memory.execute_rows(statement).columns == found.schema.names


@pytest.mark.parametrize(
    "bound", [0, 3, -3.0, 2.5, 2**53 - 1, 2**53, float(2**53), -(2**53), 2**63]
)
def test_integers_compared_with_a_number(memory: StorageEngine, bound: float) -> None:
    """As DOUBLE, in which those from 2^53 on are not all different."""
    wholes = [0, 1, 3, -3, *(s * (2**53 + n) for s in (1, -1) for n in (-1, 0, 1, 2)), 2**63 - 1]
    EVENTS.create(memory, (event(n, properties={"n": whole}) for n, whole in enumerate(wholes)))
    table = memory.table("data")
    value = table.c.properties["n"].as_float()
    named: sa.BindParameter[int] = sa.bindparam("other", 1)
    conditions = [value > bound, value >= bound, value < bound, value <= bound, value == bound,
                  value != bound, bound > value, value > named]  # fmt: skip
    asked = [sa.select(table.c.insert_id).where(condition) for condition in conditions]
    expected = [
        _in_order(memory.query(s, {"other": bound} if s is asked[-1] else None)) for s in asked
    ]
    memory.optimize("data")
    assert all(from_typed_rows(memory, statement) for statement in asked)
    found = [
        _in_order(memory.query(s, {"other": bound} if s is asked[-1] else None)) for s in asked
    ]
    assert found == expected


def _in_order(rows: list[Any]) -> list[str]:
    return sorted(map(repr, rows))
