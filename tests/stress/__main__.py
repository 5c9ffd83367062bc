"""``python -m tests.stress threads|kills|servers|typed|interrupts``: what is too long for a test.

``threads`` runs 13 kinds of calls on 8 threads of one engine, loads of exports among them, and
counts wrong answers. ``kills`` sends SIGKILL to a process that loads, at random moments, and counts
files that are not whole; ``typed`` does so to one that optimizes, appends, replaces and drops;
``servers`` to a ClickHouse server that is loaded into. ``interrupts`` sends Ctrl-C to
``mixpanel-data load``, and compares what it says with what is stored.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from mixpanel_data import MixpanelDataError, StorageEngine, maintenance
from tests.clickhouse import server_kills
from tests.support import clickhouse_server
from tests.support.factories import events, metadata
from tests.support.processes import environment

ROWS = 100


def export(path: Path, rows: int, start: int = 0) -> Path:
    """Write *rows* lines of an export."""
    with path.open("w") as file:
        for n in range(start, start + rows):
            ids = {"time": n, "distinct_id": f"u{n % 7}", "$insert_id": f"i{n}"}
            file.write(json.dumps({"event": "e", "properties": ids}) + "\n")
    return path


def calls(storage: StorageEngine, folder: Path, thread: int) -> dict[str, Callable[[], bool]]:
    """Return the kinds of calls of one thread; each tells whether its answer is right."""
    own, count = f"own_{thread}", "SELECT count(*) FROM shared"
    path = export(folder / f"{thread}.jsonl", ROWS)
    rows = storage.table("shared")
    statement = sa.select(sa.func.count()).select_from(rows)

    def load() -> bool:
        stored = storage.load_export(own, path, metadata())
        right = stored == ROWS == storage.execute_scalar(f"SELECT count(*) FROM {own}")
        storage.drop_table(own)
        return right and not storage.table_exists(own)

    def create_and_append() -> bool:
        name = f"{own}_rows"
        created = storage.create_events_table(name, events(50), metadata())
        added = storage.append_events_table(name, events(50, 25), metadata())
        storage.drop_table(name)
        return (created, added) == (50, 25)

    def session() -> bool:
        with storage.session() as opened:
            return bool(opened.scalar(statement) == ROWS)

    return {
        "load_export": load,
        "create and append": create_and_append,
        "execute_scalar": lambda: storage.execute_scalar(count) == ROWS,
        "execute_rows": lambda: storage.execute_rows(count)[0][0] == ROWS,
        "execute_df": lambda: len(storage.execute_df("FROM shared")) == ROWS,
        "execute_arrow": lambda: storage.execute_arrow("FROM shared").num_rows == ROWS,
        "execute": lambda: storage.execute(count).fetchall() == [(ROWS,)],
        "query": lambda: storage.query(statement)[0][0] == ROWS,
        "query text": lambda: storage.query(count)[0][0] == ROWS,
        "session": session,
        "list_tables": lambda: "shared" in [table.name for table in storage.list_tables()],
        "get_metadata": lambda: storage.get_metadata("shared").type == "events",
        "get_schema": lambda: len(storage.get_schema("shared").columns) == 5,
    }


def threads(seconds: float) -> bool:
    """Run all kinds of calls on 8 threads."""
    done: collections.Counter[str] = collections.Counter()
    wrong: collections.Counter[str] = collections.Counter()
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder, StorageEngine(Path(folder, "t.db")) as storage:
        limit = storage.execute_scalar("SELECT current_setting('memory_limit')")
        storage.create_events_table("shared", events(ROWS), metadata())

        def work(thread: int) -> None:
            kinds = calls(storage, Path(folder), thread)
            chance = random.Random(thread)
            while time.monotonic() < end:
                name = chance.choice(list(kinds))
                try:
                    done[name] += 1
                    if not kinds[name]():
                        wrong[name] += 1
                except BaseException as error:
                    wrong[f"{name}: {type(error).__name__} {error}"[:120]] += 1

        workers = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        after = storage.execute_scalar("SELECT current_setting('memory_limit')")
    print(f"{sum(done.values()):,} calls of {len(done)} kinds, {sum(wrong.values())} wrong", wrong)
    print(f"memory limit {limit} before, {after} after")
    return not wrong and limit == after


_LOADER = """
import sys
from mixpanel_data import StorageEngine
from tests.clickhouse import server_kills
from tests.support import clickhouse_server
from tests.support.factories import events, metadata
with StorageEngine(sys.argv[1]) as storage:
    print(flush=True)
    for n in range(50):
        start = storage.execute_scalar("SELECT count(*) FROM data")
        storage.append_events_table("data", events(400, start), metadata())
        print(flush=True)
"""


def kills(times: int) -> bool:
    """Kill a process that loads, again and again, and check the file each time."""
    faults = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "k.db")
        with StorageEngine(path) as storage:
            storage.create_events_table("data", events(400), metadata())
        for number in range(1, times + 1):
            command = [sys.executable, "-c", _LOADER, str(path)]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment())
            assert process.stdout
            process.stdout.readline()
            # As long as a load takes here and now, at most.
            began = time.monotonic()
            process.stdout.readline()
            time.sleep(random.uniform(0, time.monotonic() - began))
            process.kill()
            process.wait()
            problems = maintenance.check(path)
            with StorageEngine(path) as storage:
                rows = storage.execute_scalar("SELECT count(*) FROM data")
                loads = sum(load.stored for load in storage.load_history())
            if problems or rows % 400 or rows != loads:
                faults += 1
                print(problems, rows, loads)
            if number % 20 == 0:
                print(f"{number} kills, {faults} inconsistent files, {rows:,} rows", flush=True)
            if rows > 100_000:
                with StorageEngine(path) as storage:
                    storage.drop_table("data")
                    storage.create_events_table("data", events(400), metadata())
                path.unlink()
                with StorageEngine(path) as storage:
                    storage.create_events_table("data", events(400), metadata())
        StorageEngine(path).close()  # which sweeps what killed processes left
        left = [name for name in os.listdir(folder) if name not in ("k.db", "k.db.wal")]
    print(f"{times} kills, {faults} inconsistent files, {len(left)} other files left: {left}")
    return not faults and not left


def _end(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Wait for a process that was interrupted, and return what it wrote.

    On a busy machine it may wait long for its turn. One that has a minute of its own, or that gets
    none and stands still for minutes, hangs: it is ended, and writes where its threads are.
    """
    used = [_used(process.pid)]
    while True:
        try:
            return process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            used.append(_used(process.pid))
        if used[-1] - used[0] > 60 or (len(used) > 4 and used[-1] == used[-4]):
            process.send_signal(signal.SIGABRT)  # which faulthandler answers
            out, err = process.communicate()
            return out, f"{err}Traceback: it hung."


def _used(pid: int) -> float:
    """Return the seconds of processor time that a process has had."""
    done = subprocess.run(["ps", "-o", "cputimes=", "-p", str(pid)], capture_output=True, text=True)
    return float(done.stdout.strip() or 0)


_OPTIMIZER = """
import random, sys
from mixpanel_data import StorageEngine
from tests.clickhouse import server_kills
from tests.support import clickhouse_server
from tests.support.factories import events, metadata
day = metadata(from_date="2024-01-01", to_date="2024-01-01")
with StorageEngine(sys.argv[1]) as storage:
    print(flush=True)
    for n in range(1000):
        what = random.choice(["optimize", "optimize", "append", "replace", "drop", "remove"])
        if what == "drop" or not storage.table_exists("data"):
            storage.table_exists("data") and storage.drop_table("data")
            storage.create_events_table("data", events(30_000), metadata())
        elif what == "optimize":
            storage.optimize("data")
        elif what == "append":
            storage.append_events_table("data", events(5000, random.randrange(30_000)), metadata())
        elif what == "replace":
            storage.append_events_table("data", events(5000), day, replace=True)
        else:
            storage.optimize("data", limit=0)
"""


def typed(times: int) -> bool:
    """Kill a process that changes typed rows, and compare them with the JSON each time."""
    faults, current = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "t.db")
        with StorageEngine(path) as storage:
            storage.create_events_table("data", events(30_000), metadata())
        for _ in range(times):
            command = [sys.executable, "-c", _OPTIMIZER, str(path)]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment())
            assert process.stdout
            process.stdout.readline()
            time.sleep(random.uniform(0, 3))
            process.kill()
            process.wait()
            current += bool(maintenance.status(path).typed)
            # Reads typed rows and table in full, and compares them.
            if problems := maintenance.check(path):
                faults += 1
                print(problems)
    print(f"{times} kills, {current} times with typed rows, {faults} times other than the JSON")
    return not faults


def interrupts(times: int) -> bool:
    """Interrupt the command line's load, and compare what it says with what is stored."""
    lies: list[Any] = []
    ends: collections.Counter[str] = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        path, full = export(Path(folder, "e.jsonl"), 60_000), 0.0
        for n in range(times + 1):
            database = Path(folder, f"{n}.db")
            words = ["load", "events", str(path), "--db", str(database)]
            command = [sys.executable, "-X", "faulthandler", "-m", "mixpanel_data", *words]
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            # While modules are imported, there is nothing to say yet.
            while not database.exists() and process.poll() is None:
                time.sleep(0.01)
            began = time.monotonic()
            # The first one is left alone, to learn how long a load takes here and now.
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=random.uniform(0, full) if n else None)
                full = time.monotonic() - began
            process.send_signal(signal.SIGINT)
            out, err = _end(process)
            try:
                with StorageEngine(database, read_only=True) as storage:
                    stored = [table.row_count for table in storage.list_tables()]
            except MixpanelDataError:
                stored = []
            said = "60,000 rows stored" in out + err
            ends[f"exit {process.returncode}, {'stored' if stored else 'nothing stored'}"] += 1
            if said != bool(stored) or "Traceback" in err:
                lies.append((process.returncode, out, err, stored))
            if n and n % 20 == 0:
                print(f"{n} interrupts, {len(lies)} lies", dict(ends), flush=True)
    print(f"{times} interrupts, {len(lies)} times something else was said than done", dict(ends))
    print(*lies[:3], sep="\n")
    return not lies


def servers(times: int) -> bool:
    """Kill a ClickHouse server that is loaded into, again and again."""
    with (
        tempfile.TemporaryDirectory() as folder,
        clickhouse_server.running(Path(folder, "data")) as server,
    ):
        found = server_kills.outcomes(server, times, seed=random.randrange(1 << 30))
    print(f"{times} kills: {found['old']} old, {found['new']} new, {found['between']} between")
    return not found["between"]


_TIMES = {"kills": kills, "servers": servers, "typed": typed, "interrupts": interrupts}


def main() -> None:
    """Run what the arguments say, and exit with 1 when something was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress", description=__doc__)
    parser.add_argument("what", choices=["threads", *_TIMES])
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--times", type=int, default=120)
    chosen = parser.parse_args()
    if chosen.what == "threads":
        right = threads(chosen.seconds)
    else:
        right = _TIMES[chosen.what](chosen.times)
    sys.exit(not right)


if __name__ == "__main__":
    main()
