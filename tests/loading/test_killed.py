"""A load that is killed has either happened or left nothing."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from mixpanel_data import StorageEngine
from tests.support.effort import some, tries
from tests.support.factories import EVENTS, PROFILES, Kind, stored
from tests.support.processes import run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork"),
]

COUNT, BATCH = 1_500, 500

# One interpreter forks a child for every trial, before it ever opens a database itself.
_TRIALS = """
import json, os, random, shutil, signal, sys, time
from mixpanel_data import StorageEngine
from tests.support import factories

folder, kind, call, sent, count, batch, trials = sys.argv[1:]
kind, sent = getattr(factories, kind.upper()), int(sent)
count, batch, trials = int(count), int(batch), int(trials)
chance = random.Random(f"{kind.name} {call} {sent}")

def load(path, started, die_at=None):
    def records():
        os.write(started, b"x")
        for n, record in enumerate(kind.records(count, start=50)):
            if n == die_at:
                os.kill(os.getpid(), sent)
            yield record
    with StorageEngine(path) as engine:
        getattr(kind, call)(engine, records(), batch_size=batch)

def trial(n, wait=None, die_at=None):
    path = os.path.join(folder, f"{n}.db")
    if call == "append":
        shutil.copy(os.path.join(folder, "before.db"), path)
    begun, started = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            load(path, started, die_at)
        finally:
            os._exit(0)
    os.close(started)
    os.read(begun, 1)
    start = time.monotonic()
    if wait is not None:
        time.sleep(wait)
        os.kill(pid, sent)
    os.waitpid(pid, 0)
    os.close(begun)
    return time.monotonic() - start

full = trial(0)
for n in range(1, trials + 1):
    trial(n, wait=chance.uniform(0, full))
for n, die_at in enumerate([0, batch, count - 1], trials + 1):
    trial(n, die_at=die_at)
print(json.dumps({"random": trials, "all": n}))
"""


STOPS = [
    (EVENTS, "create", signal.SIGKILL),
    (EVENTS, "append", signal.SIGKILL),
    (PROFILES, "append", signal.SIGKILL),
    (EVENTS, "append", signal.SIGINT),
]


@pytest.mark.parametrize(
    ("kind", "call", "sent"), some(STOPS, 1), ids=lambda part: getattr(part, "name", None)
)
def test_a_load_that_is_stopped_leaves_all_or_nothing(
    kind: Kind, call: str, sent: signal.Signals, tmp_path: Path
) -> None:
    with StorageEngine(tmp_path / "before.db") as engine:
        kind.create(engine, kind.records(100), "beside")
        if call == "append":
            kind.create(engine, kind.records(100))
    expected = [_expected(tmp_path, kind, call, done) for done in (False, True)]
    done = json.loads(
        run(_TRIALS, tmp_path, kind.name, call, int(sent), COUNT, BATCH, tries(1, 12))
    )
    for trial in range(done["all"] + 1):
        found = _after(tmp_path / f"{trial}.db", kind, call)
        if trial == 0:
            assert found == expected[1]
        elif trial <= done["random"]:
            assert found in expected
        else:
            assert found == expected[0]


def _expected(folder: Path, kind: Kind, call: str, done: bool) -> dict[str, Any]:
    path = folder / f"expected {done}.db"
    if call == "append":
        path.write_bytes((folder / "before.db").read_bytes())
    with StorageEngine(path) as engine:
        if done:
            getattr(kind, call)(engine, kind.records(COUNT, start=50))
        return stored(engine)


def _after(path: Path, kind: Kind, call: str) -> dict[str, Any]:
    with StorageEngine(path) as engine:
        found = stored(engine)
        if not any(info.row_count > 100 for info in engine.list_tables()):
            # Trying again just works.
            assert getattr(kind, call)(engine, kind.records(10, start=5_000)) == 10
    return found
