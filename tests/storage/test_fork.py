"""A forked child cannot harm its parent's database, nor lose a write without a word."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mixpanel_data import StorageEngine
from tests.support.effort import some
from tests.support.processes import run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork"),
]

_FORK = """
import os, signal, sys
from mixpanel_data import StorageEngine
from mixpanel_data.exceptions import ForkedEngineError
from tests.support.factories import EVENTS, events

def child(engine):
    signal.alarm(30)
    {child}

engine = {opened}
EVENTS.create(engine, events(10))
held = engine.execute("SELECT * FROM data")
sys.stdout.flush()
pid = os.fork()
if pid == 0:
    child(engine)
    sys.stdout.flush()
    {ending}
_, status = os.waitpid(pid, 0)
assert os.WIFEXITED(status) or not {clean}, status
assert EVENTS.append(engine, events(20)) == 10
print(engine.execute_scalar("SELECT count(*) FROM data"), "rows in the parent")
assert engine.path is None or engine.path.is_file()
engine.close()
"""

USES = {
    "execute_scalar": "engine.execute_scalar('SELECT 1')",
    "query": "engine.query(engine.table('data').select())",
    "append": "EVENTS.append(engine, events(30))",
    "connection": "engine.connection.execute('DELETE FROM data')",
    "session": "engine.session().connection()",
}


def _fork(child: str, *, opened: str = "StorageEngine(sys.argv[1])", exits: bool = False) -> str:
    # DuckDB itself crashes an interpreter that ends after a fork; os._exit only ends the process.
    ending = "sys.exit(0)" if exits else "os._exit(0)"
    return _FORK.format(child=child, ending=ending, opened=opened, clean=not exits)


def test_every_use_in_the_child_is_refused(db_path: Path) -> None:
    lines = [
        f"try: {use}\n    except ForkedEngineError as error: print('{name} refused:', error)"
        for name, use in USES.items()
    ]
    output = run(_fork("\n    ".join(lines)), db_path)
    assert [line.split()[0] for line in output.splitlines()] == [*USES, "20"]
    assert "fork" in output
    with StorageEngine(db_path, read_only=True) as engine:
        assert engine.execute_scalar("SELECT count(*) FROM data") == 20


@pytest.mark.parametrize(
    "opened", some(["StorageEngine(sys.argv[1])", "StorageEngine.ephemeral()"], 1)
)
def test_a_child_that_ends_leaves_the_parents_file(opened: str, db_path: Path) -> None:
    output = run(_fork("engine.close()", exits=True, opened=opened), db_path)
    assert output == "20 rows in the parent\n"


def test_a_child_that_drops_the_engine_leaves_the_parents_file(db_path: Path) -> None:
    child = (
        "import gc\n    globals().update(engine=None, held=None)\n    del engine\n    gc.collect()"
    )
    assert run(_fork(child, exits=True), db_path) == "20 rows in the parent\n"
    with StorageEngine(db_path, read_only=True) as engine:
        assert engine.execute_scalar("SELECT count(*) FROM data") == 20


def test_a_child_may_have_a_database_of_its_own(db_path: Path) -> None:
    child = """with StorageEngine.memory() as own:
        print(EVENTS.create(own, events(7)), "rows in the child")"""
    assert run(_fork(child), db_path).splitlines() == [
        "7 rows in the child",
        "20 rows in the parent",
    ]
