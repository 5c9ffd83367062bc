"""Tools that people have beside this library; `make neighbours` installs them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mixpanel_data import StorageEngine
from tests.support.factories import EVENTS, event


def _properties(number: int) -> dict[str, str]:
    return {"plan": "free"} if number < 100 else {"plan": "pro", "coupon": "X"}


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Return a database of 101 events, the last of which has a property more."""
    path = tmp_path / "music.db"
    with StorageEngine(path) as storage:
        records = [event(number, properties=_properties(number)) for number in range(101)]
        EVENTS.create(storage, records, "events")
    return path


@pytest.fixture
def storage(music: Path) -> Iterator[StorageEngine]:
    """Yield an engine on it."""
    with StorageEngine(music) as engine:
        yield engine
