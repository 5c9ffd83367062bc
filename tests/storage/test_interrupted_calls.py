"""Ctrl-C ends a query or a load at once, and never a load that is stored."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from mixpanel_data import StorageEngine
from tests.support.exports import lines
from tests.support.factories import EVENTS, event, events, metadata

pytestmark = pytest.mark.slow

_ENDLESS = (
    "SELECT count(*) FROM range(60000000) a, range(30000) b WHERE (a.range * b.range) % 7 = 3"
)

CALLS: dict[str, Callable[[StorageEngine], Any]] = {
    "execute_rows": lambda engine: engine.execute_rows(_ENDLESS),
    "execute_df": lambda engine: engine.execute_df(_ENDLESS),
    "execute_arrow": lambda engine: engine.execute_arrow(_ENDLESS),
    "execute_scalar": lambda engine: engine.execute_scalar(_ENDLESS),
    "execute": lambda engine: engine.execute(f"CREATE TABLE t AS {_ENDLESS}"),
    "query": lambda engine: engine.query(_ENDLESS),
    "statement": lambda engine: engine.query(sa.text(_ENDLESS)),
    "statement's frame": lambda engine: engine.execute_df(sa.text(_ENDLESS)),
}


@contextmanager
def interrupted() -> Iterator[None]:
    """Send Ctrl-C to the main thread in a moment, and expect it in the block.

    A timer of the test's own, not a fixture's: on a busy machine it would go off while another
    fixture is still being made.
    """
    main = threading.main_thread().ident
    assert main is not None
    timer = threading.Timer(0.5, signal.pthread_kill, [main, signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        yield
    timer.join()


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_query_ends_at_once(call: Callable[[StorageEngine], Any], memory: StorageEngine) -> None:
    with interrupted():
        call(memory)
    assert memory.execute_scalar("SELECT 42") == 42


def test_a_session_ends_at_once(memory: StorageEngine) -> None:
    with interrupted(), memory.session() as session:
        session.execute(sa.text(_ENDLESS))
    assert memory.execute_scalar("SELECT 42") == 42


def test_a_load_ends_at_once_and_leaves_nothing(memory: StorageEngine) -> None:
    def pressed() -> Iterator[Any]:
        yield event()
        signal.raise_signal(signal.SIGINT)
        time.sleep(60)

    before = memory.execute_scalar("SELECT current_setting('memory_limit')")
    with pytest.raises(KeyboardInterrupt):
        EVENTS.create(memory, pressed())
    assert memory.list_tables() == []
    assert memory.execute_scalar("SELECT current_setting('memory_limit')") == before
    assert EVENTS.create(memory, events(3)) == 3


def _commits(engine: StorageEngine, action: Callable[[], object]) -> None:
    """Do something when the next transaction of *engine* commits."""
    sa.event.listen(engine.engine, "commit", lambda _: action(), once=True)


@pytest.mark.parametrize("load", ["records", "file", "drop"])
def test_an_interrupt_during_the_commit_comes_too_late(
    load: str, engine: StorageEngine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(lines(3))
    EVENTS.create(engine, events(3), "dropped")
    _commits(engine, lambda: signal.raise_signal(signal.SIGINT))
    if load == "records":
        assert EVENTS.create(engine, events(3)) == 3
    elif load == "file":
        assert engine.load_export("data", path, metadata()) == 3
    else:
        engine.drop_table("dropped")
    names = [info.name for info in engine.list_tables()]
    assert names == ([] if load == "drop" else ["data", "dropped"])
    assert "too late" in caplog.text
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_of_the_users_own_is_called_meanwhile(engine: StorageEngine) -> None:
    received: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: received.append(number))
    try:
        _commits(engine, lambda: signal.raise_signal(signal.SIGINT))
        EVENTS.create(engine, events(3))
    finally:
        signal.signal(signal.SIGINT, before)
    assert received == [signal.SIGINT]


def test_a_query_goes_on_when_a_handler_lets_it(memory: StorageEngine) -> None:
    received: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, _: received.append(number))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        slow = (
            "SELECT count(*) FROM range(3000) a, range(30000) b WHERE (a.range * b.range) % 7 = 3"
        )
        while not received:
            assert memory.execute_scalar(slow) > 0
    finally:
        signal.signal(signal.SIGALRM, before)


def test_ctrl_c_while_a_connection_is_given_back_is_no_report_of_the_pool(
    memory: StorageEngine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    dialect = memory.engine.dialect
    real = dialect.do_rollback

    def rollback(connection: Any) -> None:
        monkeypatch.undo()
        real(connection)
        raise KeyboardInterrupt

    given = memory.engine.raw_connection()
    monkeypatch.setattr(dialect, "do_rollback", rollback)
    with pytest.raises(KeyboardInterrupt):
        given.close()
    assert caplog.records == []
    assert memory.execute_scalar("SELECT 1") == 1
