"""What is measured: each function does one thing with *count* rows and gives the seconds it took.

Every function runs in a process of its own. Loads from an iterator are net of the iterator itself.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from benchmarks.rows import events

EXTRACT = """
    SELECT event, make_timestamp((properties->>'time')::BIGINT * 1000000),
           properties->>'distinct_id', properties->>'$."$insert_id"', properties
    FROM read_json('{path}', format='newline_delimited',
                   columns={{event: 'VARCHAR', properties: 'JSON'}})
"""
COLUMNS = """event_name VARCHAR NOT NULL, event_time TIMESTAMP NOT NULL,
    distinct_id VARCHAR NOT NULL, insert_id VARCHAR {key}, properties JSON"""

Measure = Callable[[Path, int], float]
MEASURES: dict[str, Measure] = {}


def measure(name: str) -> Callable[[Measure], Measure]:
    """Register a function under the name that the table shows."""

    def register(function: Measure) -> Measure:
        MEASURES[name] = function
        return function

    return register


def _timed(action: Callable[[], object], iterator: Iterable[object] = ()) -> float:
    start = time.perf_counter()
    for _ in iterator:
        pass
    alone = time.perf_counter() - start
    action()
    return time.perf_counter() - start - 2 * alone


def _metadata() -> Any:
    from mixpanel_data import TableMetadata

    return TableMetadata(type="events", fetched_at=datetime.now(timezone.utc))


def _native(folder: Path, key: str) -> float:
    import duckdb

    connection = duckdb.connect(str(folder / "native.db"))
    connection.execute(f"CREATE TABLE e ({COLUMNS.format(key=key)})")
    insert = "INSERT INTO e " + EXTRACT.format(path=folder / "export.jsonl")
    return _timed(lambda: connection.execute(insert))


@measure("DuckDB read_json, keyed")
def native_keyed(folder: Path, count: int) -> float:
    return _native(folder, "PRIMARY KEY")


@measure("DuckDB read_json, no key")
def native_plain(folder: Path, count: int) -> float:
    return _native(folder, "")


def _create(folder: Path, count: int, batch_size: int) -> float:
    from mixpanel_data import StorageEngine

    with StorageEngine(folder / "ours.db") as storage:
        # What a process pays once for its imports is no speed of loading.
        storage.create_events_table("first", events(10), _metadata())
        return _timed(
            lambda: storage.create_events_table(
                "e", events(count), _metadata(), lambda _: None, batch_size
            ),
            events(count),
        )


@measure("create_events_table, batch 1,000")
def create_small(folder: Path, count: int) -> float:
    return _create(folder, count, 1_000)


@measure("create_events_table, batch 50,000")
def create_large(folder: Path, count: int) -> float:
    return _create(folder, count, 50_000)


@measure("load_export")
def export(folder: Path, count: int) -> float:
    from mixpanel_data import StorageEngine

    with StorageEngine(folder / "ours.db") as storage:
        storage.create_events_table("first", events(10), _metadata())
        return _timed(lambda: storage.load_export("e", folder / "export.jsonl", _metadata()))


def _append(folder: Path, count: int, held: int) -> float:
    from mixpanel_data import StorageEngine

    day = count // 10
    with StorageEngine(folder / "ours.db") as storage:
        # Half of the day is there already.
        storage.create_events_table("e", events(held + day // 2), _metadata())
        return _timed(
            lambda: storage.append_events_table("e", events(day, held), _metadata()),
            events(day, held),
        )


@measure("append a tenth, to nothing")
def append_small(folder: Path, count: int) -> float:
    return _append(folder, count, 0)


@measure("append a tenth, to five times the rows")
def append_large(folder: Path, count: int) -> float:
    return _append(folder, count, 5 * count)


@measure("DuckDB executemany, keyed")
def executemany(folder: Path, count: int) -> float:
    import duckdb

    rows = [(*list(row.values())[:4], json.dumps(row["properties"])) for row in events(count)]
    connection = duckdb.connect(str(folder / "other.db"))
    connection.execute(f"CREATE TABLE e ({COLUMNS.format(key='PRIMARY KEY')})")
    insert = "INSERT INTO e VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
    return _timed(lambda: connection.executemany(insert, rows))


@measure("duckdb-engine, insert()")
def stock_engine(folder: Path, count: int) -> float:
    import sqlalchemy as sa

    rows = list(events(count))
    kinds: tuple[Any, ...] = (sa.String, sa.TIMESTAMP, sa.String, sa.String, sa.JSON)
    names = ("event_name", "event_time", "distinct_id", "insert_id", "properties")
    columns: list[sa.Column[Any]] = [sa.Column(name, kind) for name, kind in zip(names, kinds)]
    table = sa.Table("e", sa.MetaData(), *columns)
    engine = sa.create_engine(f"duckdb:///{folder / 'other.db'}")
    with engine.begin() as connection:
        connection.execute(sa.schema.CreateTable(table))
        return _timed(lambda: connection.execute(sa.insert(table), rows))


@measure("pandas to_sql, duckdb-engine")
def to_sql(folder: Path, count: int) -> float:
    import pandas as pd
    import sqlalchemy as sa

    frame = pd.DataFrame(events(count))
    frame["properties"] = [json.dumps(value) for value in frame["properties"]]
    engine = sa.create_engine(f"duckdb:///{folder / 'other.db'}")
    return _timed(lambda: frame.to_sql("e", engine, index=False, if_exists="append"))


@measure("sqlite-utils insert_all, keyed")
def sqlite_utils(folder: Path, count: int) -> float:
    import sqlite_utils

    table = sqlite_utils.Database(folder / "other.sqlite")["e"]
    return _timed(
        lambda: table.insert_all(events(count), pk="insert_id", ignore=True), events(count)
    )


@measure("dlt to duckdb, merge")
def dlt_merge(folder: Path, count: int) -> float:
    import dlt

    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=str(folder / "dlt"),
        destination=dlt.destinations.duckdb(str(folder / "other.db")),
    )
    resource = dlt.resource(
        events(count),
        name="e",
        primary_key="insert_id",
        write_disposition="merge",
        max_table_nesting=0,
        columns={"properties": {"data_type": "json"}},
    )
    return _timed(lambda: pipeline.run(resource), events(count))


def _ask(folder: Path, count: int, how: str) -> float:
    """Give the ratio of our time to DuckDB's own for *count* rows."""
    from mixpanel_data import StorageEngine

    with StorageEngine(folder / "ours.db") as storage:
        storage.load_export("e", folder / "export.jsonl", _metadata())
        sql = "SELECT * EXCLUDE (properties) FROM e"
        raw = storage.connection.cursor()
        native: Callable[[], object] = lambda: raw.execute(sql).df()  # noqa: E731
        ours: Callable[[], object] = lambda: storage.execute_df(sql)  # noqa: E731
        if how == "arrow":
            native = lambda: raw.sql(sql).to_arrow_table()  # noqa: E731
            ours = lambda: storage.execute_arrow(sql)  # noqa: E731
        native()
        ours()
        return statistics.median(_timed(ours) / _timed(native) for _ in range(7))


@measure("execute_df / DuckDB's df()")
def ask_df(folder: Path, count: int) -> float:
    return _ask(folder, count, "df")


@measure("execute_arrow / DuckDB's Arrow")
def ask_arrow(folder: Path, count: int) -> float:
    return _ask(folder, count, "arrow")


@measure("execute_scalar('SELECT 1')")
def scalar(folder: Path, count: int) -> float:
    from mixpanel_data import StorageEngine

    with StorageEngine.memory() as storage:
        storage.execute_scalar("SELECT 1")
        return statistics.median(
            _timed(lambda: storage.execute_scalar("SELECT 1")) for _ in range(200)
        )


@measure("import, over duckdb + pandas + sqlalchemy")
def importing(folder: Path, count: int) -> float:
    def seconds(modules: str) -> float:
        command = [sys.executable, "-c", f"import {modules}"]
        return _timed(lambda: subprocess.run(command, check=True))

    return statistics.median(
        seconds("mixpanel_data") - seconds("duckdb, pandas, sqlalchemy") for _ in range(5)
    )
