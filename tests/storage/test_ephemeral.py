"""A temporary database is a file that goes away by itself."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from mixpanel_data import StorageEngine
from tests.support.factories import EVENTS, events
from tests.support.processes import start


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_it_is_a_file_in_the_temp_directory(temp_folder: Path) -> None:
    with StorageEngine.ephemeral() as engine:
        assert engine.path is not None
        assert engine.path.is_file()
        assert temp_folder in engine.path.parents


def test_leaving_with_deletes_every_trace(temp_folder: Path) -> None:
    with StorageEngine.ephemeral() as engine:
        EVENTS.create(engine, events(100))
        assert _files(temp_folder)
    assert list(temp_folder.iterdir()) == []


@pytest.mark.parametrize("method", ["close", "cleanup"])
def test_closing_deletes_every_trace(method: str, temp_folder: Path) -> None:
    engine = StorageEngine.ephemeral()
    EVENTS.create(engine, events(100))
    held = engine.execute("SELECT * FROM data"), engine.connection
    getattr(engine, method)()
    assert list(temp_folder.iterdir()) == []
    assert held


def test_each_is_a_database_of_its_own(temp_folder: Path) -> None:
    with StorageEngine.ephemeral() as first, StorageEngine.ephemeral() as second:
        EVENTS.create(first, events(3))
        assert first.path != second.path
        assert second.list_tables() == []
        assert first.execute_scalar("SELECT count(*) FROM data") == 3


def test_files_of_others_are_left_alone(temp_folder: Path) -> None:
    theirs = [temp_folder / name for name in ("mine.db", "tmp123.db", "mixpanel_data_notes.txt")]
    for path in theirs:
        path.write_text("keep me")
    StorageEngine.ephemeral().close()
    assert sorted(temp_folder.iterdir()) == sorted(theirs)


_LOADED = """
import os, signal, sys, time
from mixpanel_data import StorageEngine
from tests.support.factories import EVENTS, events

engine = StorageEngine.ephemeral()
EVENTS.create(engine, events(100))
kept = engine.execute("SELECT * FROM data")
print(engine.path, flush=True)
"""

ENDINGS = {
    "normally": ("", 0),
    "by an exception": ("raise ZeroDivisionError", 1),
    "by sys.exit": ("sys.exit(3)", 3),
    "by Ctrl-C": ("os.kill(os.getpid(), signal.SIGINT); time.sleep(60)", -signal.SIGINT),
}


@pytest.mark.slow
@pytest.mark.parametrize(("ending", "status"), ENDINGS.values(), ids=ENDINGS)
def test_it_goes_when_the_interpreter_ends(ending: str, status: int, temp_folder: Path) -> None:
    process = start(_LOADED + ending, TMPDIR=str(temp_folder))
    output, errors = process.communicate(timeout=60)
    assert process.returncode == status, errors
    assert temp_folder in Path(output.strip()).parents
    assert list(temp_folder.iterdir()) == []


@pytest.mark.slow
def test_what_a_killed_process_left_goes_with_the_next_one(temp_folder: Path) -> None:
    process = start(_LOADED + "time.sleep(60)", TMPDIR=str(temp_folder))
    assert process.stdout
    path = Path(process.stdout.readline().strip())
    process.kill()
    process.communicate(timeout=60)
    assert path.is_file()
    with StorageEngine.ephemeral() as engine:
        assert not path.exists()
        assert [p for p in _files(temp_folder) if p.parent != (engine.path or path).parent] == []
    assert list(temp_folder.iterdir()) == []


@pytest.mark.slow
def test_what_a_living_process_uses_stays(temp_folder: Path) -> None:
    count = "sys.stdin.readline(); print(engine.execute_scalar('SELECT count(*) FROM data'))"
    process = start(_LOADED + count, TMPDIR=str(temp_folder))
    assert process.stdout
    path = Path(process.stdout.readline().strip())
    StorageEngine.ephemeral().close()
    assert path.is_file()
    output, errors = process.communicate("go on\n", timeout=60)
    assert output == "100\n", errors
