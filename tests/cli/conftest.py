"""Layers: lines of an export → files → a database → the command line, in and out of process."""

import shutil
import subprocess
import sys
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Any

import pytest

from mixpanel_data import EventRecord, StorageEngine, TableMetadata
from tests.support.command_line import Run, Start, invoke
from tests.support.export_files import event, profile, write_lines


@pytest.fixture
def events_file(tmp_path: Path) -> Path:
    """Ten events, one of them twice, and one more under an id that is taken."""
    lines = [*map(event, range(10)), event(3), event(11, **{"$insert_id": "id-4"})]
    return write_lines(tmp_path / "events.jsonl", lines)


@pytest.fixture
def profiles_file(tmp_path: Path) -> Path:
    return write_lines(tmp_path / "profiles.jsonl.gz", map(profile, range(5)))


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with three events and no profiles, for tests that copy it."""
    path = tmp_path_factory.mktemp("template") / "loaded.db"
    metadata = TableMetadata(
        type="events",
        fetched_at=datetime(2025, 4, 1, 12, 30, tzinfo=timezone.utc),
        from_date="2025-03-01",
        to_date="2025-03-31",
    )
    records: list[EventRecord] = [
        {
            "event_name": name,
            "event_time": "2025-03-02T10:00:00",
            "distinct_id": "u1",
            "insert_id": f"i{number}",
            "properties": {"country": "DE", "amount": 10**20, "note": 'a,"b"\nc'},
        }
        for number, name in enumerate(["play", "play", "skip"])
    ]
    with StorageEngine(path) as storage:
        storage.create_events_table("events", records, metadata)
    return path


@pytest.fixture
def loaded(template: Path, db_path: Path) -> Path:
    """A database of the test's own with three events."""
    return Path(shutil.copy(template, db_path))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line, in an environment that chooses nothing."""
    monkeypatch.delenv("MIXPANEL_DATA_DB", raising=False)
    return invoke


@pytest.fixture
def start() -> Iterable[Start]:
    """The command line, as a process of its own that does not outlive the test."""
    processes: list[subprocess.Popen[bytes]] = []

    def call(*arguments: object, **options: Any) -> "subprocess.Popen[bytes]":
        pipes: dict[str, int | IO[bytes]] = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
        }
        command = [sys.executable, "-m", "mixpanel_data", *map(str, arguments)]
        process = subprocess.Popen(command, **{**pipes, **options})
        processes.append(process)
        return process

    yield call
    for process in processes:
        process.kill()
        process.communicate()
