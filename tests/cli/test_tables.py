"""Looking at tables, and dropping them."""

import json
from pathlib import Path

import pytest

from mixpanel_data import StorageEngine
from tests.support.command_line import Run


def test_tables_shows_rows_and_days(run: Run, loaded: Path) -> None:
    lines = run("tables", "--db", loaded).out.splitlines()
    assert lines[0].split() == ["table", "type", "rows", "days", "loaded", "(UTC)"]
    expected = "events events 3 2025-03-01 to 2025-03-31 2025-04-01 12:30"
    assert " ".join(lines[2].split()) == expected


def test_tables_as_json(run: Run, loaded: Path) -> None:
    [info] = json.loads(run("tables", "--db", loaded, "--format", "json").out)
    assert info["name"] == "events"
    assert info["row_count"] == 3
    assert info["from_date"] == "2025-03-01"
    assert info["duplicates"] == 0


def test_without_tables_it_prints_what_to_do(run: Run, db_path: Path) -> None:
    StorageEngine(db_path).close()
    done = run("tables", "--db", db_path)
    assert (done.code, done.out) == (0, "")
    assert "load events FILE" in done.err


def test_schema(run: Run, loaded: Path) -> None:
    lines = run("schema", "events", "--db", loaded).out.splitlines()
    assert lines[2].split() == ["event_name", "VARCHAR", "NOT", "NULL"]
    assert any(line.split()[-2:] == ["primary", "key"] for line in lines)


def test_schema_as_json(run: Run, loaded: Path) -> None:
    schema = json.loads(run("schema", "events", "--db", loaded, "--format", "json").out)
    assert schema["table_name"] == "events"
    assert schema["columns"][3]["primary_key"] is True


@pytest.mark.parametrize("command", ["schema", "drop"])
def test_an_unknown_table_is_an_error(run: Run, loaded: Path, command: str) -> None:
    done = run(command, "nope", "--db", loaded)
    assert done.code == 1
    assert done.err.startswith("Error: Table 'nope' not found. `mixpanel-data tables`")


def test_drop_with_yes(run: Run, loaded: Path) -> None:
    done = run("drop", "events", "--db", loaded, "--yes")
    assert (done.code, done.out, done.err) == (0, "", "Dropped table 'events'.\n")
    with StorageEngine(loaded, read_only=True) as storage:
        assert storage.list_tables() == []


def test_drop_without_a_terminal_never_asks(run: Run, loaded: Path) -> None:
    done = run("drop", "events", "--db", loaded, stdin=b"y\n")
    assert done.code == 2
    assert "--yes" in done.err
    assert run("schema", "events", "--db", loaded).code == 0


def test_drop_creates_no_database(run: Run, db_path: Path) -> None:
    assert run("drop", "events", "--db", db_path, "--yes").code == 1
    assert not db_path.exists()
