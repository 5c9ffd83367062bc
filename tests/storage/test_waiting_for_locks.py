"""Opening waits for a lock as long as it is told, and says who holds it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from mixpanel_data import StorageEngine
from mixpanel_data.exceptions import DatabaseLockedError, DatabaseNotFoundError
from tests.support.factories import EVENTS, events
from tests.support.processes import OtherProcess, environment

pytestmark = pytest.mark.slow

_OPENERS: dict[str, Callable[[Path, float], StorageEngine]] = {
    "writer": lambda path, timeout: StorageEngine(path, timeout=timeout),
    "reader": lambda path, timeout: StorageEngine(path, read_only=True, timeout=timeout),
    "existing": lambda path, timeout: StorageEngine.open_existing(path, timeout=timeout),
    "upgrade": lambda path, timeout: StorageEngine.open_existing(
        path, upgrade=True, timeout=timeout
    ),
}


@pytest.fixture
def held(db_path: Path, other_process: OtherProcess) -> OtherProcess:
    """Return a process that has the database open for writing, until it gets a line."""
    with StorageEngine(db_path) as engine:
        EVENTS.create(engine, events(3))
    other_process.run("engine = StorageEngine(path)", path=db_path)
    return other_process


@pytest.mark.parametrize("opens", _OPENERS.values(), ids=_OPENERS)
def test_the_file_opens_when_it_is_released(
    opens: Callable[[Path, float], StorageEngine], db_path: Path, held: OtherProcess
) -> None:
    timer = threading.Timer(0.5, held.run, ["engine.close()"])
    timer.start()
    with opens(db_path, 60) as engine:
        assert engine.execute_scalar("SELECT count(*) FROM data") == 3
    timer.join()


@pytest.mark.parametrize("opens", _OPENERS.values(), ids=_OPENERS)
@pytest.mark.parametrize("timeout", [0, 0.2])
def test_it_is_locked_in_the_end(
    opens: Callable[[Path, float], StorageEngine], timeout: float, db_path: Path, held: OtherProcess
) -> None:
    with pytest.raises(DatabaseLockedError) as caught:
        opens(db_path, timeout)
    assert caught.value.holding_pid == held.pid


def test_a_project_waits_too(home: Path, other_process: OtherProcess) -> None:
    StorageEngine.for_project("1").close()
    path = home / ".mixpanel_data" / "1.db"
    other_process.run("engine = StorageEngine(path)", path=path)
    timer = threading.Timer(0.5, other_process.run, ["engine.close()"])
    timer.start()
    StorageEngine.for_project("1", timeout=60).close()
    timer.join()


@pytest.mark.usefixtures("held")
def test_waiting_can_be_interrupted(db_path: Path) -> None:
    main = threading.main_thread().ident
    assert main is not None
    with pytest.raises(KeyboardInterrupt):
        _wait_and_interrupt(db_path, main)


def _wait_and_interrupt(path: Path, main: int) -> None:
    # A library that is told of the garbage collector's runs swallows what comes in one.
    for _ in range(3):
        timer = threading.Timer(0.3, signal.pthread_kill, [main, signal.SIGINT])
        timer.start()
        try:
            with suppress(DatabaseLockedError):
                StorageEngine(path, timeout=5)
        finally:
            timer.join()


def test_a_missing_file_is_not_waited_for(db_path: Path) -> None:
    with pytest.raises(DatabaseNotFoundError):
        StorageEngine(db_path, read_only=True, timeout=600)


@pytest.mark.parametrize("timeout", [-1, float("nan")])
def test_a_timeout_that_cannot_be_is_refused(timeout: float, db_path: Path) -> None:
    with pytest.raises(ValueError, match="timeout"):
        StorageEngine(db_path, timeout=timeout)


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [(False, True, "for writing"), (True, False, "read-only")],
)
def test_the_lock_of_this_process_is_named_as_such(
    first: bool, second: bool, told: str, db_path: Path
) -> None:
    StorageEngine(db_path).close()
    with StorageEngine(db_path, read_only=first):
        with pytest.raises(DatabaseLockedError, match=f"in this process.*{told}") as caught:
            StorageEngine(db_path, read_only=second)
        StorageEngine(db_path, read_only=first).close()
    assert caught.value.holding_pid == os.getpid()
    assert f"read_only={first}" in caught.value.details["suggestion"]


@pytest.mark.parametrize("seconds", ["0.2", "60"])
def test_the_command_line_waits_and_says_for_whom(
    seconds: str, db_path: Path, held: OtherProcess
) -> None:
    command = [sys.executable, "-m", "mixpanel_data", "tables", "--db", str(db_path)]
    process = subprocess.Popen(
        [*command, "--wait", seconds],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert process.stderr
    assert str(held.pid) in process.stderr.readline()
    if seconds == "60":
        held.run("engine.close()")
    output, _ = process.communicate(timeout=60)
    assert (process.returncode, "data" in output) == ((0, True) if seconds == "60" else (4, False))
