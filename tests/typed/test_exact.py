"""Typed rows answer to the letter what JSON answers, errors included."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from mixpanel_data import StorageEngine
from tests.support.effort import only_thorough, some, tries
from tests.support.factories import EVENTS, event, metadata
from tests.support.typed_rows import (
    HOSTILE,
    KEYS,
    answers,
    documents,
    from_typed_rows,
    needs_triggers,
    questions,
)

pytestmark = [needs_triggers, pytest.mark.slow]

NAMES: list[str | tuple[str, ...]] = [*KEYS, ("device", "os"), "missing"]


def fill(engine: StorageEngine, name: str, texts: list[str]) -> sa.Table:
    """Make a table of documents that no load would write, by SQL."""
    engine.create_events_table(name, [], metadata())
    rows = pa.table({"n": range(len(texts)), "p": texts})
    engine.connection.register("rows", rows)
    engine.execute_rows(
        f"INSERT INTO {name} SELECT 'e', TIMESTAMP '2024-01-01', 'u', 'i' || n, p FROM rows"
    )
    return engine.table(name)


def compare(engine: StorageEngine, table: sa.Table, statements: list[Any]) -> None:
    """Check that statements give the same with typed rows and without."""
    engine.optimize(table.name, limit=0)
    expected = answers(engine, statements)
    engine.optimize(table.name, NAMES)
    found = answers(engine, statements)
    for statement, one, other in zip(statements, expected, found, strict=True):
        assert one == other, str(statement)


@pytest.mark.parametrize("hostile", some([0.001, 0.0, 0.03], 1))
def test_thousands_of_documents(memory: StorageEngine, hostile: float) -> None:
    """Whether all values of a property are of one kind, or some of none."""
    table = fill(memory, "events", list(documents(tries(1_000, 20_000), hostile)))
    compare(memory, table, [s for name in NAMES for s in questions(table, name)])
    assert from_typed_rows(memory, sa.select(table.c.properties["text"].as_string()))


@only_thorough
@pytest.mark.parametrize("kind", ["mixed", "text", "integer", "number"])
def test_each_hostile_value_by_itself(memory: StorageEngine, kind: str) -> None:
    """Among many values of a kind, so that the column is of it."""
    texts = list(documents(500, 0))
    texts += [f'{{"{kind}":{value}}}' for value in HOSTILE]
    table = fill(memory, "events", texts)
    key: Any = table.c.properties[kind]
    compare(
        memory,
        table,
        [
            sa.select(getattr(key, f"as_{as_}")()).where(table.c.insert_id == f"i{500 + n}")
            for n in range(len(HOSTILE))
            for as_ in ("string", "integer", "float", "boolean")
        ],
    )


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.just("os"), inner),
    max_leaves=4,
)  # fmt: skip


@settings(max_examples=tries(5, 50))
@given(st.lists(st.fixed_dictionaries({}, optional={"a": values, "A": values}), min_size=1))
def test_any_document(records: list[dict[str, Any]]) -> None:
    """As a load stores it."""
    with StorageEngine.memory() as engine:
        data = [event(n, properties=properties) for n, properties in enumerate(records)]
        EVENTS.create(engine, data, "events")
        table = engine.table("events")
        statements = [s for name in ("a", "A", ("a", "os")) for s in questions(table, name)]
        expected = answers(engine, statements)
        engine.optimize("events", ["a", "A", ("a", "os")])
        assert answers(engine, statements) == expected
