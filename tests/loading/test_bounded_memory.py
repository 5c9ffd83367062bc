"""A long stream does not fill the memory."""

from __future__ import annotations

import json
import sys

import pytest

from tests.support.effort import only_thorough
from tests.support.processes import run

pytestmark = pytest.mark.slow

_STREAM = """
import json, sys
from benchmarks import realistic
from mixpanel_data import StorageEngine
from tests.support.factories import EVENTS, event

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

seen = []

def like_one_another(count):
    for n in range(count):
        properties = {f"property {i}": f"value {i} of {n}" for i in range(12)}
        yield event(n, properties=properties)

def records(count):
    make = realistic.events if sys.argv[1] == "realistic" else like_one_another
    for n, record in enumerate(make(count)):
        if n % 10_000 == 0:
            seen.append(resident())
        yield record

with StorageEngine.ephemeral() as engine:
    engine.connection.execute("SET memory_limit = '60MB'")
    assert EVENTS.create(engine, records(100_000)) == 100_000
    seen.append(resident())
print(json.dumps(seen))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@only_thorough
@pytest.mark.parametrize("events", ["realistic", "like one another"])
def test_a_stream_is_never_held_whole(events: str) -> None:
    # DuckDB draws a progress bar for code given by -c, if the machine is slow.
    seen = json.loads(run(_STREAM, events).splitlines()[-1])
    assert max(seen[1:]) - seen[1] < 120_000_000
