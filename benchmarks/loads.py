"""Loads: DuckDB's own, which are the yardstick, and ours."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.measure import SHARED, measure, net, timed
from benchmarks.rows import events, metadata

RECORDS = """
    SELECT event_name, event_time, distinct_id, insert_id, properties
    FROM read_json('{path}', format = 'newline_delimited', columns = {{event_name: 'VARCHAR',
        event_time: 'TIMESTAMP', distinct_id: 'VARCHAR', insert_id: 'VARCHAR', properties: 'JSON'}})
"""
EXPORT = """
    SELECT event, make_timestamp((properties->>'time')::BIGINT * 1000000),
           properties->>'distinct_id', properties->>'$."$insert_id"', properties
    FROM read_json('{path}', format = 'newline_delimited',
                   columns = {{event: 'VARCHAR', properties: 'JSON'}})
"""
TABLE = """
    CREATE TABLE e (event_name VARCHAR NOT NULL, event_time TIMESTAMP NOT NULL,
        distinct_id VARCHAR NOT NULL, insert_id VARCHAR {key}, properties JSON)
"""


def _native(folder: Path, select: str, file: str, key: str = "PRIMARY KEY") -> float:
    import duckdb

    connection = duckdb.connect(str(folder / "native.db"))
    connection.execute(TABLE.format(key=key))
    insert = "INSERT INTO e " + select.format(path=folder / SHARED / file)
    return timed(lambda: connection.execute(insert))


@measure("DuckDB: read_json of records, keyed", needs="records.jsonl")
def native_records(folder: Path, count: int) -> float:
    return _native(folder, RECORDS, "records.jsonl")


@measure("DuckDB: read_json of records, no key", needs="records.jsonl")
def native_unkeyed(folder: Path, count: int) -> float:
    return _native(folder, RECORDS, "records.jsonl", key="")


@measure("DuckDB: INSERT … SELECT of an export, keyed", needs="export.jsonl")
def native_export(folder: Path, count: int) -> float:
    return _native(folder, EXPORT, "export.jsonl")


def _create(folder: Path, count: int, batch_size: int = 1_000) -> float:
    from mixpanel_data import StorageEngine

    with StorageEngine(folder / "ours.db") as storage:
        # What a process pays once for its imports is no speed of loading.
        storage.create_events_table("first", events(10), metadata())

        def create() -> None:
            storage.create_events_table("e", events(count), metadata(), lambda _: None, batch_size)

        return net(create, events(count), count)


@measure("create from an iterator, batches of 1,000")
def create_small(folder: Path, count: int) -> float:
    return _create(folder, count)


@measure("create from an iterator, batches of 50,000")
def create_large(folder: Path, count: int) -> float:
    return _create(folder, count, 50_000)


@measure("create from an iterator, 10 times the rows", share=10, large=True)
def create_ten(folder: Path, count: int) -> float:
    return _create(folder, count)


@measure("create from an iterator, 30 times the rows", share=30, large=True)
def create_thirty(folder: Path, count: int) -> float:
    return _create(folder, count)


@measure("load_export", needs="export.jsonl")
def export(folder: Path, count: int) -> float:
    from mixpanel_data import StorageEngine

    with StorageEngine(folder / "ours.db") as storage:
        storage.create_events_table("first", events(10), metadata())
        return timed(lambda: storage.load_export("e", folder / SHARED / "export.jsonl", metadata()))


def _append(path: Path, count: int) -> float:
    from mixpanel_data import StorageEngine

    # Half of the day are the last events of the table that is fifty times as large.
    first = 50 * count - count // 2
    with StorageEngine(path) as storage:
        storage.create_events_table("first", events(10), metadata())
        if not storage.table_exists("e"):
            storage.create_events_table("e", [], metadata())

        def append() -> None:
            storage.append_events_table("e", events(count, first), metadata())

        return net(append, events(count, first), count)


@measure("append a day to an empty table", share=0.1)
def append_to_nothing(folder: Path, count: int) -> float:
    return _append(folder / "ours.db", count)


@measure("append a day, half of it known, to 50 days", share=0.1, needs="held.db")
def append_to_much(folder: Path, count: int) -> float:
    shutil.copy(folder / SHARED / "held.db", folder / "ours.db")
    return _append(folder / "ours.db", count)


@measure("upgrade the original's file of 5 times the rows", share=5, needs="original.db")
def upgrade(folder: Path, count: int) -> float:
    from mixpanel_data import maintenance

    shutil.copy(folder / SHARED / "original.db", folder / "ours.db")
    return timed(lambda: maintenance.upgrade(folder / "ours.db"))
