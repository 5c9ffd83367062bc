"""Other ways to put the same rows into a database, most of them row by row."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.loads import TABLE
from benchmarks.measure import measure, net, timed
from benchmarks.rows import events


@measure("DuckDB: executemany, keyed", share=0.005)
def executemany(folder: Path, count: int) -> float:
    import duckdb

    rows = [(*list(row.values())[:4], json.dumps(row["properties"])) for row in events(count)]
    connection = duckdb.connect(str(folder / "other.db"))
    connection.execute(TABLE.format(key="PRIMARY KEY"))
    insert = "INSERT INTO e VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
    return timed(lambda: connection.executemany(insert, rows))


@measure("pandas to_sql on duckdb-engine, no key", share=0.005)
def to_sql(folder: Path, count: int) -> float:
    import duckdb_engine  # noqa: F401
    import pandas as pd
    import sqlalchemy as sa

    frame = pd.DataFrame(events(count))
    frame["properties"] = [json.dumps(value) for value in frame["properties"]]
    engine = sa.create_engine(f"duckdb:///{folder / 'other.db'}")
    return timed(lambda: frame.to_sql("e", engine, index=False, if_exists="append"))


@measure("sqlite-utils insert_all, keyed (SQLite)", share=0.1)
def sqlite_utils(folder: Path, count: int) -> float:
    import sqlite_utils

    table = sqlite_utils.Database(folder / "other.sqlite").table("e")

    def insert() -> None:
        table.insert_all(events(count), pk="insert_id", ignore=True)

    return net(insert, events(count), count)


@measure("dlt to DuckDB, merge on the key", share=0.05)
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
    return net(lambda: pipeline.run(resource), events(count), count)
