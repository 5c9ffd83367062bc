"""``rowcount`` is the number of rows that changed, also after the cursor is closed."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as upsert

table = sa.Table(
    "counted",
    sa.MetaData(),
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("n", sa.Integer),
    sa.Column("odd", sa.JSON().with_variant(sa.String, "duckdb")),
)


@pytest.fixture
def connection(engine: sa.Engine) -> Any:
    table.metadata.create_all(engine)
    with engine.connect() as connection:
        yield connection


def _rows(count: int, first: int = 0) -> list[dict[str, Any]]:
    return [{"id": str(i), "n": i} for i in range(first, first + count)]


@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 100])
def test_inserts(connection: sa.Connection, count: int) -> None:
    assert connection.execute(sa.insert(table), _rows(count)).rowcount == count
    ignore = upsert(table).on_conflict_do_nothing()
    assert connection.execute(ignore, _rows(count, count // 2)).rowcount == count // 2 or count == 1
    insert = upsert(table)
    update = insert.on_conflict_do_update(index_elements=["id"], set_={"n": insert.excluded.n})
    assert connection.execute(update, [*_rows(count), *_rows(count)]).rowcount == 2 * count


@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 100])
def test_updates_and_deletes(connection: sa.Connection, count: int) -> None:
    connection.execute(sa.insert(table), _rows(count))
    by_key = table.c.id == sa.bindparam("key")
    rows = [{"key": str(i), "n": -i} for i in range(2 * count)]
    assert connection.execute(sa.update(table).where(by_key), rows).rowcount == count
    assert connection.execute(sa.update(table).values(n=1)).rowcount == count
    above = sa.delete(table).where(table.c.n > sa.bindparam("least"))
    assert connection.execute(above, [{"least": 5}, {"least": 0}]).rowcount == count
    assert connection.execute(sa.delete(table).where(by_key), rows).rowcount == 0


def test_rows_of_several_types_go_one_by_one_and_count(connection: sa.Connection) -> None:
    mixed = sa.table("counted", sa.column("id"), sa.column("n"))
    rows = [{"id": str(i), "n": str(i) if i % 2 else i} for i in range(20)]
    assert connection.execute(sa.insert(mixed), rows).rowcount == 20
    ignore = upsert(mixed).on_conflict_do_nothing()
    assert connection.execute(ignore, [*rows[10:], {"id": "new", "n": 1}]).rowcount == 1


def test_text_and_selects(connection: sa.Connection) -> None:
    insert = sa.text("INSERT INTO counted (id, n) VALUES (:id, :n)")
    assert connection.execute(insert, _rows(3)).rowcount == 3
    assert connection.execute(insert, _rows(1, 3)).rowcount == 1
    result = connection.exec_driver_sql("UPDATE counted SET n = 0 WHERE n > 1")
    result.close()
    assert result.rowcount == 2
    assert connection.execute(sa.select(table)).rowcount == -1
    assert connection.exec_driver_sql("CREATE TEMP TABLE other (a INT)").rowcount == -1


@pytest.mark.parametrize("count", [1, 5, 8, 30, 1000])
@pytest.mark.parametrize("size", [None, 1, 7, 100])
def test_pandas_returns_how_many_it_wrote(engine: sa.Engine, count: int, size: int | None) -> None:
    frame = pd.DataFrame({"a": range(count), "b": ["x"] * count})
    assert frame.to_sql("frame", engine, index=False, chunksize=size) == count
    more = frame.to_sql("frame", engine, index=False, if_exists="append", method="multi")
    assert more == count
