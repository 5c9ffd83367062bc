"""A disk that is full leaves the database as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from mixpanel_data import StorageEngine
from tests.support.effort import some
from tests.support.factories import EVENTS, PROFILES, Kind, dump
from tests.support.processes import run

pytestmark = pytest.mark.slow

pytest.importorskip("resource", reason="the system has no limits to set")

_LOAD = """
import random, resource, sys
from mixpanel_data import StorageEngine
from mixpanel_data.exceptions import MixpanelDataError
from tests.support import factories

path, kind, call, room = sys.argv[1:]
kind, chance = getattr(factories, kind.upper()), random.Random(1)

def records():
    for record in kind.records(20_000, start=50):
        yield {**record, "properties": {"noise": f"{chance.getrandbits(2000):x}"}}

engine = StorageEngine(path)
size = engine.path.stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + int(room), resource.RLIM_INFINITY))
try:
    getattr(kind, call)(engine, records())
except (MixpanelDataError, OSError) as error:
    print("refused", type(error).__name__)
else:
    print("stored")
"""


@pytest.mark.parametrize(
    ("kind", "call", "room"),
    some(
        [(EVENTS, "append", 1_000_000), (EVENTS, "create", 1_000_000), (PROFILES, "append", 0)], 1
    ),
)
def test_a_full_disk_leaves_the_database_as_it_was(
    kind: Kind, call: str, room: int, db_path: Path
) -> None:
    with StorageEngine(db_path) as engine:
        kind.create(engine, kind.records(100), "beside")
        if call == "append":
            kind.create(engine, kind.records(100))
        before = dump(engine)
    assert run(_LOAD, db_path, kind.name, call, room).startswith("refused")
    with StorageEngine(db_path) as engine:
        assert dump(engine) == before
        assert getattr(kind, call)(engine, kind.records(10, start=200)) == 10
