"""What optimize refuses before it looks at the table."""

from __future__ import annotations

from typing import Any

import pytest

from mixpanel_data import StorageEngine
from tests.support.factories import events, metadata


@pytest.fixture
def storage(memory: StorageEngine) -> StorageEngine:
    """Return an engine with one table of events."""
    memory.create_events_table("events", events(3), metadata())
    return memory


@pytest.mark.parametrize("limit", [None, "3", 1.5, True, -1, 1_001, 10**30], ids=str)
def test_a_limit_that_is_none(storage: StorageEngine, limit: Any) -> None:
    with pytest.raises(ValueError, match="limit must be a whole number from 0 to 1,000, not"):
        storage.optimize("events", limit=limit)


@pytest.mark.parametrize(
    "properties",
    [5, [1], [("list", 0)], [None], [()], ["a", ["b", None]], b"plan", [b"a"]],
    ids=str,
)
def test_properties_that_are_no_names(storage: StorageEngine, properties: Any) -> None:
    with pytest.raises(ValueError, match="properties must be names and tuples of names, not"):
        storage.optimize("events", properties)


def test_too_many_properties(storage: StorageEngine) -> None:
    with pytest.raises(ValueError, match="properties must be 1,000 or fewer, not 1,001"):
        storage.optimize("events", [f"p{n}" for n in range(1_001)])
