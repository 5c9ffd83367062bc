"""One writer a table: the second is told who has it, and one that was shut out cannot publish."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator

import pytest

from mixpanel_data import DatabaseLockedError, StorageEngine
from tests.clickhouse.loads import Load
from tests.support.factories import EVENTS
from tests.support.processes import start

pytestmark = [pytest.mark.clickhouse, pytest.mark.slow]

APPEND = Load("append", 300)

# A load that waits for a word in its middle.
_WAITING = """
import json, sys
from mixpanel_data import StorageEngine
from tests.support.factories import EVENTS

def records():
    for record in EVENTS.records(200, 5_000):
        yield record
    print("waiting", flush=True)
    sys.stdin.readline()

with StorageEngine.connect(sys.argv[1]) as engine:
    try:
        EVENTS.append(engine, records())
        print(json.dumps(["stored", ""]))
    except Exception as error:
        print(json.dumps([type(error).__name__, str(error)]))
"""


@pytest.fixture
def engine(url: str) -> Iterator[StorageEngine]:
    with StorageEngine.connect(url) as engine:
        APPEND.prepare(engine)
        yield engine


@pytest.fixture
def other(url: str, engine: StorageEngine) -> Iterator[subprocess.Popen[str]]:
    """Yield a process in the middle of a load."""
    process = start(_WAITING, url)
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    yield process
    process.kill()
    process.communicate()


def test_the_second_writer_is_told_who_the_first_is(
    engine: StorageEngine, other: subprocess.Popen[str]
) -> None:
    with pytest.raises(DatabaseLockedError) as locked:
        APPEND.run(engine)
    assert locked.value.holding_pid == other.pid
    assert str(other.pid) in str(locked.value)
    assert socket.gethostname() in str(locked.value)
    with pytest.raises(DatabaseLockedError):
        engine.drop_table("data")
    # Another table is another lock.
    EVENTS.create(engine, EVENTS.records(3), "beside")
    assert json.loads(other.communicate("go on\n")[0]) == ["stored", ""]
    assert len(APPEND.found(engine) or ()) == 500
    assert APPEND.run(engine) == 150


def test_the_lock_of_the_living_stays(
    url: str, engine: StorageEngine, other: subprocess.Popen[str]
) -> None:
    with pytest.raises(DatabaseLockedError):
        StorageEngine.unlock(url)
    other.kill()
    other.wait()
    with pytest.raises(DatabaseLockedError):
        APPEND.run(engine)
    assert len(StorageEngine.unlock(url)) >= 2
    assert StorageEngine.unlock(url) == []
    assert APPEND.found(engine) == APPEND.before
    assert APPEND.run(engine) == 150


@pytest.mark.parametrize("again", [False, True])
def test_who_was_shut_out_cannot_publish(
    again: bool, url: str, engine: StorageEngine, other: subprocess.Popen[str]
) -> None:
    assert StorageEngine.unlock(url, force=True)
    if again:
        assert APPEND.run(engine) == 150
    expected = APPEND.after if again else APPEND.before
    kind, message = json.loads(other.communicate("go on\n")[0])
    assert kind == "QueryError"
    assert "load again" in message
    assert APPEND.found(engine) == expected
    assert len(engine.load_history("data")) == 1 + again
    assert APPEND.run(engine) == (0 if again else 150)
