"""JSON that nobody has typed is DuckDB's text, so that no tool guesses at its keys."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

docs = sa.Table("docs", sa.MetaData(), sa.Column("n", sa.Integer), sa.Column("doc", sa.JSON))
SQL = "SELECT doc FROM docs ORDER BY n"
COMMON, LAST = {"plan": "free"}, {"plan": "pro", "coupon": "X", "big": 2**70}
TEXT = '{"plan":"pro","coupon":"X","big":1180591620717411303424}'


@pytest.fixture
def filled(engine: sa.Engine) -> sa.Engine:
    docs.metadata.create_all(engine)
    rows = [{"n": i, "doc": COMMON if i < 100 else LAST} for i in range(101)]
    with engine.begin() as connection:
        connection.execute(sa.insert(docs), rows)
    return engine


def test_text_and_driver_sql(filled: sa.Engine) -> None:
    with filled.connect() as connection:
        assert connection.execute(sa.text(SQL)).all()[-1] == (TEXT,)
        assert connection.exec_driver_sql(SQL).scalars().all()[-1] == TEXT
        assert connection.scalar(sa.text("SELECT 'null'::JSON")) == "null"
        assert connection.scalar(sa.text("SELECT doc->'coupon' FROM docs WHERE n = 100")) == '"X"'


def test_named_types_give_values(filled: sa.Engine) -> None:
    with filled.connect() as connection:
        assert connection.execute(sa.select(docs.c.doc).order_by(docs.c.n)).all()[-1] == (LAST,)
        typed = sa.text(SQL).columns(doc=sa.JSON)
        assert connection.execute(typed).all()[-1] == (LAST,)
        column = sa.select(sa.type_coerce(sa.literal_column("doc"), sa.JSON)).select_from(docs)
        assert connection.scalar(column.where(docs.c.n == 100)) == LAST
        reflected = sa.Table("docs", sa.MetaData(), autoload_with=connection)
        last: Any = connection.execute(sa.select(reflected).order_by(reflected.c.n)).all()[-1]
        assert last.doc == LAST


def test_pandas_reads_the_text(filled: sa.Engine) -> None:
    assert pd.read_sql(SQL, filled)["doc"].iloc[100] == TEXT
    assert pd.read_sql_query(sa.select(docs.c.doc).order_by(docs.c.n), filled)["doc"][100] == LAST


@pytest.mark.parametrize("size", [None, 50])
def test_polars_keeps_the_keys_of_later_rows(filled: sa.Engine, size: int | None) -> None:
    polars = pytest.importorskip("polars")
    if size is None:
        assert polars.read_database(SQL, filled).row(100) == (TEXT,)
    else:
        frames = polars.read_database(SQL, filled, iter_batches=True, batch_size=size)
        assert polars.concat(frames).row(100) == (TEXT,)
