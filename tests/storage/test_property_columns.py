"""Property columns on ClickHouse: the same answers with them as without."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from mixpanel_data import QueryError, StorageEngine, TableNotFoundError
from mixpanel_data._internal.schema import facets
from tests.support import clickhouse
from tests.support.factories import event, metadata

pytestmark = pytest.mark.clickhouse

# Text of each kind, and what looks like another kind.
VALUES: list[Any] = [
    *(1, 1.0, -0.0, 2.5, 1e300, 123456789012345678, True, False, None, "", "1", "1.0", "true"),
    *("null", 'q"\n/é', [], [1.0, "a", None], {"b": 1}, "[1]", 1e-7, 5e20),
]
PATHS: list[Any] = ["a", ("o", "b"), "$odd `'\\%{x:y}", "never"]


def _records(numbers: range) -> list[Any]:
    return [
        {
            **event(number),
            "properties": {
                **({} if number == 3 else {"a": VALUES[number % len(VALUES)]}),
                "o": {"b": VALUES[-number % len(VALUES)]},
                "$odd `'\\%{x:y}": "x",
            },
        }
        for number in numbers
    ]


@pytest.fixture
def storage() -> Iterator[StorageEngine]:
    """Yield an engine with a table ``data`` of odd properties."""
    with clickhouse.connect() as engine:
        engine.create_events_table("data", _records(range(len(VALUES))), metadata())
        yield engine


def _answers(storage: StorageEngine) -> list[Any]:
    """Return what is read of each property in every way."""
    table = storage.table("data")
    alias = table.alias("others")
    found: list[Any] = []
    for path in PATHS:
        for rows in (table, alias):
            value = rows.c.properties[path]
            raw = facets.json_value(value)
            ways = [
                value,
                value.as_string(),
                *(facet(raw) for facet in (facets.number, facets.string, facets.boolean)),
                *(facet(raw) for facet in (facets.label, facets.key, facets.first_segment)),
            ]
            statement = sa.select(rows.c.insert_id, *ways).order_by(rows.c.insert_id)
            found.append(storage.execute_rows(statement))
            found.append(storage.execute_arrow(statement).to_pylist())
            grouped = sa.select(value.as_string().label("v"), sa.func.count()).group_by("v")
            found.append(sorted(map(str, storage.query(grouped))))
            found.append(storage.execute_rows(sa.select(sa.func.count()).where(raw == '"1"')))
    return found


def _columns(storage: StorageEngine) -> list[str]:
    return [column.name for column in storage.typed_columns("data")][5:]


@pytest.mark.slow
def test_the_answers_are_those_of_the_documents(storage: StorageEngine) -> None:
    before = _answers(storage)

    assert storage.optimize("data", PATHS) == PATHS[:3]
    assert _columns(storage) == ["_json_a", "_json_o.b", "_json_$odd `'\\%{x:y}"]
    assert _answers(storage) == before

    storage.append_events_table("data", _records(range(100, 120)), metadata())
    assert len(_columns(storage)) == 3
    with_columns = _answers(storage)
    assert storage.optimize("data", ["a"]) == ["a"]
    assert _columns(storage) == ["_json_a"]
    assert _answers(storage) == with_columns
    assert storage.optimize("data", limit=0) == []
    assert _columns(storage) == []
    assert _answers(storage) == with_columns


def test_columns_are_read_and_documents_are_not(storage: StorageEngine) -> None:
    storage.optimize("data", ["a"])
    text = sa.select(storage.table("data").c.properties["a"].as_string())
    storage.engine.dispose()
    with storage.engine.connect() as connection:
        connection.exec_driver_sql("ALTER TABLE data MODIFY COLUMN `_json_a` MATERIALIZED '\"7\"'")
        connection.exec_driver_sql(
            "ALTER TABLE data MATERIALIZE COLUMN `_json_a` SETTINGS mutations_sync = 2"
        )

    assert set(storage.execute_rows(text)) == {("7",)}
    assert "_json_a" not in storage.sql_text(text)


def test_the_commonest_are_chosen(storage: StorageEngine) -> None:
    records: list[Any] = [
        {
            **event(number),
            "properties": {
                "os": ["iOS", "Android"][number % 2],
                "plan": number % 3 if number % 4 else None,
                "id": f"{number:040}",
                "long": "x" * 200 + str(number % 3),
                "list": [number % 2],
                **({"rare": 1} if not number else {}),
            },
        }
        for number in range(400)
    ]
    storage.create_events_table("many", records, metadata())

    assert storage.optimize("many") == ["os", "plan"]
    assert storage.optimize("many", limit=1) == ["os"]


def test_what_cannot_be_optimized(storage: StorageEngine) -> None:
    with pytest.raises(TableNotFoundError):
        storage.optimize("none")
    with pytest.raises(ValueError, match="limit"):
        storage.optimize("data", limit=-1)
    storage.execute_rows("CREATE TABLE other (properties String) ENGINE = Memory")
    with pytest.raises(ValueError, match="not made by this library"):
        storage.optimize("other")


def test_a_column_that_goes_meanwhile(
    storage: StorageEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mixpanel_data._internal.clickhouse import properties

    monkeypatch.setattr(properties, "columns_of", lambda *_: {("a",): "_json_a"})
    table = storage.table("data")
    found = storage.execute_rows(sa.select(table.c.properties["a"]).order_by(table.c.insert_id))

    assert next(json.loads(row[0]) for row in found if row[0]) == VALUES[0]
    with pytest.raises(QueryError, match="nowhere"):
        storage.execute_rows(sa.select(table.c.properties["a"], sa.column("nowhere")))
