"""A copy takes little memory, and what it was doing when it was killed is done or not begun."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest

from mixpanel_data import StorageEngine, maintenance
from mixpanel_data._internal.duckdb import VERSION
from tests.support.effort import only_thorough, some
from tests.support.factories import EVENTS, event, stored
from tests.support.processes import run, start

pytestmark = pytest.mark.slow

_COPY = """
import json, os, signal, sys
from mixpanel_data import StorageEngine

source, target, die_at, limit = sys.argv[1:]

def progress(name, rows, total):
    if (name, rows >= int(limit)) == (die_at, True):
        os.kill(os.getpid(), signal.SIGKILL)

with StorageEngine(source, read_only=True) as storage, StorageEngine(target) as other:
    for engine in (storage, other):
        engine.connection.execute("SET memory_limit = '80MB'")
    storage.copy_to(other, progress=progress)
with open("/proc/self/status") as file:
    print(next(line.split()[1] for line in file if line.startswith("VmHWM")))
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    with StorageEngine(tmp_path / "source.db") as engine:
        for name in ("first", "second", "third"):
            EVENTS.create(engine, EVENTS.records(5_000), name)
    return tmp_path / "source.db"


@pytest.mark.parametrize("limit", some([1, 5_000], 1))
def test_a_killed_copy_goes_on_where_it_was(limit: int, source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target.db"
    killed = start(_COPY, source, target, "second", limit)
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    with StorageEngine(target) as engine:
        assert [table.name for table in engine.list_tables()] == ["first"]
    run(_COPY, source, target, "", 0)
    with StorageEngine(target) as engine, StorageEngine(source) as original:
        assert stored(engine) == stored(original)
    assert maintenance.check(target) == []


@only_thorough
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_copy_is_never_held_whole(tmp_path: Path) -> None:
    peaks = []
    for thousands in (1, 200):
        path = tmp_path / f"{thousands}.db"
        text = {f"property {n}": "x" * 100 for n in range(12)}
        with StorageEngine(path) as engine:
            EVENTS.create(engine, (event(n, properties=text) for n in range(thousands * 1_000)))
        peaks.append(json.loads(run(_COPY, path, tmp_path / f"{thousands} copy.db", "", 0)))
    # Their rows are 320 MB; DuckDB before 2.0 needs more for them.
    assert peaks[1] - peaks[0] < (260_000 if VERSION >= "2" else 420_000)
