"""Questions: what ours cost beside DuckDB's own."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measure import SHARED, measure, timed
from benchmarks.rows import metadata

if TYPE_CHECKING:
    import duckdb

    from mixpanel_data import StorageEngine

ALL = "SELECT * FROM e"


def _over(ours: Callable[[], object], native: Callable[[], object]) -> float:
    """Return the ratio of our time to DuckDB's own, taken by turns."""
    native()
    ours()
    return statistics.median(timed(ours) / timed(native) for _ in range(7))


@contextmanager
def _loaded(folder: Path) -> Iterator[tuple[StorageEngine, duckdb.DuckDBPyConnection]]:
    """Yield an engine with the export in its table ``e``, and a plain cursor beside it."""
    from mixpanel_data import StorageEngine

    with StorageEngine(folder / "ours.db") as storage:
        storage.load_export("e", folder / SHARED / "export.jsonl", metadata())
        yield storage, storage.connection.cursor()


@measure("execute_df / DuckDB's df()", unit="ratio", needs="export.jsonl")
def ask_df(folder: Path, count: int) -> float:
    with _loaded(folder) as (storage, raw):
        return _over(lambda: storage.execute_df(ALL), lambda: raw.execute(ALL).df())


@measure("execute_arrow / DuckDB's Arrow", unit="ratio", needs="export.jsonl")
def ask_arrow(folder: Path, count: int) -> float:
    with _loaded(folder) as (storage, raw):
        return _over(lambda: storage.execute_arrow(ALL), lambda: raw.sql(ALL).to_arrow_table())


@measure("execute_scalar('SELECT 1')", unit="ms", share=0)
def scalar(folder: Path, count: int) -> float:
    from mixpanel_data import StorageEngine

    with StorageEngine(folder / "ours.db") as storage:
        storage.execute_scalar("SELECT 1")
        seconds = [timed(lambda: storage.execute_scalar("SELECT 1")) for _ in range(500)]
        return 1000 * statistics.median(seconds)


@measure("open a database, beyond duckdb.connect()", unit="ms", share=0)
def opening(folder: Path, count: int) -> float:
    import duckdb

    from mixpanel_data import StorageEngine

    path = folder / "ours.db"
    StorageEngine(path).close()

    def once(opens: Callable[..., Any]) -> float:
        start = time.perf_counter()
        opened = opens(str(path))
        seconds = time.perf_counter() - start
        opened.close()
        return seconds

    extra = [once(StorageEngine) - once(duckdb.connect) for _ in range(50)]
    return 1000 * statistics.median(extra)
