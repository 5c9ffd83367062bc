"""A server that is killed during a load has the table as it was, or as it is to be."""

from __future__ import annotations

import contextlib
import os
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mixpanel_data import QueryError, StorageEngine
from tests.clickhouse.loads import ACTIONS, Load
from tests.support.clickhouse_server import Server, needs_server, running

pytestmark = [pytest.mark.clickhouse, pytest.mark.slow, needs_server]

KILLS = 40 if os.environ.get("CLICKHOUSE_KILLS") == "all" else 6
COUNT = 4_000


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Server]:
    """Yield a server that the test may kill."""
    with running(tmp_path / "data") as server:
        yield server


def test_a_killed_server_has_old_or_new(mortal: Server) -> None:
    url = mortal.url(mortal.new_database())
    chance, full = random.Random(7), 0.0
    for number in range(KILLS + 1):
        load = Load(ACTIONS[number % 3], COUNT, f"t{number}")
        with StorageEngine.connect(url) as engine:
            load.prepare(engine)
            loading = threading.Thread(target=_attempt, args=(load, engine))
            began = time.monotonic()
            loading.start()
            if number:
                time.sleep(chance.uniform(0, full))
                mortal.kill()
            loading.join()
            # The first one ends well, and tells how long a load takes.
            full = full or time.monotonic() - began
        if number:
            mortal.start()
        _check(url, load, is_done=not number)


def _attempt(load: Load, engine: StorageEngine) -> None:
    # What became of it is for the table to say.
    with contextlib.suppress(QueryError):
        load.run(engine)


def _check(url: str, load: Load, *, is_done: bool) -> None:
    """Check that the table is old or new, the history complete, and that a retry works."""
    with StorageEngine.connect(url, read_only=True) as reader:
        found = load.found(reader)
    assert found in ([load.after] if is_done else [load.before, load.after])
    # The process that has the lock is this one.
    StorageEngine.unlock(url, force=True)
    with StorageEngine.connect(url) as engine:
        assert load.is_in_history(engine) == (found == load.after)
        assert not any(
            name.startswith(("_lock", "_next", "_staging"))
            for (name,) in engine.execute_rows("SHOW TABLES")
        )
        if found == load.before:
            load.run(engine)
        assert load.found(engine) == load.after
        engine.drop_table(load.table)
