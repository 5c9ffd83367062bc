"""Each call gives its own form of result."""

from __future__ import annotations

from datetime import datetime

import pandas as pd
import pyarrow as pa
import pytest

from mixpanel_data import StorageEngine
from mixpanel_data.types import SQLResult
from tests.support.factories import EVENTS, events

pytestmark = pytest.mark.both_engines

TWO = "SELECT * FROM (VALUES (1, 'a'), (2, NULL)) t(x, y) ORDER BY x"
NONE = "SELECT 1 AS x, 'a' AS y WHERE false"


def test_a_dataframe(memory: StorageEngine) -> None:
    frame = memory.execute_df(TWO)
    assert isinstance(frame, pd.DataFrame)
    assert list(frame) == ["x", "y"]
    assert frame["x"].tolist() == [1, 2]
    assert pd.isna(frame["y"].iloc[1])


def test_a_dataframe_of_times(memory: StorageEngine) -> None:
    EVENTS.create(memory, events(3))
    frame = memory.execute_df("SELECT event_time FROM data ORDER BY ALL")
    assert pd.api.types.is_datetime64_dtype(frame["event_time"])
    assert frame["event_time"].iloc[0] == pd.Timestamp(2024, 1, 1)


def test_an_empty_dataframe_keeps_its_columns(memory: StorageEngine) -> None:
    frame = memory.execute_df(NONE)
    assert list(frame) == ["x", "y"]
    assert len(frame) == 0


def test_an_arrow_table(memory: StorageEngine) -> None:
    table = memory.execute_arrow(TWO)
    assert isinstance(table, pa.Table)
    assert table.to_pydict() == {"x": [1, 2], "y": ["a", None]}


def test_an_empty_arrow_table_keeps_its_columns(memory: StorageEngine) -> None:
    table = memory.execute_arrow(NONE)
    assert isinstance(table, pa.Table)
    assert table.column_names == ["x", "y"]
    assert table.num_rows == 0


def test_rows(memory: StorageEngine) -> None:
    result = memory.execute_rows(TWO)
    assert isinstance(result, SQLResult)
    assert result == [(1, "a"), (2, None)]
    assert result.columns == ["x", "y"]
    assert result.rows == [(1, "a"), (2, None)]
    assert result.to_dicts() == [{"x": 1, "y": "a"}, {"x": 2, "y": None}]


@pytest.mark.parametrize("sql", ["SELECT 1 AS n, 2 AS n", "SELECT n, n FROM (SELECT 1 AS n)"])
@pytest.mark.duckdb_only
def test_columns_of_one_name_are_numbered(sql: str, memory: StorageEngine) -> None:
    rows = memory.execute_rows(sql)
    assert rows.to_dicts() == memory.execute_df(sql).to_dict("records")
    assert list(pd.DataFrame(rows)) == ["n", "n_1"]


@pytest.mark.duckdb_only
def test_rows_with_parameters_are_the_same(memory: StorageEngine) -> None:
    result = memory.execute_rows_params("SELECT ? AS x, ? AS y", [1, "a"])
    assert isinstance(result, SQLResult)
    assert result == memory.execute_rows("SELECT $x AS x, $y AS y", {"x": 1, "y": "a"})
    assert result.columns == ["x", "y"]


def test_empty_rows_keep_their_columns(memory: StorageEngine) -> None:
    result = memory.execute_rows(NONE)
    assert result == []
    assert result.columns == ["x", "y"]


def test_properties_are_text_to_sql(memory: StorageEngine) -> None:
    EVENTS.create(memory, events(1))
    assert memory.execute_scalar("SELECT properties FROM data") == '{"n":0}'


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 5", 5),
        ("SELECT NULL", None),
        ("SELECT 1 WHERE false", None),
        ("SELECT ''", ""),
        ("SELECT false", False),
        ("SELECT TIMESTAMP '2024-01-01 00:00:01'", datetime(2024, 1, 1, 0, 0, 1)),
    ],
)
def test_a_scalar(sql: str, expected: object, memory: StorageEngine) -> None:
    found = memory.execute_scalar(sql)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    "sql", ["SELECT 1, 2", "SELECT * FROM range(2)", "SELECT NULL FROM range(2)", TWO]
)
@pytest.mark.duckdb_only
def test_a_scalar_is_one_value(sql: str, memory: StorageEngine) -> None:
    with pytest.raises(ValueError, match=r"row|column"):
        memory.execute_scalar(sql)
    assert memory.execute_scalar("SELECT 1") == 1


@pytest.mark.duckdb_only
def test_a_large_result_is_whole(memory: StorageEngine) -> None:
    sql = "SELECT range AS x, 'row ' || range AS y FROM range(300000)"
    assert memory.execute_rows(sql)[299_999] == (299_999, "row 299999")
    assert len(memory.execute_df(sql)) == memory.execute_arrow(sql).num_rows == 300_000
