"""Loads and reports on a ClickHouse server beside DuckDB, on the same events.

Figures are CPU seconds, of client and server together; the server's peak memory is a row of its
own. ``make clickhouse`` fetches the server.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measure import SHARED, Run, measure
from benchmarks.reports import QUESTIONS, agreed
from benchmarks.rows import PREPARED, metadata

if TYPE_CHECKING:
    from tests.support.clickhouse_server import Server

    from mixpanel_data import StorageEngine

_APPENDED = 100_000
_DAYS = ("2025-02-01", "2025-02-02")
_ROWS = "SELECT * FROM events WHERE event_time >= '{}' ORDER BY event_time, insert_id LIMIT {}"
_OF_DAYS = (
    f"SELECT * FROM events WHERE event_time BETWEEN '{_DAYS[0]}' AND '{_DAYS[1]} 23:59:59.999999'"
)

# By other names than theirs, so that --only finds these alone.
_ASKED = {
    "funnel of users": "funnel, uniques",
    "retention of users": "retention, birth",
    "events by country": "breakdown by a property",
}

Work = Callable[["StorageEngine"], Callable[[], object]]
"""Prepares something on an engine, and returns what is to be measured."""


@contextmanager
def _running(folder: Path) -> Iterator[Server]:
    from tests.support import clickhouse_server

    if not clickhouse_server.IS_THERE:
        raise ModuleNotFoundError(clickhouse_server.WHY_NOT)
    with clickhouse_server.running(folder) as server:
        yield server


def write_house(path: Path, count: int) -> None:
    """Write the folder of a server with the events of twice.db, where there is a server."""
    from mixpanel_data import StorageEngine

    source = path.with_name("twice.db")
    if not source.exists():
        PREPARED["twice.db"](source, count)
    try:
        with (
            _running(path) as server,
            StorageEngine(source, read_only=True) as storage,
            StorageEngine.connect(server.url("bench")) as house,
        ):
            storage.copy_to(house)
    except ModuleNotFoundError:
        return


def write_written(path: Path, count: int) -> None:
    """Write a copy of twice.db, for what changes it."""
    source = path.with_name("twice.db")
    if not source.exists():
        PREPARED["twice.db"](source, count)
    shutil.copyfile(source, path)


PREPARED.update({"house": write_house, "written.db": write_written})


def _loaded(storage: StorageEngine, export: Path) -> Callable[[], object]:
    return lambda: storage.load_export("loaded", export, metadata())


def _appended(storage: StorageEngine) -> Callable[[], object]:
    """Append events of the last days: half of them are known."""
    known = storage.execute_arrow(_ROWS.format("2025-02-24", _APPENDED)).to_pylist()
    number = storage.execute_scalar("SELECT count(*) FROM events")
    for row in known[::2]:
        row["insert_id"] = f"{row['insert_id']}-{number}"
    for row in known:
        row["properties"] = json.loads(row["properties"])
    return lambda: storage.append_events_table("events", known, metadata())


def _replaced(storage: StorageEngine) -> Callable[[], object]:
    rows = storage.execute_arrow(_OF_DAYS).to_pylist()
    for row in rows:
        row["properties"] = json.loads(row["properties"])
    days = metadata().model_copy(update={"from_date": _DAYS[0], "to_date": _DAYS[1]})
    return lambda: storage.append_events_table("events", rows, days, replace=True)


def _asked(question: str) -> Work:
    def work(storage: StorageEngine) -> Callable[[], object]:
        reports = storage.reports("events")
        return lambda: QUESTIONS[question](reports)

    return work


def _on_duckdb(name: str, file: str, work: Callable[[StorageEngine, Path], Any]) -> Run:
    def run(folder: Path, count: int) -> float:
        from mixpanel_data import StorageEngine

        place = folder / SHARED / file if file else folder / "new.db"
        with StorageEngine(place, read_only=file == "twice.db") as storage:
            action = work(storage, folder / SHARED)
            start = time.process_time()
            answer = action()
            seconds = time.process_time() - start
        _compare(folder, name, answer)
        return seconds

    return run


def _on_clickhouse(name: str, house: str, work: Callable[[StorageEngine, Path], Any]) -> Run:
    def run(folder: Path, count: int) -> float:
        from mixpanel_data import StorageEngine

        place = folder / SHARED / house if house else folder / "house"
        with (
            _running(place) as server,
            StorageEngine.connect(server.url("bench")) as storage,
        ):
            action = work(storage, folder / SHARED)
            start = time.process_time() + server.cpu_seconds()
            answer = action()
            seconds = time.process_time() + server.cpu_seconds() - start
            (folder / SHARED / f"{name}.peak").write_text(str(server.peak_memory()))
        _compare(folder, name, answer)
        return seconds

    return run


def _compare(folder: Path, name: str, answer: object) -> None:
    if isinstance(answer, list):
        agreed(folder, f"both: {name}", answer)


def _peak(name: str) -> Run:
    def run(folder: Path, count: int) -> float:
        noted = folder / SHARED / f"{name}.peak"
        if not noted.exists():
            raise ModuleNotFoundError(f"{name} was not measured")
        return int(noted.read_text()) / 1e6

    return run


def _work(work: Work) -> Callable[[StorageEngine, Path], Any]:
    return lambda storage, shared: work(storage)


_MEASURES: dict[str, tuple[float, str, str, str, Callable[[StorageEngine, Path], Any]]] = {
    # Of each the share of the rows, what DuckDB needs, its file, the server's folder, the work.
    "load an export": (1, "export.jsonl", "", "", lambda s, at: _loaded(s, at / "export.jsonl")),
    **{
        f"{name} over 10 times": (10, "twice.db", "twice.db", "house", _work(_asked(question)))
        for name, question in _ASKED.items()
    },
    # Last: they change the events.
    "append 100,000": (10, "written.db", "written.db", "house", _work(_appended)),
    "replace two days": (10, "written.db", "written.db", "house", _work(_replaced)),
}

for _name, (_share, _needs, _file, _house, _do) in _MEASURES.items():
    measure(f"{_name}: DuckDB", unit="CPU s", share=_share, needs=_needs)(
        _on_duckdb(_name, _file, _do)
    )
    measure(f"{_name}: server", unit="CPU s", share=_share, needs=_house or _needs)(
        _on_clickhouse(_name, _house, _do)
    )
    measure(f"{_name}: server's peak", unit="MB", share=_share)(_peak(_name))
