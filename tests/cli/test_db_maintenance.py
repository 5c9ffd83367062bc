"""``db adopt``, ``backup``, ``compact``, ``check`` and ``history``."""

import json
from pathlib import Path

import pytest

from mixpanel_data import StorageEngine, maintenance
from tests.support.command_line import Run
from tests.support.files import EVENTS, ask, do, original, unregistered

pytestmark = pytest.mark.slow


def test_history_names_every_revision(run: Run) -> None:
    lines = run("db", "history").out.splitlines()
    assert [line.split()[0] for line in lines[2:]] == [r.id for r in maintenance.history()]
    known = json.loads(run("db", "history", "--format", "json").out)
    assert known[0] == {
        "id": "0001",
        "summary": "The tables as the original library made them.",
    }


def test_an_adopted_table_is_listed(run: Run, loaded: Path) -> None:
    unregistered(loaded, "half", 4)
    done = run("db", "adopt", loaded, "half")
    assert (done.code, done.out) == (0, "Adopted 'half' as events: 4 rows.\n")
    assert "half     events      4" in run("tables", "--db", loaded).out


@pytest.mark.parametrize(("table", "reason"), [("songs", "columns"), ("events", "registered")])
def test_a_table_that_cannot_be_adopted_is_an_error(
    run: Run, loaded: Path, table: str, reason: str
) -> None:
    do(loaded, "CREATE TABLE songs AS SELECT 1 AS id")
    done = run("db", "adopt", loaded, table)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"Error: Cannot adopt '{table}'")
    assert reason in done.err


def test_a_backup_holds_the_same(run: Run, loaded: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    done = run("db", "backup", loaded, copy)
    assert done.out.startswith(f"Copied {loaded} to {copy}: ")
    assert ask(copy, "FROM events") == ask(loaded, "FROM events")


def test_a_backup_overwrites_nothing(run: Run, loaded: Path, tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_text("mine")
    done = run("db", "backup", loaded, tmp_path / "copy.db")
    assert done.code == 1
    assert done.err.startswith(f"Error: {tmp_path}/copy.db is there already; choose another place")
    assert (tmp_path / "copy.db").read_text() == "mine"


def test_compact_frees_space(run: Run, db_path: Path) -> None:
    do(db_path, "CREATE TABLE big AS SELECT hash(n) AS x FROM range(500_000) t(n)", "CHECKPOINT")
    do(original(db_path, {"events": 5}), "DROP TABLE big")
    before, rows = db_path.stat().st_size, ask(db_path, "FROM events")
    done = run("db", "compact", db_path)
    after = db_path.stat().st_size
    assert after < before / 2
    assert f"({before:,} bytes) before, " in done.out
    assert f"({after:,} bytes) after.\n" in done.out
    assert ask(db_path, "FROM events") == rows


def test_compact_leaves_a_file_to_those_who_hold_it(run: Run, loaded: Path) -> None:
    with StorageEngine(loaded, read_only=True):
        done = run("db", "compact", loaded)
    assert (done.code, done.err.count("\n")) == (4, 1)


def test_all_is_well(run: Run, loaded: Path) -> None:
    done = run("db", "check", loaded)
    assert (done.code, done.out) == (0, "All is well with 1 table of events or profiles.\n")
    assert run("db", "check", loaded, "--quiet").out == ""
    assert run("db", "check", loaded, "--format", "json").out == "[]\n"


def test_a_problem_is_reported_with_its_remedy(run: Run, loaded: Path) -> None:
    do(loaded, "DELETE FROM events WHERE insert_id = 'i1'")
    done = run("db", "check", loaded, "--quiet")
    assert (done.code, done.out.count("\n")) == (1, 1)
    assert done.out.startswith("'events' holds 2 rows, but the catalogue says 3. ")
    assert "append anything to it" in done.out


def test_problems_for_programs(run: Run, loaded: Path) -> None:
    do(loaded, EVENTS.format("half"))
    done = run("db", "check", loaded, "--format", "json")
    [problem] = json.loads(done.out)
    assert (done.code, problem["table"]) == (1, "half")
    assert f"mixpanel-data db adopt {loaded} half" in problem["remedy"]
