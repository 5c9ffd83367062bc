"""A forked child may not open what its parent had open; what was closed, it may."""

from __future__ import annotations

import multiprocessing
import os
from itertools import product
from pathlib import Path

import pytest

from mixpanel_data import StorageEngine
from tests.support.effort import some
from tests.support.factories import EVENTS, events
from tests.support.processes import run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork"),
]

_FORKED = """
import multiprocessing, os, pathlib, sys
import duckdb
from mixpanel_data import StorageEngine, maintenance
from tests.support.factories import EVENTS, events

def child(path, answers=None):
    try:
        {child}
        answer = "opened"
    except Exception as error:
        answer = f"{type(error).__name__}: {error}"
    print(answer, flush=True) if answers is None else answers.put(answer)

def fork(path):
    if os.fork() == 0:
        child(path)
        os._exit(0)
    os.wait()

def process(path):
    answers = multiprocessing.get_context("fork").Queue()
    made = multiprocessing.get_context("fork").Process(target=child, args=(path, answers))
    made.start()
    print(answers.get(timeout=30), flush=True)
    made.join()

path = sys.argv[1]
StorageEngine(path).close()
opened = {opened}
{start}(path)
opened.close()
{start}(path)
with StorageEngine(path) as engine:
    EVENTS.create(engine, events(3), "parent")
"""

_OPENED = ["StorageEngine(path)", "StorageEngine.open_existing(path)", "duckdb.connect(path)"]
_CHILDREN = [
    "StorageEngine(path).close()",
    "StorageEngine.open_existing(path).close()",
    "StorageEngine(os.path.relpath(path)).close()",
    "maintenance.status(path)",
    "maintenance.compact(path)",
]


def _outcome(db_path: Path, **parts: str) -> list[str]:
    code = _FORKED
    for name, part in parts.items():
        code = code.replace(f"{{{name}}}", part)
    return run(code, db_path).splitlines()


@pytest.mark.parametrize(("opened", "start"), some([*product(_OPENED, ["fork", "process"])], 2))
def test_a_file_that_the_parent_had_open_is_refused(opened: str, start: str, db_path: Path) -> None:
    before, after = _outcome(db_path, opened=opened, start=start, child=_CHILDREN[0])
    assert before.startswith("ForkedEngineError")
    assert "spawn" in before
    assert "Close it" in before
    assert after == "opened"


@pytest.mark.parametrize("child", some(_CHILDREN, 3))
def test_every_opening_is_refused(child: str, db_path: Path) -> None:
    before, after = _outcome(db_path, opened=_OPENED[0], start="fork", child=child)
    assert (before.partition(":")[0], after) == ("ForkedEngineError", "opened")


def _store(path: Path) -> None:
    with StorageEngine(path) as engine:
        EVENTS.create(engine, events(7), "child")


def test_a_spawned_child_may_use_another_file(engine: StorageEngine, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    child = multiprocessing.get_context("spawn").Process(target=_store, args=(other,))
    child.start()
    child.join(60)
    with StorageEngine(other, read_only=True) as stored:
        assert stored.execute_scalar("SELECT count(*) FROM child") == 7
    assert engine.list_tables() == []
