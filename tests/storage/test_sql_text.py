"""SQL text reaches DuckDB as it is; its parameters are DuckDB's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from mixpanel_data import StorageEngine
from tests.support.factories import EVENTS, events
from tests.support.query_calls import CALLS, Ask

pytestmark = [pytest.mark.slow, pytest.mark.every_value]

VERBATIM = [
    ("SELECT '12:30'", "12:30"),
    ("SELECT '12:30:59.5'::TIME::VARCHAR", "12:30:59.5"),
    ("SELECT '5'::INTEGER", 5),
    ("SELECT ':x'", ":x"),
    ("SELECT 'a:b' -- :nope ? $1", "a:b"),
    ("SELECT /* :nope ? */ 1", 1),
    (r"SELECT '\:'", r"\:"),
    (r"SELECT 'a\b'", r"a\b"),
    ("SELECT '%s %(x)s %%'", "%s %(x)s %%"),
    ("SELECT 10 % 3", 1),
    ("SELECT '?'", "?"),
    ("SELECT '$1 $x'", "$1 $x"),
    ("SELECT $$it's$$", "it's"),
    ("SELECT [1, 2, 3][2:3]", [2, 3]),
    ("SELECT {'a:b': 1}['a:b']", 1),
    ("SELECT 'ü😀\u2028'", "ü😀\u2028"),
    ("SELECT 1;", 1),
    ("  \n SELECT 1 \n ", 1),
    ("WITH x AS (SELECT 1 AS y) SELECT y FROM x", 1),
    ("FROM (VALUES (7)) t(x)", 7),
    ("SELECT list_transform([1, 2], lambda x: x + 1)", [2, 3]),
]


@pytest.mark.parametrize(("sql", "expected"), VERBATIM, ids=[sql for sql, _ in VERBATIM])
@pytest.mark.parametrize("ask", CALLS.values(), ids=CALLS)
def test_nothing_in_the_text_is_taken_for_a_parameter(
    ask: Ask, sql: str, expected: Any, shared: StorageEngine
) -> None:
    assert ask(shared, sql) == [(expected,)]


@pytest.fixture(scope="module")
def data(shared: StorageEngine) -> StorageEngine:
    """Return an engine with a table of ten events."""
    EVENTS.create(shared, events(10))
    return shared


PARAMS: list[tuple[str, Sequence[Any] | Mapping[str, Any], Any]] = [
    ("SELECT ?", [5], 5),
    ("SELECT ?", (5,), 5),
    ("SELECT ? - ?", [5, 3], 2),
    ("SELECT $1 - $2", [5, 3], 2),
    ("SELECT $2 - $1", [5, 3], -2),
    ("SELECT $1 + $1", [5], 10),
    ("SELECT $big - $small", {"small": 3, "big": 5}, 2),
    ("SELECT $x || ':x' || $x", {"x": "a"}, "a:xa"),
    ("SELECT ?", [None], None),
    ("SELECT ?", ["it's; DROP TABLE data --"], "it's; DROP TABLE data --"),
    ("SELECT ?", [datetime(2024, 1, 1, 12, 30)], datetime(2024, 1, 1, 12, 30)),
    ("SELECT year(?)", [date(2024, 1, 1)], 2024),
    ("SELECT ?", [Decimal("1.50")], Decimal("1.50")),
    ("SELECT ?", [True], True),
    ("SELECT ?", [2**40], 2**40),
    ("SELECT list_sum(?)", [[1, 2, 3]], 6),
    ("SELECT count(*) FROM data WHERE event_name = ?", ["Event 1"], 2),
    ("SELECT count(*) FROM data WHERE insert_id IN (SELECT unnest(?))", [["id-000001", "x"]], 1),
    ("SELECT count(*) FROM data WHERE (properties->>'n')::INT < $n", {"n": 4}, 4),
]


@pytest.mark.parametrize(("sql", "params", "expected"), PARAMS, ids=[p[0] for p in PARAMS])
@pytest.mark.parametrize("ask", CALLS.values(), ids=CALLS)
def test_parameters_are_duckdbs_own(
    ask: Ask,
    sql: str,
    params: Sequence[Any] | Mapping[str, Any],
    expected: Any,
    data: StorageEngine,
) -> None:
    assert ask(data, sql, params) == [(expected,)]


def test_statements_that_write_are_kept(engine: StorageEngine) -> None:
    EVENTS.create(engine, events(10))
    engine.execute_rows("CREATE TABLE notes AS SELECT 1 AS x")
    engine.execute_rows("INSERT INTO notes VALUES (?)", [2])
    engine.execute_rows("DELETE FROM data WHERE event_name = $name", {"name": "Event 1"})
    assert engine.path
    engine.close()
    with StorageEngine(engine.path) as again:
        assert again.execute_scalar("SELECT sum(x) FROM notes") == 3
        assert again.execute_scalar("SELECT count(*) FROM data") == 8


def test_json_paths_work_as_in_duckdb(memory: StorageEngine) -> None:
    EVENTS.create(memory, [EVENTS.record(0, properties={"$country": "IN", "a.b": 1, "l": [7, 8]})])
    sql = """SELECT properties->>'$.country' IS NULL, properties->>'$."$country"',
                    properties->>'$."a.b"', (properties->'$.l[1]')::INT FROM data"""
    assert memory.execute_rows(sql) == [(True, "IN", "1", 8)]
