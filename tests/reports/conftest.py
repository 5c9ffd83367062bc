"""An engine for a module's reports, and tables of events made from short tuples."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import pytest

from mixpanel_data import StorageEngine
from mixpanel_data.reports import Reports
from tests.support import clickhouse, clickhouse_server
from tests.support.clickhouse_server import Server
from tests.support.factories import metadata
from tests.support.shards import Sharded

Row = Sequence[Any]
Make = Callable[..., Reports]


def records(rows: Iterable[Row]) -> list[Any]:
    """Return events for (user, name, time, properties?, number?): the number is the insert_id."""
    return [
        {
            "distinct_id": user,
            "event_name": name,
            "event_time": time,
            "insert_id": f"id-{rest[1] if len(rest) > 1 else number:05}",
            "properties": rest[0] if rest else {},
        }
        for number, (user, name, time, *rest) in enumerate(rows)
    ]


_numbers = itertools.count(1)
on_clickhouse = pytest.mark.clickhouse


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    """Yield two servers that make a cluster."""
    if not clickhouse_server.IS_THERE:
        pytest.skip(clickhouse_server.WHY_NOT)
    with clickhouse_server.shards(tmp_path_factory.mktemp("shards")) as servers:
        yield servers


@pytest.fixture(
    scope="module",
    params=[
        "duckdb",
        pytest.param("clickhouse", marks=on_clickhouse),
        pytest.param("shards", marks=[on_clickhouse, pytest.mark.slow]),
    ],
)
def shared(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Yield one engine without a file to a whole module, of each kind in turn."""
    opened: Any
    if request.param == "shards":
        opened = Sharded(request.getfixturevalue("servers"), f"reports{next(_numbers)}")
    else:
        opened = StorageEngine.memory() if request.param == "duckdb" else clickhouse.connect()
    yield opened
    opened.close()


@pytest.fixture
def make(shared: StorageEngine) -> Make:
    """Return a function that replaces the module's one table, and returns reports over it."""

    def made(rows: Iterable[Row], **options: Any) -> Reports:
        if shared.table_exists("events"):
            shared.drop_table("events")
        shared.create_events_table("events", records(rows), metadata())
        return shared.reports("events", **options)

    return made
