"""Ctrl-C at the worst of times."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from mixpanel_data import StorageEngine
from tests.support.exports import lines
from tests.support.factories import events, metadata

Load = Callable[[StorageEngine, Path], int]


def _from_file(engine: StorageEngine, path: Path) -> int:
    return engine.load_export("data", path, metadata())


def _from_iterator(engine: StorageEngine, _: Path) -> int:
    return engine.create_events_table("data", events(10), metadata())


@pytest.mark.parametrize("load", [_from_file, _from_iterator])
def test_an_interrupt_while_a_thread_starts_leaves_nothing_running(
    memory: StorageEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, load: Load
) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(lines(10))
    start = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        start(thread)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            load(memory, path)
    assert memory.list_tables() == []
    assert load(memory, path) == 10
