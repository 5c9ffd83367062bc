"""Late data: slices of events make way for new ones, and profiles for later ones."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from mixpanel_data import StorageEngine
from tests.support.factories import dump, event, metadata
from tests.support.factories import profile as _profile

pytestmark = [pytest.mark.slow, pytest.mark.both_engines]

JANUARY = datetime(2024, 1, 1)


def _on(day: int, n: int = 0, **changes: Any) -> Any:
    at = JANUARY + timedelta(days=day - 1, seconds=n)
    return event(n, event_time=at, insert_id=f"{day}-{n}", **changes)


def profile(n: int, **changes: Any) -> Any:
    return _profile(n, **changes)


def _days(first: int, last: int, **changes: Any) -> Any:
    days = {"from_date": f"2024-01-{first:02}", "to_date": f"2024-01-{last:02}"}
    return metadata(**days, **changes)


@pytest.fixture(params=[1_000_000, 5], ids=["keyed", "unkeyed"])
def days(engine: StorageEngine, request: pytest.FixtureRequest) -> StorageEngine:
    """Return an engine with ten days of three events each."""
    engine.index_limit = request.param
    data = [_on(day, n) for day in range(1, 11) for n in range(3)]
    engine.create_events_table("data", data, _days(1, 10))
    return engine


def test_the_days_are_replaced(days: StorageEngine) -> None:
    merged = [_on(day, n, distinct_id="merged") for day in (3, 4) for n in range(4)]
    assert days.append_events_table("data", merged, _days(3, 4), replace=True) == 8
    assert days.execute_scalar("SELECT count(*) FROM data") == 32
    told = days.execute_rows(
        "SELECT DISTINCT day(event_time) FROM data WHERE distinct_id = 'merged' ORDER BY 1"
    )
    assert told == [(3,), (4,)]
    assert days.loads()[-1].replaced == 6
    assert days.loads()[-1].action == "replace"
    assert days.append_events_table("data", merged, _days(3, 4)) == 0


def test_only_the_filtered_events_are_replaced(days: StorageEngine) -> None:
    meta = _days(1, 10, filter_events=["Event 1"])
    assert days.append_events_table("data", [], meta, replace=True, allow_empty=True) == 0
    assert days.loads()[-1].replaced == 10
    assert days.execute_scalar("SELECT count(*) FROM data") == 20


def test_a_failing_replacement_leaves_all_as_it_was(days: StorageEngine) -> None:
    before = dump(days)

    def broken() -> Any:
        yield _on(3, 9)
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        days.append_events_table("data", broken(), _days(3, 4), replace=True)
    assert dump(days) == before


def test_a_replacement_needs_its_days(days: StorageEngine) -> None:
    with pytest.raises(ValueError, match="from_date and to_date"):
        days.append_events_table("data", [], metadata(), replace=True)


def test_collisions_stay_recognisable(engine: StorageEngine) -> None:
    one, two = _on(1), _on(2) | {"insert_id": "1-0"}
    engine.create_events_table("data", [one, two], _days(1, 2))
    engine.append_events_table("data", [one], _days(1, 1), replace=True)
    engine.append_events_table("data", [two], _days(2, 2), replace=True)
    for again in (one, two):
        assert engine.append_events_table("data", [again], _days(1, 2)) == 0
    assert engine.execute_scalar("SELECT count(*) FROM data") == 2


def test_a_derived_id_is_known_after_its_rival_has_gone(engine: StorageEngine) -> None:
    one, two = _on(1), _on(2) | {"insert_id": "1-0"}
    engine.create_events_table("data", [one, two], _days(1, 2))
    engine.append_events_table("data", [], _days(1, 1), replace=True, allow_empty=True)
    assert engine.append_events_table("data", [two], _days(2, 2)) == 0


EARLY, LATE = datetime(2024, 1, 1), datetime(2024, 2, 1)


@pytest.mark.parametrize(
    ("held", "new", "winner"),
    [
        (EARLY, LATE, "new"),
        (LATE, EARLY, "held"),
        (None, EARLY, "new"),
        (EARLY, None, "held"),
        (None, None, "new"),
        (EARLY, EARLY, "new"),
    ],
)
def test_the_later_profile_stays(
    memory: StorageEngine, held: datetime | None, new: datetime | None, winner: str
) -> None:
    first = profile(1, last_seen=held, properties={"is": "held"})
    second = profile(1, last_seen=new, properties={"is": "new"})
    meta = metadata("profiles")
    memory.create_profiles_table("data", [first, profile(2)], meta)
    stored = memory.append_profiles_table("data", [second], meta, on_conflict="update")
    rows = memory.table("data").c
    told = sa.select(rows.properties["is"].as_string()).where(rows.distinct_id == "user-000001")
    assert memory.execute_scalar(told) == winner
    assert stored == memory.loads()[-1].replaced == (winner == "new")
    memory.drop_table("data")
    memory.create_profiles_table("data", [profile(2)], meta)
    memory.append_profiles_table("data", [first, second], meta, on_conflict="update")
    assert memory.execute_scalar(told) == winner


def test_updating_again_stores_nothing(memory: StorageEngine) -> None:
    data = [profile(n) for n in range(10)]
    meta = metadata("profiles")
    memory.create_profiles_table("data", data, meta)
    assert memory.append_profiles_table("data", data, meta, on_conflict="update") == 0
    with pytest.raises(ValueError, match="on_conflict"):
        memory.append_profiles_table("data", [], meta, on_conflict="newest")  # type: ignore[arg-type]
