"""Macros and views in a file change nothing in what the library itself asks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from mixpanel_data import StorageEngine, maintenance
from tests.support.command_line import invoke
from tests.support.factories import events, metadata
from tests.support.typed_rows import needs_triggers

pytestmark = pytest.mark.slow

MACROS = [
    "lower(x) AS 'evil'",
    "md5(x) AS 'evil'",
    "count_star() AS 666",
    '"count"(x) AS 666',
    "count_if(x) AS 666",
    "current_database() AS 'evil'",
    "current_schema() AS 'evil'",
    "current_setting(x) AS '1'",
    "json_valid(x) AS false",
    "hash(x) AS error('evil')",
    '"+"(a, b) AS 666',
    "\"||\"(a, b) AS 'evil'",
    "duckdb_tables() AS TABLE SELECT 'evil' AS table_name",
    "duckdb_views() AS TABLE SELECT 'evil' AS view_name",
    "duckdb_columns() AS TABLE SELECT 'evil' AS table_name",
    "duckdb_constraints() AS TABLE SELECT 'evil' AS table_name",
    "duckdb_databases() AS TABLE SELECT 'evil' AS database_name",
    "pragma_database_size() AS TABLE SELECT 'evil' AS database_name",
    "python_arrow_scan(a, b, c) AS TABLE SELECT 666 AS event_name",
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with StorageEngine(tmp_path / "a.db") as storage:
        storage.create_events_table("events", events(30), metadata())
    return tmp_path / "a.db"


def _hostile(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        for macro in MACROS:
            connection.execute(f"CREATE MACRO {macro}")


def test_every_call_gives_the_same_as_without_them(path: Path) -> None:
    with StorageEngine(path) as storage:
        schema, meta = storage.get_schema("events"), storage.get_metadata("events")
    _hostile(path)
    with StorageEngine(path) as storage:
        assert [(t.name, t.row_count) for t in storage.list_tables()] == [("events", 30)]
        assert storage.get_schema("events") == schema
        assert storage.get_metadata("EVENTS") == meta
        assert storage.table("events").columns.keys()[0] == "event_name"
        assert storage.table_exists("Events")
        assert not storage.table_exists("evil")
        assert len(storage.load_history("EVENTS")) == 1
        # Half of them are there; one key is taken by a different event, which gets another.
        rows = list(events(45))[15:]
        rows[0]["event_name"] = "another"
        assert storage.append_events_table("events", rows, metadata()) == 16
        assert storage.get_metadata("events").collisions == 1
        assert storage.create_events_table("more", events(5), metadata()) == 5
        assert storage.connection.execute("SELECT lower('A')").fetchall() == [("evil",)]


QUESTIONS: dict[str, Callable[[StorageEngine], object]] = {
    "sample": lambda storage: storage.sample("events", 5, seed=1).to_dict(),
    "summarize": lambda storage: storage.summarize("events").to_dict(),
    "breakdown": lambda storage: storage.event_breakdown("events").to_dict(),
    "keys": lambda storage: storage.property_keys("events"),
    "stats": lambda storage: storage.column_stats("events", "event_name").to_dict(),
    "properties": lambda storage: storage.properties("events").to_dict(),
    "values": lambda storage: storage.property_values("events", "plan"),
    "segmentation": lambda storage: (
        storage.reports("events").segmentation(from_date=DAY, to_date=DAY).to_dict()
    ),
}
DAY = "2025-03-01"


@pytest.mark.parametrize("ask", QUESTIONS.values(), ids=QUESTIONS)
def test_every_answer_is_the_same_as_without_them(
    ask: Callable[[StorageEngine], object], path: Path
) -> None:
    with StorageEngine(path) as storage:
        rows = list(events(5, start=100))
        rows[0]["properties"] = {"plan": "free"}
        storage.append_events_table("events", rows, metadata())
        expected = ask(storage)
    _hostile(path)
    with StorageEngine(path) as storage:
        assert ask(storage) == expected
        assert storage.execute_scalar("SELECT lower('A')") == "evil"


@pytest.mark.parametrize("command", ["breakdown events", "values events plan", "keys events"])
def test_every_command_prints_the_same_as_without_them(command: str, path: Path) -> None:
    expected = invoke(*command.split(), "--db", path)
    _hostile(path)
    assert invoke(*command.split(), "--db", path) == expected


def test_maintenance_gives_the_same_as_without_them(path: Path, tmp_path: Path) -> None:
    _hostile(path)
    assert maintenance.check(path) == []
    found = maintenance.status(path)
    assert [table.name for table in found.tables] == ["events"]
    assert found.storage_version.startswith("v")
    assert maintenance.check(maintenance.backup(path, tmp_path / "copy.db")) == []
    maintenance.compact(path)
    assert maintenance.check(path) == []
    maintenance.downgrade(path, "0002")
    maintenance.upgrade(path)
    assert maintenance.check(path) == []


@pytest.mark.parametrize("name", ["_metadata", "_loads", "_alembic_version", "events"])
def test_a_view_is_not_read_unasked(name: str, path: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"DROP TABLE {name}")
        secret.write_text("mine")
        connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_text('{secret}')")
    # Whoever reads it now fails.
    secret.unlink()
    with StorageEngine.open_existing(path) as storage:
        storage.list_tables()
        storage.load_history()
        storage.table_exists("events")
    maintenance.status(path)
    maintenance.check(path)


@needs_triggers
def test_typed_rows_are_made_read_and_refused_as_without_them(path: Path) -> None:
    view = "SELECT * FROM typed.events ORDER BY ALL"
    with StorageEngine(path) as storage:
        rows = list(events(4, start=100))
        for row, n in zip(rows, [1, 2.5, "x", {"a": 1}], strict=True):
            row["properties"] = {"n": n, "list": [n]}
        storage.append_events_table("events", rows, metadata())
        storage.optimize("events", ["n", "list"])
        expected = storage.connection.execute(view).fetchall()
        storage.optimize("events", limit=0)
    with duckdb.connect(str(path)) as connection:
        for macro in (
            *("error(x) AS true", "floor(x) AS -1.5", "abs(x) AS 666", "starts_with(a, b) AS true"),
            *("json_extract_string(a, b) AS 'evil'", '"count"() AS 3', "current_database() AS 3"),
            "duckdb_triggers() AS TABLE SELECT 'evil' AS trigger_name",
            "duckdb_tables() AS TABLE SELECT 'evil' AS table_name",
        ):
            connection.execute(f"CREATE MACRO {macro}")
    with StorageEngine(path) as storage:
        storage.optimize("events", ["n", "list"])
        assert storage.connection.execute(view).fetchall() == expected
        with duckdb.connect(str(path)) as other:
            other.execute("UPDATE events SET properties = '{}'")
        with pytest.raises(duckdb.Error, match="older than the table"):
            storage.connection.execute(view)
