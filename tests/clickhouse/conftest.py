"""Fixtures on real servers: one for all tests that leave it alive, and databases on it."""

from __future__ import annotations

import inspect
import time
from collections.abc import Iterator

import pytest

from mixpanel_data import StorageEngine
from tests.support import clickhouse, clickhouse_server
from tests.support.clickhouse_server import Server
from tests.support.shards import Sharded

_STARTS = 3


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test over two servers again where one of them has ended by itself."""
    shared = pyfuncitem.funcargs.get("shared")
    if not isinstance(shared, Sharded):
        return None
    needed = inspect.signature(pyfuncitem.obj).parameters
    arguments = {name: pyfuncitem.funcargs[name] for name in needed}
    for left in reversed(range(_STARTS)):
        try:
            pyfuncitem.obj(**arguments)
        except Exception:
            # One that is shutting down answers for a moment.
            time.sleep(1)
            if not (shared.revive() and left):
                raise
        else:
            break
    return True


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Yield a server that no test ends."""
    if not clickhouse_server.IS_THERE:
        pytest.skip(clickhouse_server.WHY_NOT)
    with clickhouse_server.running(tmp_path_factory.mktemp("server") / "data") as running:
        yield running


@pytest.fixture
def url(server: Server) -> Iterator[str]:
    """Yield the URL of a new database on a server."""
    name = server.new_database()
    yield server.url(name)
    server.ask(f"DROP DATABASE {name} SYNC")


@pytest.fixture(params=["chdb", pytest.param("server", marks=pytest.mark.slow)])
def house(request: pytest.FixtureRequest) -> Iterator[StorageEngine]:
    """Yield an engine on an empty database of ClickHouse, in-process and on a server."""
    in_process = request.param == "chdb"
    place = clickhouse.new_url() if in_process else request.getfixturevalue("url")
    with StorageEngine.connect(place) as engine:
        yield engine
