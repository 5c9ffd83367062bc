"""The library's own search path is taken away again, whatever interrupts that."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from mixpanel_data._internal.duckdb.dialect.search_path import _Paths, _restore
from mixpanel_data._internal.duckdb.dialect.system_catalog import Place


class Late:
    """A connection whose first statements are interrupted when they have taken effect."""

    def __init__(self, raw: duckdb.DuckDBPyConnection, times: int) -> None:
        self._raw = raw
        self._times = times

    def execute(self, sql: str) -> None:
        self._raw.execute(sql)
        self._times -= 1
        if self._times >= 0:
            raise duckdb.InterruptException("INTERRUPT Error: Interrupted!")


@pytest.mark.parametrize("times", [0, 1, 3])
def test_a_path_that_is_set_although_it_failed(times: int) -> None:
    with duckdb.connect() as raw:
        ours = "system.main,memory.main"
        paths = _Paths(Place("memory", "main"), "", ours, "")
        interrupted: Any = Late(raw, 1)
        with pytest.raises(duckdb.InterruptException):
            paths.use(interrupted, ours)
        late: Any = Late(raw, times)
        _restore(late, paths)
        raw.execute("CREATE TABLE t (a INTEGER)")
        assert raw.sql("SELECT database_name FROM duckdb_tables()").fetchall() == [("memory",)]
