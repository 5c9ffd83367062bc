"""What holds for any stream of events with repeated and colliding insert_ids."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mixpanel_data import StorageEngine
from tests.support.effort import tries
from tests.support.factories import EVENTS, START, Record

Identity = tuple[str, datetime, str, str]


@st.composite
def _events(draw: st.DrawFn) -> Record:
    name, second, user, insert_id = (draw(st.integers(0, 1)) for _ in range(4))
    identity = (f"E{name}", START + timedelta(seconds=second), f"u{user}", f"i{insert_id}")
    return _event(identity)


def _event(identity: Identity) -> Record:
    name, time, user, insert_id = identity
    # The properties follow from the identity, so it does not matter which of two is kept.
    properties = {"original": insert_id, "all": repr(identity)}
    return {
        "event_name": name,
        "event_time": time,
        "distinct_id": user,
        "insert_id": insert_id,
        "properties": properties,
    }


def _identity(record: Record) -> Identity:
    return (
        record["event_name"],
        record["event_time"],
        record["distinct_id"],
        record["insert_id"],
    )


@contextmanager
def _table(engine: StorageEngine) -> Iterator[None]:
    EVENTS.create(engine, [])
    try:
        yield
    finally:
        engine.drop_table("data")


def _contents(engine: StorageEngine) -> set[tuple[Any, ...]]:
    rows = engine.query(engine.table("data").select())
    assert len({row.insert_id for row in rows}) == len(rows)
    assert all(row.insert_id.startswith(row.properties["original"]) for row in rows)
    found = {(*_identity(dict(row._mapping))[:3], row.properties["all"]) for row in rows}
    assert len(found) == len(rows)
    return found


def _expected(records: list[Record]) -> set[tuple[Any, ...]]:
    return {(*_identity(record)[:3], record["properties"]["all"]) for record in records}


@settings(max_examples=tries(4, 25))
@given(records=st.lists(_events(), max_size=24), batch_size=st.integers(1, 30))
def test_each_event_is_stored_once(
    records: list[Record], batch_size: int, shared: StorageEngine
) -> None:
    with _table(shared):
        stored = EVENTS.append(shared, records, batch_size=batch_size)
        assert _contents(shared) == _expected(records)
        assert stored == len(_expected(records))
        assert shared.get_metadata("data").duplicates == len(records) - stored


@settings(max_examples=tries(4, 25))
@given(records=st.lists(_events(), max_size=24), data=st.data())
def test_any_split_into_loads_stores_the_same(
    records: list[Record], data: st.DataObject, shared: StorageEngine
) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(records)), max_size=4)))
    with _table(shared):
        for start, end in zip([0, *cuts], [*cuts, len(records)], strict=True):
            EVENTS.append(shared, records[start:end])
        assert _contents(shared) == _expected(records)


@settings(max_examples=tries(4, 25))
@given(records=st.lists(_events(), max_size=24), data=st.data())
def test_overlapping_loads_in_any_order_store_the_same(
    records: list[Record], data: st.DataObject, shared: StorageEngine
) -> None:
    slices = data.draw(st.lists(st.slices(len(records)), max_size=4))
    loads = data.draw(st.permutations([records, *(records[s] for s in slices)]))
    with _table(shared):
        for load in loads:
            EVENTS.append(shared, load)
        before = shared.execute_rows("SELECT * FROM data ORDER BY ALL")
        assert _contents(shared) == _expected(records)
        assert [EVENTS.append(shared, load) for load in loads] == [0] * len(loads)
        assert shared.execute_rows("SELECT * FROM data ORDER BY ALL") == before


@settings(max_examples=tries(2, 10))
@given(data=st.data())
def test_literal_ids_may_look_like_derived_ones(data: st.DataObject, shared: StorageEngine) -> None:
    ids = ["x"]
    records: list[Record] = []
    with _table(shared):
        for number in range(data.draw(st.integers(1, 8))):
            # Every event differs in its name, so none of them is a duplicate of another.
            insert_id = data.draw(st.sampled_from(sorted(ids)))
            records.append(_event((f"E{number}", START, "u", insert_id)))
            assert EVENTS.append(shared, records[-1:]) == 1
            ids = [i for (i,) in shared.execute_rows("SELECT insert_id FROM data")] + ["x"]
        assert EVENTS.append(shared, data.draw(st.permutations(records))) == 0
    with _table(shared):
        assert EVENTS.append(shared, data.draw(st.permutations(records))) == len(records)
        assert EVENTS.append(shared, records) == 0
        assert _contents(shared) == _expected(records)
