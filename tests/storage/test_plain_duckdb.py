"""The file is an ordinary DuckDB file, also for plain DuckDB in the same process."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import duckdb

from mixpanel_data import StorageEngine
from tests.support.factories import EVENTS, events


def _count(connection: duckdb.DuckDBPyConnection) -> object:
    row = connection.execute("SELECT count(*) FROM data").fetchone()
    return row and row[0]


def test_plain_duckdb_connects_beside_an_open_engine(engine: StorageEngine) -> None:
    EVENTS.create(engine, events(3))
    with closing(duckdb.connect(str(engine.path))) as plain:
        assert _count(plain) == 3
        EVENTS.append(engine, events(3, start=3))
        assert _count(plain) == 6
        plain.execute("CREATE TABLE notes AS SELECT 1 AS x")
    assert engine.execute_scalar("SELECT x FROM notes") == 1


def test_an_engine_opens_beside_plain_duckdb(db_path: Path) -> None:
    with closing(duckdb.connect(str(db_path))) as plain:
        with StorageEngine(db_path) as engine:
            EVENTS.create(engine, events(3))
        assert _count(plain) == 3


def test_readers_of_both_sorts_share_a_process(db_path: Path) -> None:
    with StorageEngine(db_path) as engine:
        EVENTS.create(engine, events(3))
    with (
        StorageEngine(db_path, read_only=True) as engine,
        closing(duckdb.connect(str(db_path), read_only=True)) as plain,
    ):
        assert engine.execute_scalar("SELECT count(*) FROM data") == _count(plain) == 3


def test_the_raw_connection_is_duckdbs_own(engine: StorageEngine) -> None:
    EVENTS.create(engine, events(3))
    assert isinstance(engine.connection, duckdb.DuckDBPyConnection)
    assert _count(engine.connection) == 3


def test_the_raw_connection_stays_the_same_in_a_thread(engine: StorageEngine) -> None:
    engine.connection.execute("CREATE TEMPORARY TABLE mine AS SELECT 42 AS x")
    assert engine.connection.execute("SELECT x FROM mine").fetchall() == [(42,)]
    assert engine.execute_scalar("SELECT x FROM mine") == 42


def test_the_file_can_be_read_without_this_library(db_path: Path) -> None:
    with StorageEngine(db_path) as engine:
        EVENTS.create(engine, events(3))
    with closing(duckdb.connect(str(db_path), read_only=True)) as plain:
        described = plain.execute("SELECT column_name, column_type FROM (DESCRIBE data)").fetchall()
    assert described == [
        ("event_name", "VARCHAR"),
        ("event_time", "TIMESTAMP"),
        ("distinct_id", "VARCHAR"),
        ("insert_id", "VARCHAR"),
        ("properties", "JSON"),
    ]
