"""The revision that keeps the zone of a table's times, up and down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mixpanel_data import StorageEngine, TimeZoneError, maintenance
from tests.support.factories import event, events, metadata
from tests.support.files import ask, asset

pytestmark = pytest.mark.slow


def test_an_older_file_has_no_zones(tmp_path: Path) -> None:
    old = asset("0005", tmp_path)
    with StorageEngine(old, read_only=True) as engine:
        assert engine.get_metadata("events_jan").time_zone is None
        assert [load.missing_times for load in engine.load_history("events_jan")] == [0, 0]
    with StorageEngine.open_existing(old, read_only=False, upgrade=True) as engine:
        with pytest.raises(TimeZoneError):
            engine.append_events_table("events_jan", events(1), metadata(time_zone="US/Pacific"))
        assert engine.append_events_table("events_jan", events(1), metadata(time_zone="UTC")) == 1


def test_the_newest_file_keeps_them(tmp_path: Path) -> None:
    with StorageEngine.open_existing(
        asset("0006", tmp_path), read_only=False, upgrade=True
    ) as engine:
        assert engine.get_metadata("events_jan").time_zone == "Europe/Berlin"
        told = engine.load_history("events_jan")[-1]
        assert (told.ambiguous_times, told.missing_times, told.time_offset) == (2, 1, -3600)


def test_a_downgrade_keeps_the_times(db_path: Path) -> None:
    late: list[Any] = [event(1, event_time="2024-07-01T12:00:00")]
    with StorageEngine(db_path) as engine:
        engine.create_events_table("data", late, metadata(time_zone="US/Pacific"))
    maintenance.downgrade(db_path, "0005")
    assert ask(db_path, "SELECT event_time::VARCHAR FROM data") == [("2024-07-01 19:00:00",)]
    maintenance.upgrade(db_path)
    with StorageEngine(db_path, read_only=True) as engine:
        assert engine.get_metadata("data").time_zone is None
        assert engine.load_history("data")[0].time_zone is None
