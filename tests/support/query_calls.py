"""The calls that ask, made alike: each gives its result as a list of tuples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from mixpanel_data import StorageEngine

Ask = Callable[..., list[tuple[Any, ...]]]


def _plain(value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime()
    if hasattr(value, "tolist"):
        return value.tolist()
    return None if value is None or value is pd.NaT or value is pd.NA else value


def df(engine: StorageEngine, *question: Any) -> list[tuple[Any, ...]]:
    """Ask ``execute_df``."""
    frame = engine.execute_df(*question).astype(object)
    return [tuple(map(_plain, row)) for row in frame.itertuples(index=False, name=None)]


def scalar(engine: StorageEngine, *question: Any) -> list[tuple[Any, ...]]:
    """Ask ``execute_scalar``."""
    return [(engine.execute_scalar(*question),)]


def rows(engine: StorageEngine, *question: Any) -> list[tuple[Any, ...]]:
    """Ask ``execute_rows``."""
    return list(engine.execute_rows(*question))


def rows_params(engine: StorageEngine, statement: Any, params: Any = None) -> list[tuple[Any, ...]]:
    """Ask ``execute_rows_params``."""
    return list(engine.execute_rows_params(statement, {} if params is None else params))


def arrow(engine: StorageEngine, *question: Any) -> list[tuple[Any, ...]]:
    """Ask ``execute_arrow``."""
    return [tuple(row.values()) for row in engine.execute_arrow(*question).to_pylist()]


def query(engine: StorageEngine, *question: Any) -> list[tuple[Any, ...]]:
    """Ask ``query``."""
    return [tuple(row) for row in engine.query(*question)]


def relation(engine: StorageEngine, statement: Any) -> list[tuple[Any, ...]]:
    """Ask ``execute``, and read the relation."""
    if engine.engine.dialect.name != "duckdb":
        pytest.skip("only DuckDB has relations")
    found: Any = engine.execute(statement)
    # DuckDB gives no relation for a statement without a result.
    return [] if found is None else list(found.fetchall())


CALLS: dict[str, Ask] = {
    "execute_df": df,
    "execute_scalar": scalar,
    "execute_rows": rows,
    "execute_rows_params": rows_params,
    "execute_arrow": arrow,
    "query": query,
}
