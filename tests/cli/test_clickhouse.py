"""The commands on a database of ClickHouse, which ``--db`` names by its URL."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from mixpanel_data import StorageEngine
from tests.support import clickhouse
from tests.support.command_line import Run
from tests.support.export_files import event, write_lines

pytestmark = pytest.mark.clickhouse


@pytest.fixture
def url() -> str:
    return clickhouse.new_url()


@pytest.fixture
def loaded(run: Run, url: str, events_file: Path) -> str:
    days = ("--from", "2025-03-01", "--to", "2025-03-31")
    assert run("load", "events", events_file, "--db", url, *days).code == 0
    return url


def test_loads_are_counted(run: Run, loaded: str, tmp_path: Path) -> None:
    more = write_lines(tmp_path / "more.jsonl", map(event, range(5, 13)))
    assert run("load", "events", more, "--append", "--db", loaded).code == 0
    history = json.loads(run("loads", "--db", loaded, "--format", "json").out)
    assert [(e["action"], e["records"], e["stored"]) for e in history] == [
        ("create", 12, 11),
        ("append", 8, 3),
    ]


def test_tables_are_shown(run: Run, loaded: str) -> None:
    (table,) = json.loads(run("tables", "--db", loaded, "--format", "json").out)
    assert (table["name"], table["row_count"]) == ("events", 11)
    assert "LowCardinality(String)" in run("schema", "events", "--db", loaded).out
    assert "2025-03-01" in run("coverage", "events", "--db", loaded).out


@pytest.mark.parametrize("form", ["csv", "jsonl", "json", "table", "parquet"])
def test_queries_are_in_its_own_sql(run: Run, loaded: str, form: str, tmp_path: Path) -> None:
    sql = (
        "SELECT insert_id, event_time, properties, toUInt64(18446744073709551615) AS big,"
        " 1.5 AS half, NULL AS none, [1, 2] AS list FROM events"
        " WHERE insert_id = {id:String} ORDER BY event_time LIMIT 1"
    )
    out = tmp_path / f"out.{form}"
    done = run("query", sql, "-p", "id=id-4", "--db", loaded, "--format", form, "--output", out)
    assert done.code == 0, done.err
    if form == "jsonl":
        (row,) = [json.loads(line) for line in out.read_text().splitlines()]
        assert row["big"] == 18446744073709551615
        assert row["list"] == [1, 2]
        assert row["none"] is None
        assert isinstance(row["properties"], dict)
    else:
        assert out.stat().st_size


def test_a_query_changes_nothing(run: Run, loaded: str) -> None:
    done = run("query", "DROP TABLE events", "--db", loaded)
    assert done.code == 1
    assert "readonly" in done.err.lower()
    assert run("tables", "--db", loaded).code == 0


def test_wrong_sql_is_one_line(run: Run, loaded: str) -> None:
    done = run("query", "SELECT nope FROM events", "--db", loaded)
    assert done.code == 1
    assert "nope" in done.err
    assert len(done.err.splitlines()) == 1


def test_exploration_and_reports(run: Run, loaded: str) -> None:
    events = json.loads(run("breakdown", "events", "--db", loaded, "--format", "json").out)
    assert sum(row["count"] for row in events) == 11
    days = ("--from", "2025-03-01", "--to", "2025-03-31")
    done = run("segmentation", "events", *days, "--db", loaded, "--format", "json")
    assert done.code == 0, done.err


def test_a_table_is_dropped(run: Run, loaded: str) -> None:
    assert run("drop", "events", "--yes", "--db", loaded).code == 0
    assert json.loads(run("tables", "--db", loaded, "--format", "json").out) == []


@pytest.mark.parametrize("command", ["status", "upgrade", "compact", "check"])
def test_commands_for_files_say_so(run: Run, command: str) -> None:
    done = run("db", command, "clickhousedb://localhost/music")
    assert (done.code, "no file" in done.err) == (2, True)


def test_what_a_killed_load_left_is_removed(run: Run, loaded: str) -> None:
    with StorageEngine.connect(loaded) as storage:
        owner = json.dumps({"host": "elsewhere", "pid": 4711, "load": "abc"})
        storage.execute_rows(f"CREATE TABLE _lock_events (x UInt8) ENGINE = Null COMMENT '{owner}'")
        storage.execute_rows("CREATE TABLE _next_events_abc AS events")
    refused = run("drop", "events", "--yes", "--db", loaded)
    assert refused.code == 4
    assert "process 4711 on elsewhere" in refused.err
    assert "db unlock" in refused.err
    done = run("db", "unlock", "--db", loaded, "--format", "json")
    assert json.loads(done.out) == ["_next_events_abc", "_lock_events"]
    assert run("drop", "events", "--yes", "--db", loaded).code == 0


def test_a_living_process_is_not_robbed_of_its_lock(run: Run, loaded: str) -> None:
    with StorageEngine.connect(loaded) as storage:
        owner = json.dumps({"host": socket.gethostname(), "pid": 1, "load": "abc"})
        storage.execute_rows(f"CREATE TABLE _lock_events (x UInt8) ENGINE = Null COMMENT '{owner}'")
    assert run("db", "unlock", "--db", loaded).code == 4
    assert run("db", "unlock", "--db", loaded, "--force", "--quiet").code == 0
