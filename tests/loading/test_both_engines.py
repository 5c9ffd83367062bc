"""Random loads leave the same rows, and count the same, in a DuckDB file and in ClickHouse."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from mixpanel_data import StorageEngine
from mixpanel_data.types import LoadInfo, TableMetadata
from tests.support import clickhouse
from tests.support.factories import FETCHED_AT

pytestmark = pytest.mark.clickhouse

DAYS = [date(2023, 12, 30) + timedelta(days=n) for n in range(6)]
ODD = ["", "é", "a'b", 'a"b', "\\", "{x:String}", "%s", "\t\n\0", "日本"]


def _event(chance: random.Random) -> dict[str, Any]:
    moment = datetime(2023, 12, 30) + timedelta(
        seconds=chance.randrange(6 * 24) * 3600, microseconds=chance.choice([0, 1, 5, 999_999])
    )
    return {
        "event_name": chance.choice(["A", "B", *ODD]),
        "event_time": moment,
        "distinct_id": chance.choice(["u1", "u2", *ODD]),
        "insert_id": f"i{chance.randrange(40)}",
        "properties": {"n": chance.randrange(3), chance.choice(ODD): [1.0, None, 10**25]},
    }


def _profile(chance: random.Random) -> dict[str, Any]:
    seen = None if chance.random() < 0.2 else datetime(2024, 1, chance.randrange(1, 6), 0, 0, 0, 5)
    return {
        "distinct_id": chance.choice([f"u{chance.randrange(12)}", *ODD]),
        "properties": {"n": chance.randrange(3)},
        "last_seen": seen,
    }


def _counts(load: LoadInfo) -> dict[str, Any]:
    """Return all that a load tells but times and versions, and how many ids were taken."""
    told = load.to_dict()
    for name in ("started_at", "finished_at", "duckdb_version", "collisions"):
        del told[name]
    return told


def _events(engine: StorageEngine) -> list[tuple[Any, ...]]:
    table = engine.table("data")
    rows = engine.query(sa.select(table))
    # DuckDB gives an event whose id is taken one of its own.
    return sorted((r[0], r[1], r[2], r[3].partition("~")[0], repr(r[4])) for r in rows)


def _profiles(engine: StorageEngine) -> list[tuple[Any, ...]]:
    return sorted(
        (r[0], repr(r[1]), repr(r[2])) for r in engine.query(sa.select(engine.table("p")))
    )


@contextmanager
def both() -> Iterator[list[StorageEngine]]:
    with StorageEngine.memory() as duckdb, clickhouse.connect() as other:
        yield [duckdb, other]


@pytest.mark.parametrize(
    ("seed", "loads"),
    [(1, 6), *(pytest.param(seed, 15, marks=pytest.mark.slow) for seed in range(2, 11))],
)
def test_events(seed: int, loads: int) -> None:
    chance = random.Random(seed)
    with both() as engines:
        for number in range(loads):
            first, last = sorted(chance.choices(DAYS, k=2))
            meta = TableMetadata(
                type="events", fetched_at=FETCHED_AT, from_date=str(first), to_date=str(last)
            )
            records: list[Any] = [_event(chance) for _ in range(chance.randrange(60))]
            replace = number > 0 and chance.random() < 0.4
            if replace:
                records = [r for r in records if first <= r["event_time"].date() <= last]
            stored = []
            for engine in engines:
                if number == 0:
                    stored.append(engine.create_events_table("data", records, meta))
                else:
                    options: Any = {"replace": replace, "allow_empty": True}
                    stored.append(engine.append_events_table("data", records, meta, **options))
            assert stored[0] == stored[1]
            assert _counts(engines[0].loads()[-1]) == _counts(engines[1].loads()[-1])
            assert _events(engines[0]) == _events(engines[1])
        assert engines[0].coverage("data") == engines[1].coverage("data")
        times = [
            engine.get_metadata("data").model_copy(update={"collisions": 0}) for engine in engines
        ]
        assert times[0] == times[1]


@pytest.mark.parametrize("seed", [1, *(pytest.param(n, marks=pytest.mark.slow) for n in (2, 3, 4))])
def test_profiles(seed: int) -> None:
    chance = random.Random(seed)
    meta = TableMetadata(type="profiles", fetched_at=FETCHED_AT)
    with both() as engines:
        for engine in engines:
            engine.create_profiles_table("p", [], meta)
        for _ in range(8):
            records: list[Any] = [_profile(chance) for _ in range(chance.randrange(20))]
            conflict: Any = chance.choice(["ignore", "update", "replace"])
            for engine in engines:
                engine.append_profiles_table("p", records, meta, on_conflict=conflict)
            assert _counts(engines[0].loads()[-1]) == _counts(engines[1].loads()[-1]), conflict
            assert _profiles(engines[0]) == _profiles(engines[1]), conflict
