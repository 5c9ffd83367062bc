"""Several properties of a statement come out of one parse of the JSON, as each by its own would."""

from __future__ import annotations

from itertools import pairwise, product
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

from mixpanel_data import QueryError, StorageEngine
from mixpanel_data._internal.schema.properties import event_value
from tests.support.effort import tries
from tests.support.factories import metadata
from tests.support.typed_rows import KEYS, documents

pytestmark = pytest.mark.slow

COUNT, AT_ONCE = tries(1_000, 5_000), 100
# Neighbours are asked for together, so the two booleans stand side by side.
PATHS: list[Any] = [*sorted(KEYS, key=lambda key: KEYS[key] != "boolean"), ("device", "os"), "no"]


@pytest.fixture(scope="module")
def hostile() -> Any:
    """Yield a table of documents that no load would write, and its engine."""
    with StorageEngine.memory() as engine:
        engine.create_events_table("events", [], metadata())
        texts = list(documents(COUNT, 0.003))
        engine.connection.register("rows", pa.table({"n": range(len(texts)), "p": texts}))
        engine.execute_rows(
            "INSERT INTO events SELECT 'e', TIMESTAMP '2024-01-01', 'u', 'i' || n, p FROM rows"
        )
        yield engine, engine.table("events")


def apart(engine: StorageEngine, statement: sa.Select[Any]) -> Any:
    """Return a statement's rows as they are without the library's calls, or the error's type."""
    with engine.engine.connect() as connection:
        try:
            return [tuple(row) for row in connection.execute(statement)]
        except sa.exc.DBAPIError as error:
            return type(error.orig).__name__


def together(engine: StorageEngine, statement: sa.Select[Any]) -> Any:
    """Return what a call of the library gives."""
    try:
        return [tuple(row) for row in engine.query(statement)]
    except QueryError as error:
        return error.details["error_type"]


@pytest.mark.parametrize("as_", ["string", "integer", "float", "boolean", "json"])
def test_properties_of_hostile_documents(hostile: Any, as_: str) -> None:
    engine, table = hostile
    answered = 0
    # An error ends the whole statement: few documents at once.
    for start, (one, other) in product(range(0, COUNT, AT_ONCE), pairwise(PATHS)):
        values = [getattr(table.c.properties[path], f"as_{as_}")() for path in (one, other)]
        text = table.c.properties[other].as_string()
        some = table.c.insert_id.in_([f"i{n}" for n in range(start, start + AT_ONCE)])
        statement = sa.select(table.c.insert_id, *values, text).where(some).order_by("insert_id")
        found = together(engine, statement)
        assert repr(found) == repr(apart(engine, statement)), (one, other)
        answered += isinstance(found, list)
    assert answered


def test_values_that_reports_ask_for(hostile: Any) -> None:
    engine, table = hostile
    raw = [event_value(table, path) for path in PATHS if isinstance(path, str)]
    statement = sa.select(table.c.insert_id, *raw).order_by(table.c.insert_id)
    assert together(engine, statement) == apart(engine, statement)
