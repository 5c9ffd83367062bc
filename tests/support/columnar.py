"""How tests tell rows that went in as Arrow from rows that went in one by one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import pyarrow as pa


@contextmanager
def arrow_tables(expected: int) -> Iterator[None]:
    """Fail unless as many Arrow tables are made in the block."""
    made, make = [0], pa.table

    def count(*args: Any) -> pa.Table:
        made[0] += 1
        return make(*args)

    with mock.patch.object(pa, "table", count):
        yield
    assert made[0] == expected
