"""Different events under one insert_id are all kept, each but the first under a derived id."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from mixpanel_data import StorageEngine
from tests.support.effort import some
from tests.support.factories import EVENTS, START, Record, event, profile

pytestmark = pytest.mark.slow

A = event(0, event_name="A", insert_id="taken")
B = event(0, event_name="B", insert_id="taken")
C = event(0, event_name="C", insert_id="taken")


def _stored(engine: StorageEngine) -> dict[str, str]:
    return dict(engine.execute_rows("SELECT event_name, insert_id FROM data"))


def _counts(engine: StorageEngine) -> tuple[int, int]:
    found = engine.get_metadata("data")
    return found.duplicates, found.collisions


@pytest.mark.parametrize(
    "change",
    [
        {"event_name": "Other"},
        {"event_time": START.replace(microsecond=1)},
        {"distinct_id": "someone else"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_different_event_is_kept_under_an_id_of_its_own(
    change: Record, memory: StorageEngine
) -> None:
    first = event(0, insert_id="taken")
    assert EVENTS.create(memory, [first, {**first, **change, "properties": {"second": True}}]) == 2
    ids = memory.execute_rows("SELECT insert_id FROM data ORDER BY properties->>'n' IS NULL")
    assert ids[0] == ("taken",)
    assert ids[1][0].startswith("taken")
    assert ids[1] != ids[0]
    assert _counts(memory) == (0, 1)


def test_derived_ids_are_the_same_everywhere(memory: StorageEngine) -> None:
    EVENTS.create(memory, [A, B, C])
    with StorageEngine.memory() as second:
        EVENTS.create(second, [A, B])
        EVENTS.append(second, [C])
        assert _stored(second) == _stored(memory)


@pytest.mark.slow
@pytest.mark.parametrize(
    "order", list(permutations([A, B, C])), ids=lambda o: "".join(e["event_name"] for e in o)
)
@pytest.mark.parametrize("batch_size", [1, 2, 4])
def test_three_under_one_id(
    order: tuple[Record, ...], batch_size: int, memory: StorageEngine
) -> None:
    assert EVENTS.create(memory, order, batch_size=batch_size) == 3
    assert _counts(memory) == (0, 2)
    stored = _stored(memory)
    assert stored[order[0]["event_name"]] == "taken"
    assert len(set(stored.values())) == 3
    assert all(insert_id.startswith("taken") for insert_id in stored.values())


@pytest.mark.slow
@pytest.mark.parametrize(
    "order", list(permutations([A, B, C])), ids=lambda o: "".join(e["event_name"] for e in o)
)
def test_loading_again_adds_nothing_in_any_order(
    order: tuple[Record, ...], memory: StorageEngine
) -> None:
    EVENTS.create(memory, [A, B, C])
    before = _stored(memory)
    assert EVENTS.append(memory, order) == 0
    assert _counts(memory) == (3, 0)
    assert [EVENTS.append(memory, [one]) for one in order] == [0, 0, 0]
    assert _stored(memory) == before


@pytest.mark.slow
@pytest.mark.parametrize("cut", [0, 1, 2])
@pytest.mark.parametrize(
    "order",
    some([*permutations([A, B, C])], 3),
    ids=lambda o: "".join(e["event_name"] for e in o),
)
def test_collisions_across_loads(
    order: tuple[Record, ...], cut: int, memory: StorageEngine
) -> None:
    assert EVENTS.create(memory, order[:cut]) == cut
    assert EVENTS.append(memory, order[cut:]) == 3 - cut
    assert _counts(memory) == (0, 3 - cut - (not cut))
    assert EVENTS.append(memory, [A, B, C, A, B, C]) == 0
    assert len(set(_stored(memory).values())) == 3


def test_an_event_is_known_by_its_derived_id_alone(memory: StorageEngine) -> None:
    EVENTS.create(memory, [A, B])
    memory.execute_rows("DELETE FROM data WHERE event_name = 'A'")
    assert EVENTS.append(memory, [B]) == 0
    assert EVENTS.append(memory, [B, A]) == 1
    assert set(_stored(memory)) == {"A", "B"}


def test_duplicates_and_collisions_together(memory: StorageEngine) -> None:
    assert EVENTS.create(memory, [A, B, A, B, B, A, event(1)]) == 3
    assert _counts(memory) == (4, 1)
    assert EVENTS.append(memory, [B, C, C, A, event(2)]) == 2
    assert _counts(memory) == (3, 1)


def test_collisions_are_found_across_batches(memory: StorageEngine) -> None:
    ids = [f"id-{n % 3_000}" for n in range(12_000)]
    records = [event(n, insert_id=insert_id) for n, insert_id in enumerate(ids)]
    assert EVENTS.create(memory, records, batch_size=700) == 12_000
    assert _counts(memory) == (0, 9_000)
    assert EVENTS.append(memory, reversed(records)) == 0


def _derived(*taken: Any) -> str:
    """Return the id that B gets where A, and whatever else is *taken*, came first."""
    with StorageEngine.memory() as engine:
        EVENTS.create(engine, [A, *taken, B])
        return _stored(engine)["B"]


@pytest.mark.slow
def test_a_literal_id_that_equals_a_derived_one(memory: StorageEngine) -> None:
    literal = event(0, event_name="Literal", insert_id=_derived())
    for order in some([*permutations([A, B, literal])], 3):
        assert EVENTS.create(memory, order) == 3
        stored = _stored(memory)
        assert set(stored) == {"A", "B", "Literal"}
        assert len(set(stored.values())) == 3
        assert EVENTS.append(memory, [A, B, literal]) == 0
        assert EVENTS.append(memory, [literal, B, A]) == 0
        memory.drop_table("data")


@pytest.mark.slow
def test_a_literal_id_that_equals_a_derived_one_across_loads(memory: StorageEngine) -> None:
    literal = event(0, event_name="Literal", insert_id=_derived())
    for order in some([*permutations([A, B, literal])], 3):
        EVENTS.create(memory, [])
        assert [EVENTS.append(memory, [one]) for one in order] == [1, 1, 1]
        assert [EVENTS.append(memory, [one]) for one in (literal, B, A)] == [0, 0, 0]
        memory.drop_table("data")


@pytest.mark.slow
def test_derived_ids_that_are_taken_twice_over(memory: StorageEngine) -> None:
    first = event(0, event_name="First", insert_id=_derived())
    second = event(0, event_name="Second", insert_id=_derived(first))
    for order in list(permutations([A, B, first, second]))[::4]:
        assert EVENTS.create(memory, order) == 4
        assert EVENTS.append(memory, reversed(order)) == 0
        assert set(_stored(memory)) == {"A", "B", "First", "Second"}
        memory.drop_table("data")


def test_a_stored_table_loads_into_another_without_loss(memory: StorageEngine) -> None:
    EVENTS.create(memory, [A, B, C, event(1)])
    rows = [dict(row._mapping) for row in memory.query(memory.table("data").select())]
    for batch in (rows, rows[::-1]):
        assert EVENTS.create(memory, batch, "copy") == 4
        memory.drop_table("copy")


@pytest.mark.slow
@pytest.mark.parametrize("insert_id", ["", "~", "taken~", "'", '"', "%", "a\0b", "é" * 300])
def test_any_id_can_collide(insert_id: str, memory: StorageEngine) -> None:
    records = [{**one, "insert_id": insert_id} for one in (A, B, C)]
    assert EVENTS.create(memory, records) == 3
    assert EVENTS.append(memory, records) == 0
    assert all(stored.startswith(insert_id) for stored in _stored(memory).values())


def test_fields_that_join_to_the_same_text_stay_apart(memory: StorageEngine) -> None:
    pairs = [("a", "bc"), ("ab", "c"), ("abc", ""), ("", "abc"), ("1:a", "bc"), ("a|", "bc")]
    records = [event(0, event_name=e, distinct_id=d, insert_id="taken") for e, d in pairs]
    assert EVENTS.create(memory, records) == len(pairs)
    assert EVENTS.append(memory, records[::-1]) == 0


def test_profiles_do_not_collide(memory: StorageEngine) -> None:
    profiles = EVENTS.other
    assert profiles.create(memory, [profile(0), profile(0, last_seen=None)]) == 1
    assert _counts(memory) == (1, 0)
