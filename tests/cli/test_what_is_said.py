"""What the command line says is what is so: after Ctrl-C, and when nobody can read it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from mixpanel_data import StorageEngine
from tests.support.processes import environment

pytestmark = pytest.mark.slow

PATCHED = """
import os, signal, sys
from mixpanel_data import StorageEngine
from mixpanel_data.cli import main

def then_ctrl_c(name, number, before=False):
    real = getattr(StorageEngine, name)
    calls = []
    def call(self, *arguments, **options):
        calls.append(name)
        if before and len(calls) == number:
            os.kill(os.getpid(), signal.SIGINT)
        done = real(self, *arguments, **options)
        if not before and len(calls) == number:
            os.kill(os.getpid(), signal.SIGINT)
        return done
    setattr(StorageEngine, name, call)

then_ctrl_c({name!r}, {number}, before={before})
main()
"""


def run(
    words: list[object], name: str, before: bool, number: int = 1
) -> subprocess.CompletedProcess[str]:
    code = textwrap.dedent(PATCHED.format(name=name, number=number, before=before))
    command = [sys.executable, "-c", code, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=60)


def rows(path: Path) -> list[str]:
    with StorageEngine(path, read_only=True) as storage:
        return [f"{table.name} {table.row_count}" for table in storage.list_tables()]


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize(
    ("name", "number"),
    [
        *(("load_export", 1), ("load_history", 1), ("load_history", 2), ("load_history", 3)),
        *(("typed_columns", 1), ("optimize", 1), ("close", 1)),
    ],
)
def test_a_load_that_is_stored_is_reported_as_stored(
    db_path: Path, events_file: Path, name: str, number: int, before: bool
) -> None:
    done = run(["load", "events", events_file, "--db", db_path], name, before, number)
    stored = rows(db_path) == ["events 11"]
    assert stored or rows(db_path) == []
    assert ("11 rows stored" in done.stdout + done.stderr) == stored
    assert ("nothing was changed" in done.stderr) != stored
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("name", ["drop_table", "close"])
def test_a_table_that_is_dropped_is_reported_as_dropped(
    loaded: Path, name: str, before: bool
) -> None:
    done = run(["drop", "events", "--yes", "--db", loaded], name, before)
    dropped = rows(loaded) == []
    assert ("Dropped table 'events'" in done.stderr) == dropped
    assert ("nothing was changed" in done.stderr) != dropped


@pytest.mark.parametrize("closed", [False, True])
def test_a_load_that_cannot_be_reported_is_no_failure(
    db_path: Path, events_file: Path, closed: bool
) -> None:
    command = [sys.executable, "-m", "mixpanel_data", "load", "events", str(events_file)]
    full = None if closed else os.open("/dev/full", os.O_WRONLY)
    done = subprocess.run(
        [*command, "--db", str(db_path)],
        stdout=full,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        preexec_fn=(lambda: os.close(1)) if closed else None,
        timeout=60,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert rows(db_path) == ["events 11"]
    if not closed:
        assert "11 rows stored" in done.stderr
