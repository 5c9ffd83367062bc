"""Fixtures in layers: a path, an engine on it, an engine with a table in it."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import HealthCheck, settings

from mixpanel_data import StorageEngine
from tests.support import clickhouse, typed_rows
from tests.support.effort import SAMPLED, Sample, tries
from tests.support.factories import EVENTS, PROFILES, Kind

# A run in the background is started with Ctrl-C ignored, and would pass that on to every child.
signal.signal(signal.SIGINT, signal.default_int_handler)

if os.environ.get("TYPED_ROWS") == "on":
    # Every load of every test makes typed rows, and all statements are offered to them.
    typed_rows.force()

settings.register_profile(
    "tests",
    max_examples=tries(8, 100),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile("tests")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return one worker more than there are cores, as tests of other processes mostly wait."""
    return (os.cpu_count() or 1) + 1


def pytest_configure(config: pytest.Config) -> None:
    """Try a sample of the combinations of parameters, unless all are to be tried."""
    if SAMPLED:
        config.pluginmanager.register(Sample())


def pytest_collection_finish() -> None:
    """Look for no garbage in what is there to the end: modules, and thousands of tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every property test as slow, since it runs many examples; put the README's first."""
    # Its blocks build on one another: a worker that steals some from the end runs all of them.
    items.sort(key=lambda item: item.path.name != "test_readme.py")
    for item in items:
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def db_path(tmp_path: Path) -> Path:
    """Return the path of a database that does not exist yet."""
    return tmp_path / "warehouse.db"


@pytest.fixture
def opened() -> Iterator[Callable[[StorageEngine], StorageEngine]]:
    """Yield a function that passes an engine on, and closes it when the test ends."""
    with ExitStack() as stack:
        yield stack.enter_context


@pytest.fixture
def engine(db_path: Path) -> Iterator[StorageEngine]:
    """Yield an engine on an empty database file."""
    with StorageEngine(db_path) as engine:
        yield engine


def _open(request: pytest.FixtureRequest) -> StorageEngine:
    other = getattr(request, "param", "duckdb") == "clickhouse"
    return clickhouse.connect() if other else StorageEngine.memory()


@pytest.fixture
def memory(request: pytest.FixtureRequest) -> Iterator[StorageEngine]:
    """Yield an engine without a file; of both kinds in turn where a test is marked so."""
    with _open(request) as engine:
        yield engine


@pytest.fixture(scope="module")
def shared(request: pytest.FixtureRequest) -> Iterator[StorageEngine]:
    """Yield one engine without a file to a whole module, for property tests."""
    with _open(request) as engine:
        yield engine


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that is marked ``both_engines`` on ClickHouse, too; slow if not quick."""
    marker = metafunc.definition.get_closest_marker("both_engines")
    if marker is None or metafunc.definition.get_closest_marker("duckdb_only"):
        return
    marks = [pytest.mark.clickhouse]
    if not marker.kwargs.get("quick"):
        marks.append(pytest.mark.slow)
    # With both of them, one is of DuckDB's own.
    for name in sorted({"memory", "shared"} & set(metafunc.fixturenames))[:1]:
        scope: Literal["module", "function"] = "module" if name == "shared" else "function"
        engines = ["duckdb", pytest.param("clickhouse", marks=marks)]
        metafunc.parametrize(name, engines, indirect=True, scope=scope)


@pytest.fixture(params=[EVENTS, PROFILES], ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Return each kind of table in turn."""
    chosen: Kind = request.param
    return chosen


@pytest.fixture
def loaded(memory: StorageEngine, kind: Kind) -> StorageEngine:
    """Return an engine whose table ``data`` holds the kind's records 0 to 9."""
    kind.create(memory, kind.records(10))
    return memory
