"""`load events --time-zone`: local wall clocks into UTC, and what is said about the times."""

import json
from pathlib import Path

import pytest

from mixpanel_data import StorageEngine
from tests.support.command_line import Run, Start
from tests.support.export_files import MARCH, event, write_lines

# 2025-03-09, when US/Pacific skips the hour from 02:00, and 2025-11-02, when it has two from 01:00.
SKIPPED, TWICE = MARCH + 8 * 86_400 + 9_000, MARCH + 246 * 86_400 + 5_400


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """An export whose times are 7 hours behind those of its receipt, but for two odd ones."""
    lines = [event(n, mp_processing_time_ms=(MARCH + n + 28_800) * 1000 + 900) for n in range(10)]
    odd = [event(90, time=SKIPPED), event(91, time=TWICE), event(92, time=TWICE)]
    return write_lines(tmp_path / "old.jsonl", [*lines, *odd])


def test_times_are_converted_and_what_did_not_tell_is_counted(
    run: Run, old: Path, db_path: Path
) -> None:
    done = run("load", "events", old, "--db", db_path, "--time-zone", "US/Pacific")
    assert (done.code, done.out) == (
        0,
        "events: 13 rows stored, 0 duplicates skipped, 0 collisions kept\n",
    )
    assert (
        "Note: 2 times that the clock of US/Pacific shows twice, taken for the first;" in done.err
    )
    assert "1 time that it skips" in done.err
    assert "hours off UTC" not in done.err
    with StorageEngine(db_path, read_only=True) as storage:
        first = storage.execute_scalar("SELECT min(event_time) FROM events")
    assert first.isoformat() == "2025-03-01T08:00:00"


@pytest.mark.slow
def test_times_that_seem_to_be_local_are_noticed_once(
    start: Start, old: Path, db_path: Path
) -> None:
    # In a process of its own: there Python itself prints what nobody handles of a log.
    days = ("--from", "2025-01-01", "--to", "2025-01-01")
    process = start("load", "events", old, "--db", db_path, *days)
    said = process.communicate()[1].decode()
    assert process.returncode == 0
    assert said.count("-8 hours off UTC") == said.count("13 records") == said.count("US/Pac") == 1


def test_replace_takes_the_days_of_the_zone(run: Run, tmp_path: Path, db_path: Path) -> None:
    lines = [event(0), event(1, time=MARCH + 86_399), event(2, time=MARCH + 86_400)]
    path = write_lines(tmp_path / "e.jsonl", lines)
    run("load", "events", path, "--db", db_path, "--time-zone", "US/Pacific")
    again = write_lines(tmp_path / "again.jsonl", lines[:2])
    day = ("--from", "2025-03-01", "--to", "2025-03-01")
    done = run("load", "events", again, "--db", db_path, "--replace", *day)
    assert done.out.startswith("events: 2 rows stored, 2 rows replaced")
    other = run("load", "events", again, "--db", db_path, "--append", "--time-zone", "UTC")
    assert (other.code, other.out) == (1, "")
    assert other.err.startswith("Error: The times of table 'events' were loaded as US/Pacific")
    assert "2025-03-01 to 2025-03-01 US/Pacific" in run("tables", "--db", db_path).out
    assert "2025-03-01 to 2025-03-01 US/Pacific" in run("loads", "--db", db_path).out
    assert "US/Pacific" in run("schema", "events", "--db", db_path).err
    [table] = json.loads(run("tables", "--db", db_path, "--format", "json").out)
    assert table["time_zone"] == "US/Pacific"


def test_an_unknown_zone_is_a_wrong_option(run: Run, old: Path, db_path: Path) -> None:
    done = run("load", "events", old, "--db", db_path, "--time-zone", "US/Pacfic")
    assert (done.code, db_path.exists()) == (2, False)
    assert "Did you mean 'US/Pacific'?" in " ".join(done.err.split())
