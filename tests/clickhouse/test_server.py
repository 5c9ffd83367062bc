"""What the tests of servers stand on: a server that is killed keeps what it was sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.clickhouse_server import CLUSTER, needs_server, running, shards

pytestmark = [pytest.mark.clickhouse, pytest.mark.slow, needs_server]


def test_a_killed_server_starts_again_with_its_rows(tmp_path: Path) -> None:
    with running(tmp_path / "data") as server:
        database = server.new_database()
        server.ask("CREATE TABLE n (n Int64) ENGINE = MergeTree ORDER BY n", database)
        server.ask("INSERT INTO n SELECT number FROM numbers(1000)", database)
        first = server.pid
        server.kill()
        server.start()
        assert server.pid != first
        assert server.ask("SELECT count(), sum(n) FROM n", database) == "1000\t499500"


def test_two_shards_know_each_other(tmp_path: Path) -> None:
    with shards(tmp_path) as (first, second):
        for shard in (first, second):
            database = shard.new_database("d")
            shard.ask("CREATE TABLE n (n Int64) ENGINE = MergeTree ORDER BY n", database)
        second.ask("INSERT INTO n SELECT number FROM numbers(10)", "d")
        found = first.ask(f"SELECT count() FROM cluster({CLUSTER}, d, n)", "d")
        assert found == "10"
