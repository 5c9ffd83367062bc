"""A row of the catalogue that this library would not write is a typed error that names it."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from mixpanel_data import (
    DamagedDatabaseError,
    SchemaVersionError,
    StorageEngine,
    maintenance,
)
from mixpanel_data._internal.schema.versions import head
from tests.support.factories import events, metadata

pytestmark = pytest.mark.slow

STRANGE = {
    "a list": "UPDATE _metadata SET filters = '[1]'",
    "a text": "UPDATE _metadata SET filters = '\"x\"'",
    "a number": "UPDATE _metadata SET filters = '7'",
    "a key of another field": """UPDATE _metadata SET filters = '{"type":1}'""",
    "an unknown key": """UPDATE _metadata SET filters = '{"x":1}'""",
    "a value of another type": """UPDATE _metadata SET filters = '{"filter_events":"x"}'""",
    "time before Christ": "UPDATE _metadata SET fetched_at = '0001-01-01 (BC)'",
    "day before Christ": "UPDATE _metadata SET from_date = '0044-03-15 (BC)'",
    "day after year 9999": "UPDATE _metadata SET to_date = '10000-01-01'",
    "from after to": "UPDATE _metadata SET from_date = '2026-01-01', to_date = '2025-01-01'",
    "unknown kind": "UPDATE _metadata SET type = 'x'",
    "negative": "UPDATE _metadata SET duplicates = -1",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with StorageEngine(tmp_path / "a.db") as storage:
        storage.create_events_table("events", events(3), metadata())
    return tmp_path / "a.db"


def _change(path: Path, sql: str) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute(sql)


@pytest.mark.parametrize("sql", STRANGE.values(), ids=STRANGE)
def test_it_is_a_typed_error(sql: str, path: Path) -> None:
    _change(path, sql)
    with StorageEngine(path) as storage:
        for call in (storage.list_tables, lambda: storage.get_metadata("events")):
            with pytest.raises(DamagedDatabaseError, match=r"'events'|A row") as caught:
                call()
            assert "_metadata" in str(caught.value)
        with pytest.raises((DamagedDatabaseError, ValueError)):
            storage.append_events_table("events", events(5), metadata())
        assert storage.execute_scalar("SELECT count(*) FROM events") == 3
    assert any("_metadata" in p.problem or "neither" in p.problem for p in maintenance.check(path))
    with pytest.raises(DamagedDatabaseError):
        maintenance.status(path)


@pytest.mark.parametrize("kind", ["", "x", "__proto__"])
@pytest.mark.parametrize("call", [maintenance.downgrade, maintenance.downgrade_sql])
def test_no_revision_changes_a_table_of_another_kind(
    call: Callable[[Path, str], object], kind: str, path: Path
) -> None:
    _change(path, f"UPDATE _metadata SET type = '{kind}'")
    with pytest.raises(DamagedDatabaseError, match="'events' in _metadata"):
        call(path, "0003")
    with duckdb.connect(str(path)) as connection:
        assert connection.execute("FROM _alembic_version").fetchall() == [(head(),)]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE _loads SET started_at = '0001-01-01 (BC)'",
        "UPDATE _loads SET from_date = '0044-03-15 (BC)'",
        "UPDATE _loads SET filters = '[1]'",
    ],
)
def test_so_is_one_of_the_load_history(sql: str, path: Path) -> None:
    _change(path, sql)
    with StorageEngine(path) as storage, pytest.raises(DamagedDatabaseError, match="_loads"):
        storage.load_history()


@pytest.mark.parametrize("kind", ["INT", "DOUBLE", "BLOB", "INT[]"])
def test_a_revision_of_another_type_is_an_unknown_one(kind: str, path: Path) -> None:
    value = "[4]" if kind == "INT[]" else "'4'"
    _change(path, "DROP TABLE _alembic_version")
    _change(path, f"CREATE TABLE _alembic_version AS SELECT {value}::{kind} AS version_num")
    with pytest.raises(SchemaVersionError):
        StorageEngine(path)


def test_a_suggested_command_is_quoted(path: Path) -> None:
    _change(path, 'CREATE TABLE "x; touch pwned #" AS FROM events')
    (problem,) = maintenance.check(path)
    command = problem.remedy.split("`")[1]
    assert shlex.split(command) == ["mixpanel-data", "db", "adopt", str(path), "x; touch pwned #"]
