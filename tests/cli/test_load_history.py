"""``loads`` and ``coverage`` list the loads of a database and the days that they covered."""

import json
import shutil
from pathlib import Path

import pytest

from mixpanel_data import StorageEngine, __version__
from tests.support.command_line import Run, invoke
from tests.support.export_files import event, profile, write_lines

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def loads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database whose events came in four loads, and its profiles in one."""
    folder = tmp_path_factory.mktemp("loads")
    lines = write_lines(folder / "events.jsonl", map(event, range(10)))
    users = write_lines(folder / "profiles.jsonl", map(profile, range(5)))
    database = ("--db", folder / "warehouse.db", "--quiet")
    load = ("load", "events", lines, *database)
    invoke(*load, "--from", "2025-03-01", "--to", "2025-03-03")
    invoke(*load, "--from", "2025-03-01", "--to", "2025-03-01", "--replace")
    invoke(*load, "--from", "2025-03-06", "--to", "2025-03-06", "--append")
    invoke("load", "events", "-", "--append", *database, stdin=lines.read_bytes())
    invoke("load", "profiles", users, *database)
    return folder


@pytest.fixture
def busy(loads: Path, db_path: Path) -> Path:
    """A database of the test's own with those loads."""
    return Path(shutil.copy(loads / "warehouse.db", db_path))


def cells(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def test_loads_are_listed_in_their_order(run: Run, busy: Path, loads: Path) -> None:
    done = run("loads", "--db", busy)
    header, _, *lines = cells(done.out)
    columns = "finished (UTC) table action days stored duplicates collisions replaced source"
    assert header == columns
    assert [line[17:] for line in lines] == [
        f"events create 2025-03-01 to 2025-03-03 10 0 0 0 {loads}/events.jsonl",
        f"events replace 2025-03-01 to 2025-03-01 10 0 0 10 {loads}/events.jsonl",
        f"events append 2025-03-06 to 2025-03-06 0 10 0 0 {loads}/events.jsonl",
        "events append 0 10 0 0",
        f"profiles create 5 0 0 0 {loads}/profiles.jsonl",
    ]
    assert (done.code, done.err) == (0, "")


def test_loads_of_one_table(run: Run, busy: Path) -> None:
    lines = run("loads", "profiles", "--db", busy).out.splitlines()
    assert len(lines) == 3
    assert "profiles.jsonl" in lines[2]


def test_loads_as_json(run: Run, busy: Path) -> None:
    loads = json.loads(run("loads", "events", "--db", busy, "--format", "json").out)
    assert [load["replaced"] for load in loads] == [0, 10, 0, 0]
    assert loads[0]["from_date"] == "2025-03-01"
    assert loads[0]["library_version"] == __version__
    assert loads[0]["started_at"] < loads[0]["finished_at"] < loads[1]["started_at"]


def test_loads_outlive_their_table(run: Run, busy: Path) -> None:
    run("drop", "profiles", "--db", busy, "--yes")
    assert "profiles.jsonl" in run("loads", "profiles", "--db", busy).out


def test_without_loads_it_reports_none(run: Run, db_path: Path) -> None:
    with StorageEngine(db_path) as storage:
        storage.connection.execute("CREATE TABLE mine AS SELECT 1 AS one")
    for name in ([], ["mine"]):
        done = run("loads", *name, "--db", db_path)
        assert (done.code, done.out, done.err[:8]) == (0, "", "No loads")
        assert run("loads", *name, "--db", db_path, "--format", "json").out == "[]\n"


def test_coverage_shows_the_days_and_the_gaps(run: Run, busy: Path) -> None:
    done = run("coverage", "events", "--db", busy)
    header, _, *lines = cells(done.out)
    assert header == "from to days"
    assert lines == [
        "loaded 2025-03-01 2025-03-03 3",
        "missing 2025-03-04 2025-03-05 2",
        "loaded 2025-03-06 2025-03-06 1",
    ]
    assert (done.code, done.err) == (0, "1 load without days.\n")


def test_coverage_as_json(run: Run, busy: Path) -> None:
    assert json.loads(run("coverage", "events", "--db", busy, "--format", "json").out) == {
        "table_name": "events",
        "loaded": ["2025-03-01", "2025-03-02", "2025-03-03", "2025-03-06"],
        "missing": ["2025-03-04", "2025-03-05"],
        "undated": 1,
    }


def test_a_load_of_some_events_brings_no_day(run: Run, busy: Path, loads: Path) -> None:
    days = ("--from", "2025-03-04", "--to", "2025-03-04", "--event", "play")
    done = run("load", "events", loads / "events.jsonl", "--append", "--db", busy, *days)
    assert done.code == 0
    assert "missing 2025-03-04" in cells(run("coverage", "events", "--db", busy).out)[3]


def test_days_that_nobody_gave_are_not_known(run: Run, busy: Path) -> None:
    done = run("coverage", "profiles", "--db", busy)
    assert (done.code, done.out) == (0, "")
    assert done.err == (
        "No days are known: they are those that load is given with --from and --to.\n"
        "1 load without days.\n"
    )


@pytest.mark.parametrize("command", ["loads", "coverage"])
def test_an_unknown_table_is_an_error(run: Run, busy: Path, command: str) -> None:
    done = run(command, "nope", "--db", busy)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("Error: Table 'nope' not found. `mixpanel-data tables`")


@pytest.mark.parametrize("command", [["loads"], ["coverage", "events"]])
def test_looking_creates_no_database(run: Run, db_path: Path, command: list[str]) -> None:
    assert run(*command, "--db", db_path).code == 1
    assert not db_path.exists()
