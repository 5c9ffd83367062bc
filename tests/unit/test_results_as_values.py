"""What the library returns is plain, frozen, and converts to JSON."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from collections.abc import Callable
from typing import Any

import orjson
import pandas as pd
import pytest

from mixpanel_data.types import ColumnInfo, SQLResult, TableInfo, TableSchema
from tests.support.factories import FETCHED_AT

COLUMN = ColumnInfo("insert_id", "VARCHAR", nullable=False, primary_key=True)
INFO = TableInfo("jan", "events", 5, FETCHED_AT)
SCHEMA = TableSchema("jan", [COLUMN])
TOLD: list[tuple[Any, dict[str, Any]]] = [
    (
        COLUMN,
        {"name": "insert_id", "type": "VARCHAR", "nullable": False, "primary_key": True},
    ),
    (
        INFO,
        {
            "name": "jan",
            "type": "events",
            "row_count": 5,
            "fetched_at": "2024-03-01T12:30:00+00:00",
        },
    ),
    (SCHEMA, {"table_name": "jan", "columns": [COLUMN.to_dict()]}),
]


@pytest.mark.parametrize(("value", "expected"), TOLD, ids=lambda part: type(part).__name__)
def test_a_value_converts_to_json(value: Any, expected: dict[str, Any]) -> None:
    assert value.to_dict() == expected
    assert json.loads(json.dumps(value.to_dict())) == expected


@pytest.mark.parametrize("value", [COLUMN, INFO, SCHEMA], ids=lambda value: type(value).__name__)
def test_a_value_is_frozen(value: Any) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, dataclasses.fields(value)[0].name, "other")


def _result() -> SQLResult:
    return SQLResult(["x", "y"], [(1, "a"), (2, None)])


def test_a_result_is_a_list_of_tuples() -> None:
    result = _result()
    assert isinstance(result, list)
    assert result == [(1, "a"), (2, None)]
    assert (len(result), result[1], list(result)) == (2, (2, None), [(1, "a"), (2, None)])
    assert result.rows == [(1, "a"), (2, None)]


def test_a_result_knows_its_columns() -> None:
    assert _result().columns == ["x", "y"]
    assert SQLResult(("x",), []).columns == ["x"]


def test_a_result_converts_to_dicts() -> None:
    assert _result().to_dicts() == [{"x": 1, "y": "a"}, {"x": 2, "y": None}]
    assert SQLResult(["x"], []).to_dicts() == []


def test_a_result_converts_to_json() -> None:
    told = json.loads(json.dumps(_result().to_dict()))
    assert told["columns"] == ["x", "y"]
    assert told["rows"] == [[1, "a"], [2, None]]


NAMES = {
    "twice": (["n", "n"], ["n", "n_1"]),
    "three times": (["n", "m", "n", "n"], ["n", "m", "n_1", "n_2"]),
    "a number is taken": (["n", "n", "n_1"], ["n", "n_2", "n_1"]),
    "empty": (["", ""], ["", "_1"]),
    "no identifiers": (["count(*)", "count(*)"], ["count(*)", "count(*)_1"]),
}


@pytest.mark.parametrize(("given", "distinct"), NAMES.values(), ids=NAMES)
def test_equal_names_lose_no_value(given: list[str], distinct: list[str]) -> None:
    result = SQLResult(given, [tuple(range(len(given)))] * 2)
    assert result.columns == distinct
    assert result.to_dicts() == [dict(zip(distinct, range(len(given)), strict=True))] * 2
    frame = pd.DataFrame(result)
    assert frame.columns.tolist() == distinct
    assert frame.to_numpy().tolist() == [list(row) for row in result]


def test_a_result_without_rows_is_false() -> None:
    assert not SQLResult(["x"], [])
    assert _result()


def test_a_result_crosses_processes() -> None:
    twin = pickle.loads(pickle.dumps(_result()))
    assert twin == _result()
    assert twin.columns == ["x", "y"]
    assert pd.DataFrame(twin).columns.tolist() == ["x", "y"]


@pytest.mark.parametrize(
    "same",
    [
        lambda result: result,
        lambda result: result[:],
        copy.copy,
        copy.deepcopy,
        lambda result: pickle.loads(pickle.dumps(result)),
        lambda result: result.rows,
    ],
)
def test_a_result_is_json_and_a_frame_with_names(same: Callable[[SQLResult], SQLResult]) -> None:
    result = same(_result())
    assert (
        orjson.loads(orjson.dumps(result))
        == json.loads(json.dumps(result))
        == [[1, "a"], [2, None]]
    )
    assert pd.DataFrame(result).columns.tolist() == ["x", "y"]
    assert [type(row) for row in result.copy()] == [tuple, tuple]


def test_a_part_of_a_result_is_one() -> None:
    part = _result()[1:]
    assert (part, part.columns) == ([(2, None)], ["x", "y"])
    assert pd.DataFrame(part).columns.tolist() == ["x", "y"]
    assert (_result()[-1], [*_result()]) == ((2, None), [(1, "a"), (2, None)])


def test_an_empty_result_has_its_names_for_a_frame() -> None:
    result = SQLResult(["x", "y"], [])
    assert pd.DataFrame(result, columns=result.columns).columns.tolist() == ["x", "y"]
    assert (orjson.dumps(result), list(result), result[:1]) == (b"[]", [], [])


def test_a_notebook_shows_a_result_as_a_table() -> None:
    shown = SQLResult(["n", "<b>"], [(n, None) for n in range(100)])._repr_html_()
    assert shown.count("<tr>") == 61
    assert "&lt;b&gt;" in shown
    assert "40 more rows" in shown
    assert "<th>x</th>" in SQLResult(["x"], [])._repr_html_()
