"""``copy``: tables of one database into another."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mixpanel_data import StorageEngine
from tests.support.command_line import Run
from tests.support.factories import EVENTS, PROFILES

pytestmark = pytest.mark.slow


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "target.db"


def test_copy_says_what_it_did(run: Run, loaded: Path, target: Path) -> None:
    first = run("copy", "--from", loaded, "--to", target)
    assert (first.code, first.err) == (0, "")
    assert first.out.startswith("events: 3 rows copied, checksum 0000")
    again = run("copy", "--from", loaded, "--to", target)
    checksum = first.out.split()[-1]
    assert again.out == f"events: the same 3 rows are there already, checksum {checksum}\n"


def test_copy_as_json_and_quietly(run: Run, loaded: Path, target: Path) -> None:
    assert run("copy", "--from", loaded, "--to", target, "--quiet").out == ""
    [table] = json.loads(run("copy", "--from", loaded, "--to", target, "-f", "json").out)
    assert (table["name"], table["row_count"], table["copied"]) == ("events", 3, False)


def test_some_of_the_tables(run: Run, loaded: Path, target: Path) -> None:
    with StorageEngine(loaded) as storage:
        for name in ("one", "two"):
            PROFILES.create(storage, PROFILES.records(2), name)
    run("copy", "--from", loaded, "--to", target, "--table", "two", "-t", "events")
    with StorageEngine(target) as storage:
        assert [table.name for table in storage.list_tables()] == ["events", "two"]


def test_a_table_that_differs_is_an_error(run: Run, loaded: Path, target: Path) -> None:
    with StorageEngine(target) as storage:
        EVENTS.create(storage, EVENTS.records(3), "events")
    done = run("copy", "--from", loaded, "--to", target)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("Error: Table 'events' is in the target already")
    assert "Drop it from the target" in done.err
    error = json.loads(run("copy", "--from", loaded, "--to", target, "-f", "json").err)
    assert error["code"] == "COPY_MISMATCH"


@pytest.mark.parametrize(
    ("source", "table", "code", "message"),
    [
        ("nope.db", "events", 1, "does not exist"),
        ("warehouse.db", "event", 1, "Did you mean 'events'"),
        ("warehouse.db", "_loads", 2, "underscore"),
    ],
)
def test_what_is_not_there_leaves_no_file(
    run: Run, loaded: Path, target: Path, source: str, table: str, code: int, message: str
) -> None:
    done = run("copy", "--from", loaded.with_name(source), "--to", target, "--table", table)
    assert done.code == code
    assert message in done.err
    assert not target.exists()


def test_nothing_to_copy(run: Run, db_path: Path, target: Path) -> None:
    StorageEngine(db_path).close()
    done = run("copy", "--from", db_path, "--to", target)
    assert (done.code, done.out) == (0, "")
    assert "No tables of events or profiles" in done.err
