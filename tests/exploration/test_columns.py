"""The values of one column, or of an expression."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from mixpanel_data import QueryError, StorageEngine

from .conftest import Make


@pytest.fixture
def storage(memory: StorageEngine) -> StorageEngine:
    """Return an engine of DuckDB's, whose SQL the expressions here are."""
    return memory


ROWS: list[Any] = [
    ("view", "2024-01-01T10:00:00", "ann", {"country": "DE", "n": 1, "a:b %": "x"}),
    ("view", "2024-01-02T10:00:00", "bob", {"country": "US", "n": 2}),
    ("buy", "2024-01-03T10:00:00", "ann", {"country": "DE", "n": None}),
    ("ask", "2024-01-01T09:00:00", "cat", {"n": "many"}),
]


def test_a_column_of_text(make: Make) -> None:
    result = make(ROWS).column_stats("events", "event_name")

    assert (result.table, result.column, result.dtype) == ("events", "event_name", "VARCHAR")
    assert (result.count, result.null_count, result.null_pct) == (4, 0, 0.0)
    assert (result.unique_count, result.unique_pct) == (3, 75.0)
    assert result.top_values == [("view", 2), ("ask", 1), ("buy", 1)]
    assert (result.min, result.max, result.mean, result.std) == (None, None, None, None)
    assert list(result.df.columns) == ["value", "count"]
    assert list(result.to_dict()) == [
        *("table", "column", "dtype", "count", "null_count", "null_pct", "unique_count"),
        *("unique_pct", "top_values", "min", "max", "mean", "std"),
    ]


def test_percentages_have_two_digits(make: Make) -> None:
    rows = [("e", "2024-01-01T00:00:00", "u", {"a": n} if n else {}) for n in range(3)]
    result = make(rows).column_stats("events", "properties->>'$.a'")

    assert (result.count, result.null_count, result.null_pct) == (2, 1, 33.33)
    assert result.unique_pct == 100.0


@pytest.mark.parametrize(
    ("column", "dtype", "least", "greatest", "mean"),
    [
        ("n", "INTEGER", 0.0, 3.0, 1.5),
        ("n::UTINYINT", "UTINYINT", 0.0, 3.0, 1.5),
        ("n::HUGEINT * 10", "HUGEINT", 0.0, 30.0, 15.0),
        ("ratio", "DOUBLE", 0.0, 0.75, 0.375),
        ("price", "DECIMAL(10,2)", 0.0, 3.75, 1.875),
        ("day", "DATE", None, None, None),
        ("label", "VARCHAR", None, None, None),
        ("n > 1", "BOOLEAN", None, None, None),
        ("[n]", "INTEGER[]", None, None, None),
        ("{'n': n}", "STRUCT(n INTEGER)", None, None, None),
    ],
)
def test_numbers_are_for_numbers(
    other: StorageEngine, column: str, dtype: str, least: Any, greatest: Any, mean: Any
) -> None:
    result = other.column_stats("numbers", column)

    assert (result.dtype, result.min, result.max, result.mean) == (dtype, least, greatest, mean)
    assert (result.std is None) == (mean is None)
    json.dumps(result.to_dict())


@pytest.mark.parametrize(
    "column",
    [
        "properties->>'$.country'",
        "properties->>'$.country' -- a comment",
        "CASE WHEN true THEN properties->>'$.country' END",
        "(SELECT properties->>'$.country')",
    ],
)
def test_expressions(make: Make, column: str) -> None:
    result = make(ROWS).column_stats("events", column)

    assert (result.column, result.null_count, result.null_pct) == (column, 1, 25.0)
    assert result.top_values == [("DE", 2), ("US", 1)]


def test_a_colon_and_a_percent_sign_are_what_they_are(make: Make) -> None:
    result = make(ROWS).column_stats("events", "properties->>'$.\"a:b %\"'")

    assert result.top_values == [("x", 1)]
    assert "a:b %\"'" in result.sql


def test_sqlalchemy_expressions_over_the_table(make: Make) -> None:
    storage = make(ROWS)
    country = storage.table("events").c.properties["country"].as_string()
    bare: sa.ColumnElement[str] = sa.column("event_name")

    assert storage.column_stats("events", country).top_values == [("DE", 2), ("US", 1)]
    assert storage.column_stats("events", sa.func.upper(bare)).top_values[0] == ("VIEW", 2)
    table = storage.table("events")
    assert storage.column_stats("events", table.c.event_name, top_n=1).top_values == [("view", 2)]


def test_a_column_whose_name_is_no_identifier(memory: StorageEngine) -> None:
    memory.connection.execute('CREATE TABLE t AS SELECT 1 AS "a b", 2 AS "select"')

    assert memory.column_stats("t", "a b").top_values == [(1, 1)]
    assert memory.column_stats("t", "select").top_values == [(2, 1)]


def test_exactly_how_many_different_values(memory: StorageEngine) -> None:
    memory.connection.execute("CREATE TABLE t AS SELECT i % 12345 AS n FROM range(30000) x(i)")

    assert memory.column_stats("t", "n", top_n=0).unique_count == 12345


def test_the_values_of_nothing(make: Make) -> None:
    result = make().column_stats("events", "event_time")

    assert (result.dtype, result.count, result.null_pct, result.unique_pct) == (
        *("TIMESTAMP", 0, 0.0, 0.0),
    )
    assert (result.top_values, len(result.df)) == ([], 0)


@pytest.mark.parametrize("top_n", [0, 1, 2, 3])
def test_numbers_of_the_whole_do_not_depend_on_top_n(make: Make, top_n: int) -> None:
    result = make(ROWS).column_stats("events", "properties->>'$.country'", top_n=top_n)

    assert (result.count, result.null_count, result.unique_count) == (3, 1, 2)
    assert result.top_values == [("DE", 2), ("US", 1)][:top_n]


def test_a_column_of_nothing_but_null(other: StorageEngine) -> None:
    result = other.column_stats("numbers", "NULL::INTEGER")

    assert (result.count, result.null_count, result.null_pct) == (0, 4, 100.0)
    assert (result.unique_count, result.top_values, result.mean) == (0, [], None)
    with pytest.raises(ValueError, match="top_n"):
        other.column_stats("numbers", "n", top_n=-1)


def test_dates_are_json_ready(other: StorageEngine) -> None:
    result = other.column_stats("numbers", "day", top_n=1)

    assert result.top_values == [(date(2024, 1, 1), 1)]
    assert result.to_dict()["top_values"] == [["2024-01-01", 1]]


@pytest.mark.parametrize(
    "column",
    [
        *("nope", "n +", "", "n)", "n FROM numbers", "sum(n) OVER"),
        "n) FROM numbers; DROP TABLE numbers; SELECT (1",
        "1); DROP TABLE numbers; --",
        "n) FROM numbers UNION ALL SELECT (n",
    ],
)
def test_what_is_no_expression_is_refused_and_runs_nothing(
    other: StorageEngine, column: str
) -> None:
    with pytest.raises(QueryError):
        other.column_stats("numbers", column)

    assert other.execute_scalar("SELECT count(*) FROM numbers") == 4
