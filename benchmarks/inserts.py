"""SQLAlchemy's ``executemany`` of events, and what one would write by hand instead."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.loads import TABLE
from benchmarks.measure import measure, timed
from benchmarks.rows import events


@measure("Arrow packed with json.dumps, one INSERT … SELECT, keyed", share=0.1)
def by_hand(folder: Path, count: int) -> float:
    import duckdb
    import pyarrow as pa

    rows = list(events(count))
    connection = duckdb.connect(str(folder / "hand.db"))
    connection.execute(TABLE.format(key="PRIMARY KEY"))

    def insert() -> None:
        packed = ((*list(row.values())[:4], json.dumps(row["properties"])) for row in rows)
        columns = [pa.array(values) for values in zip(*packed)]
        connection.register("batch", pa.table(columns, list(rows[0])))
        connection.execute("INSERT INTO e SELECT * FROM batch")

    return timed(insert)


def _inserted(folder: Path, count: int, insert: Callable[[Any, Any, list[Any]], object]) -> float:
    """Return the seconds that *insert* takes, given a session, the class and the rows."""
    import sqlalchemy as sa
    from sqlalchemy.orm import Session

    from mixpanel_data.orm import Event

    class BenchmarkEvent(Event):
        __tablename__ = "e"

    engine = sa.create_engine(f"duckdb+mixpanel_data:///{folder / 'ours.db'}")
    Event.metadata.create_all(engine)
    rows = list(events(count))
    with Session(engine) as session:
        # What a process pays once for its imports is no speed of inserting.
        insert(session, BenchmarkEvent, rows[:10])
        session.rollback()

        def commit() -> None:
            insert(session, BenchmarkEvent, rows)
            session.commit()

        return timed(commit)


@measure("Core insert(), keyed", share=0.1)
def core(folder: Path, count: int) -> float:
    import sqlalchemy as sa

    return _inserted(
        folder,
        count,
        lambda session, kind, rows: session.connection().execute(sa.insert(kind.__table__), rows),
    )


@measure("ORM insert(), keyed", share=0.1)
def orm(folder: Path, count: int) -> float:
    import sqlalchemy as sa

    return _inserted(
        folder, count, lambda session, kind, rows: session.execute(sa.insert(kind), rows)
    )


@measure("SQLAlchemy insert() on duckdb-engine, no key", share=0.005)
def stock_engine(folder: Path, count: int) -> float:
    import duckdb_engine  # noqa: F401
    import sqlalchemy as sa

    rows = list(events(count))
    kinds: tuple[Any, ...] = (sa.String, sa.TIMESTAMP, sa.String, sa.String, sa.JSON)
    columns: list[sa.Column[Any]] = [sa.Column(name, kind) for name, kind in zip(rows[0], kinds)]
    table = sa.Table("e", sa.MetaData(), *columns)
    engine = sa.create_engine(f"duckdb:///{folder / 'other.db'}")
    with engine.begin() as connection:
        connection.execute(sa.schema.CreateTable(table))
        return timed(lambda: connection.execute(sa.insert(table), rows))
