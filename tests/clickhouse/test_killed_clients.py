"""A client that is killed at any stage of a load leaves the table as it was, or as it is to be."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator

import pytest

from mixpanel_data import DatabaseLockedError, StorageEngine
from tests.clickhouse.loads import ACTIONS, Load, leftovers
from tests.support.clickhouse_server import Server
from tests.support.processes import start
from tests.support.relay import Relay, relaying

pytestmark = [pytest.mark.clickhouse, pytest.mark.slow]

# The client is killed when the server has done these, and before it learns that.
STAGES = {
    "locked": "CREATE TABLE `_lock_data`",
    # In the address: the rows are what is posted.
    "staged": r"INSERT\+INTO\+(%60)?_staging_data_",
    "cloned": "(ATTACH PARTITION ALL FROM `data`|CREATE TABLE `_next_data_.* ORDER BY)",
    "filled": "INSERT INTO `_next_data_",
    "ready": "MODIFY COMMENT",
    "published": "(EXCHANGE TABLES|RENAME TABLE)",
}

_CLIENT = """
import sys
from mixpanel_data import StorageEngine
from tests.clickhouse.loads import Load

url, action, count = sys.argv[1:]
with StorageEngine.connect(url) as engine:
    print("opened", flush=True)
    sys.stdin.readline()
    Load(action, int(count)).run(engine)
"""


@pytest.fixture
def relay(server: Server) -> Iterator[Relay]:
    with relaying(server.http_port) as relay:
        yield relay


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("stage", STAGES)
def test_a_killed_client_leaves_old_or_new(
    stage: str, action: str, url: str, server: Server, relay: Relay
) -> None:
    load = Load(action, 300)
    with StorageEngine.connect(url) as engine:
        load.prepare(engine)
        through = url.replace(f":{server.http_port}/", f":{relay.port}/")
        client = start(_CLIENT, through, action, load.count)
        assert client.stdout is not None
        assert client.stdout.readline() == "opened\n"
        relay.kill_after(STAGES[stage], client.pid)
        _, errors = client.communicate("go\n", timeout=60)
        assert client.returncode == -signal.SIGKILL, errors
        published = stage == "published"
        assert load.found(engine) == (load.after if published else load.before)
        again = Load("append", 300) if engine.table_exists("data") else load
        with pytest.raises(DatabaseLockedError) as locked:
            again.run(engine)
        assert locked.value.holding_pid == client.pid
        assert locked.value.details["host"] == socket.gethostname()
    assert StorageEngine.unlock(url)
    with StorageEngine.connect(url) as engine:
        assert load.is_in_history(engine) == published
        assert leftovers(engine) == []
        if not published:
            load.run(engine)
        assert load.found(engine) == load.after
        assert load.is_in_history(engine)
