"""Servers that are killed during loads, at random moments, and what the tables hold then."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections import Counter

from mixpanel_data import QueryError, StorageEngine
from tests.clickhouse.loads import ACTIONS, Load, leftovers
from tests.support.clickhouse_server import Server

COUNT = 4_000


def outcomes(server: Server, times: int, seed: int = 7) -> Counter[str]:
    """Kill *server* so many times during loads; count the tables that are old, new, or neither."""
    url, chance = server.url(server.new_database()), random.Random(seed)
    # The first loads end well, and tell how long one takes; appends take longer.
    full = min(_attempt(server, url, Load("create", COUNT, f"first{n}"), None) for n in range(3))
    found: Counter[str] = Counter()
    for number in range(times):
        load = Load(ACTIONS[number % 3], COUNT, f"t{number}")
        _attempt(server, url, load, chance.uniform(0, 2 * full))
        server.start()
        found[_check(url, load)] += 1
    return found


def _attempt(server: Server, url: str, load: Load, kill_after: float | None) -> float:
    """Load, kill the server after so many seconds, and return how long the load took."""
    with StorageEngine.connect(url) as engine:
        load.prepare(engine)
        loading = threading.Thread(target=_run, args=(load, engine))
        began = time.monotonic()
        loading.start()
        if kill_after is not None:
            time.sleep(kill_after)
            server.kill()
        loading.join()
        return time.monotonic() - began


def _run(load: Load, engine: StorageEngine) -> None:
    # What became of it is for the table to say.
    with contextlib.suppress(QueryError):
        load.run(engine)


def _check(url: str, load: Load) -> str:
    """Return what the table holds, after a check of the history and of a load once more."""
    with StorageEngine.connect(url, read_only=True) as reader:
        found = load.found(reader)
    # The process that has the lock is this one.
    StorageEngine.unlock(url, force=True)
    with StorageEngine.connect(url) as engine:
        complete = load.is_in_history(engine) == (found == load.after)
        swept = not leftovers(engine)
        if found == load.before:
            load.run(engine)
        again = load.found(engine) == load.after
        if engine.table_exists(load.table):
            engine.drop_table(load.table)
    if not (complete and swept and again and found in (load.before, load.after)):
        return "between"
    return "new" if found == load.after else "old"
