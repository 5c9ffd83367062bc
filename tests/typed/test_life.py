"""Typed rows are made on request, kept up by loads, and known to all that is done with files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa

from mixpanel_data import (
    QueryError,
    StorageEngine,
    TableNotFoundError,
    UnsupportedError,
    maintenance,
)
from tests.support.factories import EVENTS, PROFILES, Kind, event, events, metadata, profile
from tests.support.files import asset, do
from tests.support.processes import environment
from tests.support.typed_rows import from_typed_rows, needs_triggers

pytestmark = [needs_triggers, pytest.mark.slow]


def sums(engine: StorageEngine, name: str = "data") -> tuple[Any, Any]:
    """Return count and sum of a property by typed rows, and by the JSON."""
    columns = engine.execute_rows(f"SELECT count(*), sum(n) FROM typed.{name}")[0]
    json = f"SELECT count(*), sum(CAST(properties->>'n' AS BIGINT)) FROM {name}"
    return columns, engine.execute_rows(json)[0]


@pytest.fixture
def optimized(engine: StorageEngine, kind: Kind) -> StorageEngine:
    """Return an engine whose table ``data`` of ten records has typed rows."""
    kind.create(engine, kind.records(10))
    assert engine.optimize("data") == ["n"]
    return engine


def test_an_append_keeps_them_up(optimized: StorageEngine, kind: Kind) -> None:
    kind.append(optimized, kind.records(10, 5))
    assert sums(optimized) == ((15, 105), (15, 105))
    value: Any = optimized.table("data").c.properties["n"]
    assert from_typed_rows(optimized, sa.select(value.as_integer()))


def test_a_replacement_keeps_them_up(engine: StorageEngine) -> None:
    engine.create_events_table("data", events(200_000 // 1000), metadata())
    engine.optimize("data")
    day = metadata(from_date="2024-01-01", to_date="2024-01-01")
    engine.append_events_table("data", events(7), day, replace=True)
    assert sums(engine) == ((7, 21), (7, 21))


@pytest.mark.parametrize("on_conflict", ["update", "replace"])
def test_an_update_of_profiles_keeps_them_up(engine: StorageEngine, on_conflict: str) -> None:
    PROFILES.create(engine, PROFILES.records(10))
    engine.optimize("data")
    new = profile(3, properties={"n": 1000})
    old = profile(4, properties={"n": 5000}, last_seen="2020-01-01")
    PROFILES.append(engine, [new, old], on_conflict=on_conflict)
    columns, json = sums(engine)
    assert columns == json == (10, 1042 if on_conflict == "update" else 6038)


def test_a_value_of_another_type_comes_later(optimized: StorageEngine, kind: Kind) -> None:
    kind.append(optimized, [kind.record(77, properties={"n": "seven"})])
    value: Any = optimized.table("data").c.properties["n"]
    assert "seven" in optimized.execute_df(sa.select(value.as_string()))["anon_1"].tolist()
    assert optimized.execute_scalar("SELECT n FROM typed.data WHERE n = 'seven'") == "seven"
    with pytest.raises(QueryError, match="seven"):
        optimized.query(sa.select(value.as_integer()))
    assert dict(_types(optimized))["n"] == "VARCHAR"


def _types(engine: StorageEngine) -> list[tuple[str, str]]:
    return [(column.name, column.type) for column in engine.typed_columns("data")]


def test_the_view_has_the_names_of_the_properties(engine: StorageEngine) -> None:
    properties = {"$browser": "x", "a.b": 1, "N": 1.5, "n": True, "event_name": "e", 'q"': "y"}
    EVENTS.create(engine, [event(0, properties=properties)])
    engine.optimize("data")
    types = dict(_types(engine))
    assert list(types)[:4] == ["event_name", "event_time", "distinct_id", "insert_id"]
    assert {name: types[name] for name in ("$browser", "a.b", "event_name_", 'q"')} == {
        "$browser": "VARCHAR", "a.b": "BIGINT", "event_name_": "VARCHAR", 'q"': "VARCHAR",
    }  # fmt: skip
    row = engine.execute_rows('SELECT "N", n_, event_name, event_name_ FROM typed.data')[0]
    assert row == (1.5, True, "Event 0", "e")


def test_which_properties_are_chosen(engine: StorageEngine) -> None:
    """Not lists, not rare ones, not text that is different in every row, unless named."""
    rows = [
        {"id": f"{n:x}" * 9, "list": [n], "plan": "pro", "n": n, **({} if n else {"rare": 1})}
        for n in range(1000)
    ]
    EVENTS.create(engine, (event(n, properties=p) for n, p in enumerate(rows)))
    assert engine.optimize("data") == ["n", "plan"]
    assert engine.optimize("data", limit=1) == ["n"]
    assert set(engine.optimize("data", ["rare", "id"])) == {"rare", "id"}
    assert engine.optimize("data", limit=0) == []
    assert not engine.table_exists("_typed_data")


def test_a_path_into_objects(engine: StorageEngine) -> None:
    rows = (event(n, properties={"device": {"os": f"os {n}"}, "n": n}) for n in range(3))
    EVENTS.create(engine, rows)
    assert set(engine.optimize("data", [("device", "os"), "n"])) == {"n", ("device", "os")}
    value: Any = engine.table("data").c.properties[("device", "os")]
    statement = sa.select(value.as_string())
    assert [row[0] for row in engine.query(statement)] == ["os 0", "os 1", "os 2"]
    assert from_typed_rows(engine, statement)
    assert engine.execute_scalar('SELECT max("device.os") FROM typed.data') == "os 2"


def test_nothing_else_shows_them(optimized: StorageEngine, kind: Kind) -> None:
    assert [table.name for table in optimized.list_tables()] == ["data"]
    assert [column.name for column in optimized.get_schema("data").columns] == [
        column.name for column in optimized.table("data").columns
    ]
    assert len(optimized.execute_df("FROM data").columns) == len(optimized.table("data").columns)


def test_a_drop_takes_them_along(optimized: StorageEngine) -> None:
    optimized.drop_table("data")
    assert not optimized.table_exists("_typed_data")
    assert not optimized.execute_rows("FROM _typed")
    assert not optimized.execute_rows("FROM duckdb_triggers()")
    with pytest.raises(QueryError):
        optimized.execute_rows("FROM typed.data")


def test_what_users_have_in_the_schema_stays(engine: StorageEngine) -> None:
    engine.execute_rows("CREATE SCHEMA typed")
    engine.execute_rows("CREATE TABLE typed.data AS SELECT 1 AS mine")
    EVENTS.create(engine, events(3))
    engine.optimize("data")
    assert engine.execute_scalar("FROM typed.data") == 1
    engine.drop_table("data")
    assert engine.execute_scalar("FROM typed.data") == 1


def test_refused(engine: StorageEngine) -> None:
    engine.execute_rows("CREATE TABLE mine AS SELECT 1 AS properties")
    with pytest.raises(ValueError, match="not made by this library"):
        engine.optimize("mine")
    with pytest.raises(TableNotFoundError):
        engine.optimize("missing")
    with pytest.raises(ValueError, match="limit"):
        engine.optimize("mine", limit=-1)


def test_a_file_in_an_older_format(tmp_path: Path) -> None:
    path = asset("0005", tmp_path)
    maintenance.upgrade(path, backup=False)
    with StorageEngine(path) as engine:
        name = engine.list_tables()[0].name
        with pytest.raises(UnsupportedError, match=r"DuckDB 2\.0"):
            engine.optimize(name)
        assert not engine.typed_columns(name)


def test_a_downgrade_and_back(optimized: StorageEngine, db_path: Path) -> None:
    optimized.close()
    maintenance.downgrade(db_path, "0005", backup=False)
    do(db_path, "UPDATE data SET properties = '{}'")
    maintenance.upgrade(db_path, backup=False)
    with StorageEngine(db_path) as engine:
        assert not engine.typed_columns("data")
        assert engine.execute_scalar("SELECT count(*) FROM data") == 10
        engine.optimize("data", ["n"])


def test_a_compacted_file(optimized: StorageEngine, db_path: Path) -> None:
    optimized.close()
    maintenance.compact(db_path)
    assert not maintenance.check(db_path)
    with StorageEngine(db_path) as engine:
        assert sums(engine) == ((10, 45), (10, 45))
        engine.execute_rows("DELETE FROM data")
        assert not engine.typed_columns("data")


def test_a_backup(optimized: StorageEngine, db_path: Path) -> None:
    optimized.close()
    with StorageEngine(maintenance.backup(db_path, db_path.with_name("copy.db"))) as engine:
        assert sums(engine) == ((10, 45), (10, 45))


def test_a_check_reads_them(optimized: StorageEngine, db_path: Path) -> None:
    optimized.close()
    assert maintenance.status(db_path).typed == {"data": 1}
    assert not maintenance.check(db_path)
    do(db_path, "UPDATE _typed_data SET _typed_n = 7 WHERE _typed_n = 3")
    assert [(p.table, "optimize data" in p.remedy) for p in maintenance.check(db_path)] == [
        ("data", True)
    ]


_OPTIMIZER = """
import sys
from mixpanel_data import StorageEngine
from tests.support.factories import events, metadata
with StorageEngine(sys.argv[1]) as storage:
    print(flush=True)
    for n in range(1000):
        storage.optimize("data")
        storage.append_events_table("data", events(100, 5000 + 100 * n), metadata())
        if n % 3 == 2:
            storage.optimize("data", limit=0)
"""


@pytest.mark.slow
def test_killed_at_any_moment(db_path: Path) -> None:
    """``python -m tests.stress typed`` does the same more often."""
    with StorageEngine(db_path) as engine:
        engine.create_events_table("data", events(5000), metadata())
    for pause in (0.05, 0.2, 0.5):
        command = [sys.executable, "-c", _OPTIMIZER, str(db_path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment())
        assert process.stdout
        process.stdout.readline()
        time.sleep(pause)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert not maintenance.check(db_path)


def test_a_view_in_the_place_of_the_registry_is_not_read(db_path: Path) -> None:
    with StorageEngine(db_path) as storage:
        EVENTS.create(storage, events(3))
    with duckdb.connect(str(db_path)) as raw:
        raw.execute("DROP TABLE _typed")
        raw.execute("CREATE VIEW _typed AS SELECT error('read') AS table_name")
    for read_only in (True, False):
        with StorageEngine(db_path, read_only=read_only) as storage:
            data = storage.table("data")
            assert len(storage.query(sa.select(data.c.properties["a"].as_string()))) == 3
            assert storage.typed_columns("data") == []
