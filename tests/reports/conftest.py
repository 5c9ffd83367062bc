"""An engine for a module's reports, and tables of events made from short tuples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import pytest

from mixpanel_data import StorageEngine
from mixpanel_data.reports import Reports
from tests.support import clickhouse
from tests.support.factories import metadata

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


@pytest.fixture(
    scope="module", params=["duckdb", pytest.param("clickhouse", marks=pytest.mark.clickhouse)]
)
def shared(request: pytest.FixtureRequest) -> Iterator[StorageEngine]:
    """Yield one engine without a file to a whole module, of each kind in turn."""
    with StorageEngine.memory() if request.param == "duckdb" else clickhouse.connect() as opened:
        yield opened


@pytest.fixture
def make(shared: StorageEngine) -> Make:
    """Return a function that replaces the module's one table, and returns reports over it."""

    def made(rows: Iterable[Row], **options: Any) -> Reports:
        if shared.table_exists("events"):
            shared.drop_table("events")
        shared.create_events_table("events", records(rows), metadata())
        return shared.reports("events", **options)

    return made
