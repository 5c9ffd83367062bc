"""Many rows and single rows store the same values, whatever Arrow can or cannot type."""

from __future__ import annotations

import math
from datetime import date, datetime, time, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from duckdb_engine.datatypes import HugeInteger, Map, Struct

UID = UUID(int=7)
CASES = [
    (sa.Boolean(), [True, None, False]),
    (sa.BigInteger(), [2**63 - 1, -(2**63), None]),
    (HugeInteger(), [2**100, 1, None]),
    (sa.Double(), [1e300, -0.5, math.inf, None]),
    (sa.Double(), [1, 2.5, None]),
    (sa.Float(), [1.1, 1e300]),
    (sa.Numeric(20, 4), [Decimal("1.5"), Decimal("-12345678.1234"), None]),
    (sa.Numeric(20, 0), [Decimal("4E+8"), Decimal("1E+15")]),
    (sa.String(), ["", "it's", "né😀", "a\x00b", None]),
    (sa.LargeBinary(), [b"", b"\x00\xff", None]),
    (sa.Date(), [date(1, 1, 1), date(9999, 12, 31), None]),
    (sa.DateTime(), [datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999), None]),
    (sa.TIMESTAMP(timezone=True), [datetime(2025, 1, 1, tzinfo=timezone.utc), None]),
    (sa.Time(), [time(0), time(23, 59, 59, 999999), None]),
    (sa.Uuid(), [UID, None]),
    (sa.Enum("a", "it's"), ["it's", "a", None]),
    (sa.ARRAY(sa.Integer), [[1, None, 3], [], None]),
    (sa.ARRAY(sa.String), [["a", None], ["it's"]]),
    (sa.ARRAY(sa.Integer, dimensions=2), [[[1], [2, 3]], []]),
    (Struct({"a": sa.Integer, "b c": sa.String}), [{"a": 1, "b c": "x"}, None]),
    (Map(sa.String, sa.Integer), [{"a": 1, "b": 2}, {"c": 3}]),
    (sa.JSON(none_as_null=True), [{"a": [1, 2**70, "é", None]}, [], "text", 0, None]),
]


@pytest.mark.parametrize(("type_", "values"), CASES, ids=lambda case: str(case)[:30])
def test_many_rows_store_what_single_rows_store(
    engine: sa.Engine, type_: Any, values: list[Any]
) -> None:
    table = sa.Table("t", sa.MetaData(), sa.Column("i", sa.Integer), sa.Column("v", type_))
    rows = [{"i": i, "v": values[i % len(values)]} for i in range(12)]
    with engine.begin() as connection:
        table.create(connection)
        connection.execute(sa.insert(table), rows)
        for row in rows:
            connection.execute(sa.insert(table).values(i=row["i"] + 12, v=row["v"]))
        stored = connection.execute(sa.select(table.c.v).order_by(table.c.i)).scalars().all()
    assert stored == [row["v"] for row in rows] * 2


def test_kinds_that_differ_within_a_column(engine: sa.Engine) -> None:
    """Text and numbers for a VARCHAR: as one Arrow type, 1 would become 1.0."""
    table = sa.Table("t", sa.MetaData(), sa.Column("v", sa.String))
    with engine.begin() as connection:
        table.create(connection)
        connection.execute(sa.insert(table), [{"v": v} for v in [1, 2.5, "x", True] * 5])
        stored = connection.execute(sa.select(table.c.v).distinct()).scalars().all()
    assert sorted(stored) == ["1", "2.5", "true", "x"]
