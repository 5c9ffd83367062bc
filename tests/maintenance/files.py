"""Databases for the tests of this folder, made in other processes where one is to be killed."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

from mixpanel_data import EventRecord, StorageEngine
from tests.support.factories import events, metadata

ROWS = """
import os, random, signal, sys
from datetime import datetime, timezone
from pathlib import Path
from mixpanel_data import StorageEngine, TableMetadata, maintenance

def rows(start, count):
    for i in range(start, start + count):
        yield {"event_name": "e", "event_time": datetime(2025, 3, 1), "distinct_id": "u",
               "insert_id": f"{random.Random(i).getrandbits(64):x}", "properties": {"n": i}}

def meta(day=None):
    return TableMetadata(type="events", fetched_at=datetime.now(timezone.utc),
                         from_date=day, to_date=day)
"""
LOADS = """
storage = StorageEngine(sys.argv[1])
storage.create_events_table("events", rows(0, 100), meta())
for day in range(1, 10):
    storage.append_events_table("events", rows(day * 100, 100), meta(f"2025-03-{day:02}"))
os.kill(os.getpid(), signal.SIGKILL)
"""


def run(code: str, *arguments: object) -> int:
    """Run a program in a process of its own, and return its exit code."""
    command = [sys.executable, "-c", ROWS + code, *map(str, arguments)]
    return subprocess.run(command, check=False).returncode


def shuffled(count: int) -> list[EventRecord]:
    """Return events whose keys are in no order, so that the index is large."""
    made = list(events(count))
    for number, event in enumerate(made):
        event["insert_id"] = f"{random.Random(number).getrandbits(64):x}"
    return made


def filled(path: Path, count: int = 20_000) -> Path:
    """Make a file of several blocks, with an index in some of them."""
    with StorageEngine(path) as storage:
        storage.create_events_table("events", shuffled(count), metadata())
    return path
