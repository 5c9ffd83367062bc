"""A table distributed over two servers is asked like any other; it is loaded on each of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mixpanel_data import StorageEngine, UnsupportedError
from tests.clickhouse import needs_server
from tests.support import clickhouse_server
from tests.support.factories import EVENTS, START, event, metadata
from tests.support.shards import Sharded

pytestmark = [pytest.mark.clickhouse, pytest.mark.slow, needs_server]

MONTH: Any = {"from_date": "2024-01-01", "to_date": "2024-01-31"}
RECORDS = [
    event(n, event_time=START.replace(day=1 + n % 28, hour=n % 24), properties={"plan": n % 3})
    for n in range(2_000)
]


@pytest.fixture(scope="module")
def sharded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Yield the engine whose table ``events`` is on two servers."""
    with clickhouse_server.shards(tmp_path_factory.mktemp("shards")) as servers:
        engine = Sharded(servers, "music")
        engine.create_events_table("events", RECORDS, metadata(**MONTH))
        yield engine
        engine.close()


@pytest.fixture(scope="module")
def single() -> Iterator[StorageEngine]:
    """Yield an engine with the same events in one table."""
    with StorageEngine.memory() as engine:
        EVENTS.create(engine, RECORDS, "events", metadata(**MONTH))
        yield engine


def test_each_server_has_a_part(sharded: Any) -> None:
    parts = [e.execute_scalar("SELECT count() FROM events_shard") for e in sharded.engines]
    assert sum(parts) == len(RECORDS)
    assert 0 not in parts


def test_it_is_asked_like_any_other(sharded: Any, single: StorageEngine) -> None:
    assert [t.row_count for t in sharded.list_tables() if t.name == "events"] == [len(RECORDS)]
    assert sharded.event_breakdown("events").to_dict() == single.event_breakdown("events").to_dict()
    assert sharded.property_keys("events") == single.property_keys("events")
    counts = "SELECT event_name, count(*) FROM events GROUP BY event_name ORDER BY event_name"
    assert list(sharded.execute_rows(counts)) == list(single.execute_rows(counts))


QUESTIONS: dict[str, Any] = {
    "unique": lambda r: r.segmentation(measure="unique", unit="week", **MONTH),
    "property": lambda r: r.segmentation(on="plan", measure="total", **MONTH),
    "mau": lambda r: r.segmentation(measure="mau", **MONTH),
    "funnel": lambda r: r.funnel(["Event 0", "Event 1", "Event 2"], **MONTH),
    "totals": lambda r: r.funnel(["Event 0", "Event 1"], count="totals", on="plan", **MONTH),
    "retention": lambda r: r.retention(born_event="Event 0", interval_count=7, **MONTH),
    "frequency": lambda r: r.frequency(unit="week", addiction_unit="day", **MONTH),
    "sessions": lambda r: r.sessions(**MONTH),
    "flows": lambda r: r.flows("Event 3", forward=2, **MONTH),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_reports_are_those_of_one_table(question: str, sharded: Any, single: StorageEngine) -> None:
    over_both, in_one = (
        QUESTIONS[question](engine.reports("events")).to_dict() for engine in (sharded, single)
    )
    assert over_both == in_one


def test_ids_of_one_person_may_be_on_both(tmp_path: Path, sharded: Any) -> None:
    def login(n: int) -> list[dict[str, Any]]:
        device, user = f"device-{n}", f"person-{n}"
        ids = {"$device_id": device, "$user_id": user}
        names = [("view", device, {"$device_id": device}), ("login", user, ids), ("buy", user, ids)]
        return [
            event(3 * n + i, event_name=name, distinct_id=id_, properties=properties)
            for i, (name, id_, properties) in enumerate(names)
        ]

    people = [record for n in range(40) for record in login(n)]
    sharded.create_events_table("logins", people, metadata())
    reports = sharded.reports("logins", identity="simplified")
    assert [step.count for step in reports.funnel(["view", "buy"], **MONTH).steps] == [40, 40]


@pytest.mark.parametrize("replace", [False, True])
def test_loading_into_it_says_how_to_load(replace: bool, sharded: Any) -> None:
    before = sharded.execute_scalar("SELECT count() FROM events")
    with pytest.raises(UnsupportedError, match="Load on each shard"):
        sharded.append_events_table("events", [event(9_000)], metadata(**MONTH), replace=replace)
    assert sharded.execute_scalar("SELECT count() FROM events") == before


def test_what_is_loaded_on_a_shard_is_seen_at_once(sharded: Any) -> None:
    before = sharded.execute_scalar("SELECT count() FROM events")
    EVENTS.append(sharded.engines[1], [event(9_000, event_name="late")], "events_shard")
    assert sharded.execute_scalar("SELECT count() FROM events") == before + 1


def test_it_can_be_copied_into_a_file(sharded: Any, tmp_path: Path) -> None:
    sharded.create_events_table("copied", RECORDS, metadata(**MONTH))
    with StorageEngine(tmp_path / "music.db") as file:
        (table,) = sharded.copy_to(file, ["copied"])
        assert table.row_count == len(RECORDS) == file.execute_scalar("SELECT count(*) FROM copied")
