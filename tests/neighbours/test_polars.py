"""polars reads, writes and is registered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from mixpanel_data import StorageEngine

polars = pytest.importorskip("polars", reason="make neighbours installs it")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

READ: dict[str, Callable[[StorageEngine, str], Any]] = {
    "engine": lambda s, sql: polars.read_database(sql, s.engine),
    "connection": lambda s, sql: polars.read_database(sql, s.connection),
    "arrow": lambda s, sql: polars.from_arrow(s.execute_arrow(sql)),
    "rows": lambda s, sql: polars.DataFrame(s.execute_rows(sql)),
    "relation": lambda s, sql: s.execute(sql).pl(),
}


@pytest.mark.parametrize("read", READ.values(), ids=READ)
def test_no_key_of_a_late_row_is_lost(read: Any, storage: StorageEngine) -> None:
    frame = read(storage, "SELECT insert_id, properties FROM events ORDER BY insert_id")
    assert frame.columns == ["insert_id", "properties"]
    assert frame.row(100) == ("id-000100", '{"plan":"pro","coupon":"X"}')


@pytest.mark.parametrize("columns", ["1 AS a", "1 AS a, 2 AS b", "1 AS a, 2 AS a, 3 AS c"])
def test_rows_keep_their_names(columns: str, storage: StorageEngine) -> None:
    rows = storage.execute_rows(f"SELECT {columns} FROM range(2)")
    assert polars.DataFrame(rows).to_dicts() == rows.to_dicts()


def test_a_statement(storage: StorageEngine) -> None:
    events = storage.table("events")
    plan = events.c.properties["plan"].as_string().label("plan")
    statement = sa.select(plan, sa.func.count().label("n")).group_by(plan).order_by(plan)
    frame = polars.read_database(statement, storage.engine)
    assert frame.rows() == [("free", 100), ("pro", 1)]


def test_a_frame_is_written_and_registered(storage: StorageEngine) -> None:
    cohort = polars.DataFrame({"distinct_id": ["user-1", "nobody"]})
    storage.connection.register("cohort", cohort)
    count = "SELECT count(*) FROM events SEMI JOIN {} USING (distinct_id)"
    assert cohort.write_database("kept", storage.engine) == 2
    counts = {storage.execute_scalar(count.format(name)) for name in ("cohort", "kept")}
    assert counts == {10}
