"""Answers from typed rows beside the answers from JSON, and documents that make them differ."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa
from sqlalchemy.schema import CreateSchema

from mixpanel_data import QueryError, StorageEngine
from mixpanel_data._internal.duckdb import VERSION, typed_guard
from mixpanel_data._internal.duckdb.backend import DuckDBBackend
from mixpanel_data._internal.duckdb.database import claim_memory
from mixpanel_data._internal.loading import loader
from mixpanel_data._internal.loading.job import LoadJob, LoadResult
from mixpanel_data._internal.schema import catalog, facets, typed
from mixpanel_data._internal.schema.properties import event_value
from mixpanel_data.types import TableMetadata


def force() -> None:
    """Let every load make typed rows of its table, in its own transaction."""
    record, create_internal = loader._record, catalog.create_internal

    def create_schema_too(connection: sa.Connection) -> None:
        create_internal(connection)
        if typed_guard.can_guard(connection):
            # Two loads at once could not both make it.
            connection.execute(CreateSchema(typed_guard.SCHEMA))

    def record_and_optimize(
        connection: sa.Connection,
        job: LoadJob,
        table: str,
        result: LoadResult,
        before: TableMetadata | None,
    ) -> None:
        record(connection, job, table, result, before)
        every = typed.all_current(connection) if typed_guard.can_guard(connection) else None
        if every is not None and table not in [rows.table for rows in every]:
            # The load's own rows fill what the load claimed.
            claim_memory(connection, 4096)
            typed.build(connection, table, job.kind, typed.choose(connection, table, job.kind))

    loader._record = record_and_optimize
    catalog.create_internal = create_schema_too


needs_triggers = pytest.mark.skipif(
    int(VERSION.partition(".")[0]) < 2, reason="DuckDB before 2.0 has no triggers"
)

Path = str | tuple[str, ...]

# JSON text, since some of it is nothing that Python would write.
HOSTILE = (
    *("null", "true", "false", '"true"', '"t"', "0", "1", "-1", "-0", "-0.0", "0.0", "1.0", "1.50"),
    *("10", "10.0", '"10"', '"10.0"', "1e3", "1E3", '"1e3"', "1e21", "1e-7", "0.0001", "0.00001"),
    *("9007199254740993", "9007199254740992.0", "1e15", "999999999999999.5", "1e16", "123456.789"),
    *("9223372036854775807", "9223372036854775808", "18446744073709551615", "1" * 40),
    *('" 5 "', '"1_000"', '"nan"', '"NaN"', '"inf"', '"-Infinity"', '"+5"', '"0x10"', '"1e+21"'),
    *('""', '"null"', '"a"', '"A"', r'"\u0000"', r'"a\u0000b"', r'"\""', r'"\\"', r'"\/"', '"é"'),
    *(r'"\t\n"', r'"\ud83d\ude00"', '"日本"', '"[1]"', '"{}"', "[]", "{}", "[1,2]"),
    *('["a","a","b"]', '[null]', '{"os":"mac"}', '{"os":{"os":1}}', '"2024-01-01"'),
    *("1.7976931348623157e308", "5e-324", r'"\u001f\u007f"'),
    '"' + "x" * 300 + '"', "0.1", "-123", '"false"', "100000000000000000000.0",
)  # fmt: skip


def ordinary(kind: str, chance: random.Random) -> str:
    """Return the JSON text of a value of a kind of column."""
    number = chance.randrange(1000)
    return {
        "text": json.dumps(f"word {number % 20}"),
        "integer": str(number - 500),
        "fraction": repr(number / 8 + 0.5),
        "number": str(number) if number % 2 else repr(number + 0.25),
        "boolean": "true" if number % 2 else "false",
        "mixed": json.dumps([number, str(number), number / 8, None, True][number % 5]),
    }[kind]


KEYS = {
    "text": "text",
    "integer": "integer",
    "fraction": "fraction",
    "number": "number",
    "boolean": "boolean",
    "mixed": "mixed",
    'odd "key" \\ it\'s': "text",
    "a.b": "integer",
    "TEXT": "integer",
    "ключ": "fraction",
    "$x": "boolean",
}


def documents(count: int, hostile: float, seed: int = 1) -> Iterator[str]:
    """Yield JSON objects, of whose values a part is *hostile*."""
    chance = random.Random(seed)
    for _ in range(count):
        members = {
            key: chance.choice(HOSTILE) if chance.random() < hostile else ordinary(kind, chance)
            for key, kind in KEYS.items()
            if chance.random() < 0.9
        }
        members["device"] = chance.choice(['{"os":"mac","n":1}', '{"os":1}', '{"os":null}', "5"])
        yield "{" + ",".join(f"{json.dumps(k)}:{v}" for k, v in members.items()) + "}"


def questions(table: sa.Table, path: Path) -> Iterator[sa.Select[Any]]:
    """Yield the queries of a property: as each type, and each thing that reports ask of it."""
    value: Any = table.c.properties[path]
    for as_ in ("string", "integer", "float", "boolean"):
        yield sa.select(table.c.insert_id, getattr(value, f"as_{as_}")())
    if isinstance(path, str):
        raw = event_value(table, path)
        yield sa.select(table.c.insert_id, raw)
        for facet in _FACETS:
            yield sa.select(table.c.insert_id, facet(raw))
        for text in ('"10"', '"word 1"', '"\\""'):
            yield sa.select(table.c.insert_id, facets.is_string(raw, sa.literal(text)))


_FACETS: Sequence[Any] = (
    *(facets.number, facets.string, facets.boolean, facets.defined, facets.is_list),
    *(facets.label, facets.segments, facets.first_segment),
)


def answers(engine: StorageEngine, statements: Sequence[sa.Select[Any]]) -> list[Any]:
    """Return what each statement gives, in its order, or which error."""
    found: list[Any] = []
    for statement in statements:
        try:
            table = engine.execute_arrow(statement)
            # As text: a NaN equals nothing.
            found.append((table.schema, [column.cast(pa.string()) for column in table.columns]))
        except QueryError as error:
            found.append(error.details["error_type"])
    return found


def from_typed_rows(engine: StorageEngine, statement: sa.Select[Any]) -> bool:
    """Return whether a statement reads typed rows, as the queries that run tell."""
    seen: list[str] = []
    backend = engine._backend
    assert isinstance(backend, DuckDBBackend)
    connection = backend.database.thread_connection().statements

    def note(_connection: Any, _cursor: Any, sql: str, *_: Any) -> None:
        seen.append(sql)

    sa.event.listen(connection, "before_cursor_execute", note)
    try:
        engine.query(statement)
    finally:
        sa.event.remove(connection, "before_cursor_execute", note)
    return '"_typed_' in seen[-1]
