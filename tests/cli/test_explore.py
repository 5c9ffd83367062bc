"""The commands that show what is in a table."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pandas as pd
import pytest

from mixpanel_data import StorageEngine
from tests.support.command_line import Run

pytestmark = pytest.mark.slow

COMMANDS = {
    "sample": ["sample", "events", "-n", "2"],
    "summarize": ["summarize", "events"],
    "breakdown": ["breakdown", "events"],
    "keys": ["keys", "events"],
    "values": ["values", "events", "country"],
    "column": ["column", "events", "event_name"],
    "properties": ["properties", "events"],
}
ROWS = {"sample": 2, "summarize": 5, "breakdown": 2, "keys": 3, "values": 1, "column": 2}
ROWS["properties"] = 3
each = pytest.mark.parametrize("command", COMMANDS)


@each
def test_a_table_for_people(run: Run, loaded: Path, command: str) -> None:
    done = run(*COMMANDS[command], "--db", loaded)
    lines = [line for line in done.out.splitlines() if line and not line.endswith(" rows")]

    assert done.code == 0
    assert len(lines) == ROWS[command] + 2


@each
def test_formats_for_programs(run: Run, loaded: Path, command: str) -> None:
    call = [*COMMANDS[command], "--db", loaded, "--format"]
    rows = json.loads(run(*call, "json").out)
    lines = run(*call, "jsonl").out.splitlines()
    table = list(csv.DictReader(io.StringIO(run(*call, "csv").out)))

    assert len(rows) == len(lines) == len(table) == ROWS[command]
    assert list(rows[0]) == list(json.loads(lines[0])) == list(table[0])


@each
def test_a_file_of_parquet(run: Run, loaded: Path, tmp_path: Path, command: str) -> None:
    path = tmp_path / "out.parquet"
    done = run(*COMMANDS[command], "--db", loaded, "--output", path)

    assert (done.code, done.out) == (0, "")
    assert len(pd.read_parquet(path)) == ROWS[command]
    assert list(tmp_path.glob(".*")) == []


@each
def test_the_sql_runs(run: Run, loaded: Path, command: str) -> None:
    done = run(*COMMANDS[command], "--db", loaded, "--sql")

    with StorageEngine(loaded, read_only=True) as storage:
        assert len(storage.execute_rows(done.out)) >= ROWS[command] - 1


@each
def test_a_missing_table(run: Run, loaded: Path, command: str) -> None:
    done = run(command, "nope", *COMMANDS[command][2:], "--db", loaded)

    assert (done.code, done.out) == (1, "")
    assert "Table 'nope' not found" in done.err


def test_values_and_counts(run: Run, loaded: Path) -> None:
    breakdown = json.loads(run("breakdown", "events", "--db", loaded, "-f", "json").out)
    values = run("values", "events", "amount", "--event", "play", "--db", loaded, "-f", "csv")
    (first,) = json.loads(run("sample", "events", "-n", "1", "--db", loaded, "-f", "json").out)
    column = run("column", "events", "properties->>'$.note'", "--db", loaded)

    assert [(row["event_name"], row["count"]) for row in breakdown] == [("play", 2), ("skip", 1)]
    assert breakdown[0]["first_seen"] == "2025-03-02T10:00:00"
    assert values.out == "value,count,percentage\r\n100000000000000000000,2,100.0\r\n"
    assert first["properties"]["amount"] == 10**20
    assert column.err == "VARCHAR: 3 values, 0 NULL (0 %), 1 different (33.33 %)\n"
    assert column.out.splitlines()[2].split() == ['a,"b"\\nc', "3"]


def test_properties_for_people(run: Run, loaded: Path) -> None:
    lines = run("properties", "events", "--db", loaded).out.splitlines()

    assert " ".join(lines[3].split()) == (
        "country string 100 1 DE (3) 2025-03-02 2025-03-02 properties->>'$.\"country\"'"
    )


def test_a_seed_is_repeated(run: Run, loaded: Path) -> None:
    call = ["sample", "events", "-n", "2", "--seed", "3", "--db", loaded]

    assert run(*call).out == run(*call).out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["values", "events", "contry"], "did you mean 'country'?"),
        (["column", "events", "nope"], "nope"),
        (["column", "events", "1); DROP TABLE events; --"], "Invalid column expression"),
        (["column", "events", "(SELECT a FROM read_csv('/etc/hosts') t(a))"], "outside of the"),
    ],
)
def test_refusals_are_one_line(run: Run, loaded: Path, arguments: list[str], said: str) -> None:
    done = run(*arguments, "--db", loaded)

    assert (done.code, done.out) == (1, "")
    assert said in done.err
    assert len(done.err.splitlines()) == 1


def test_the_database_is_not_written_over(run: Run, loaded: Path) -> None:
    done = run("breakdown", "events", "--db", loaded, "-o", loaded, "-f", "csv")

    assert done.code == 2
    with StorageEngine(loaded, read_only=True) as storage:
        assert storage.info().tables == ["events"]
