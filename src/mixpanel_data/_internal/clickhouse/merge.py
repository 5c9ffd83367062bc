"""From the staged records to the table as it will be, by statements of ClickHouse's own.

A table of events is ordered by what queries ask for first, and split by month. Equal records are
found by their identity: within the load the first stays, of the table only the load's own range of
times is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from mixpanel_data._internal.clickhouse.database import Database, quoted
from mixpanel_data._internal.clickhouse.dialect import ClickHouseDialect
from mixpanel_data._internal.loading.outcome import count
from mixpanel_data._internal.schema.tables import EVENTS, Kind, user_table

if TYPE_CHECKING:
    from mixpanel_data._internal.clickhouse.catalog import Catalog
    from mixpanel_data._internal.clickhouse.locks import Lock
    from mixpanel_data._internal.loading.job import LoadJob

POSITION = "_n"

_COLUMNS = {
    "events": "event_name LowCardinality(String), event_time DateTime64(6, 'UTC'),"
    " distinct_id String, insert_id String, properties String CODEC(ZSTD(3))",
    "profiles": "distinct_id String, properties String CODEC(ZSTD(3)),"
    " last_seen Nullable(DateTime64(6, 'UTC'))",
}
_ORDER = {
    "events": "PARTITION BY toYYYYMM(event_time)"
    " ORDER BY (event_name, toDate(event_time), distinct_id, event_time)",
    "profiles": "ORDER BY distinct_id",
}
SETTINGS: dict[str, Any] = {
    # A load may be of any number of months.
    "max_partitions_per_insert_block": 0,
    # What is dropped is the library's own.
    "max_table_size_to_drop": 0,
    "max_partition_size_to_drop": 0,
    # Equal records follow each other in the staging table.
    "optimize_read_in_order": 1,
    "max_bytes_before_external_sort": 512 << 20,
    "join_use_nulls": 1,
    "transform_null_in": 0,
}


@dataclass(frozen=True)
class Merged:
    """What became of the records, and how many rows the table will have."""

    stored: int
    replaced: int
    rows: int


def staged(kind: Kind, lock: Lock) -> sa.Table:
    """Return the staging table, with the column that numbers the records."""
    table = user_table(kind, lock.staging)
    table.append_column(sa.Column(POSITION, sa.BigInteger))
    return table


def create_staging(database: Database, kind: Kind, lock: Lock) -> None:
    """Make the staging table, in which equal records are together, in their order."""
    key = ", ".join((*kind.identity, POSITION))
    database.command(
        f"CREATE TABLE {quoted(lock.staging)} ({_COLUMNS[kind.name]}, {POSITION} UInt64)"
        f" ENGINE = MergeTree ORDER BY ({key})"
    )


def create_table(database: Database, kind: Kind, lock: Lock) -> None:
    """Make the table as it will be, without rows."""
    columns, order = _COLUMNS[kind.name], _ORDER[kind.name]
    database.command(f"CREATE TABLE {quoted(lock.next)} ({columns}) ENGINE = MergeTree {order}")


def count_unreadable(connection: sa.Connection, fresh: sa.Table) -> int:
    """Return how many documents the JSON functions cannot read."""
    readable = sa.func.isValidJSON(fresh.c.properties, type_=sa.Boolean)
    return count(connection, fresh, sa.not_(readable))


def merge(database: Database, job: LoadJob, lock: Lock, catalog: Catalog) -> Merged:
    """Make the table as it will be; the table that is there stays as it is."""
    kind, new = job.kind, quoted(lock.next)
    if job.action == "create":
        create_table(database, kind, lock)
    else:
        old = quoted(job.table)
        database.command(f"CREATE TABLE {new} AS {old}", SETTINGS)
        # Hard links: nothing is copied.
        database.command(f"ALTER TABLE {new} ATTACH PARTITION ALL FROM {old}", SETTINGS)
    before = catalog.count(lock.next)
    _remove_replaced(database, job, lock)
    left = catalog.count(lock.next)
    names = ", ".join(quoted(column.name) for column in kind.template.columns)
    rows = _to_insert(kind, lock, upserts=job.on_conflict != "ignore", new=job.action == "create")
    database.command(f"INSERT INTO {new} ({names}) {rows}", SETTINGS)
    after = catalog.count(lock.next)
    return Merged(after - left, before - left, after)


def has_other_resolution(database: Database, job: LoadJob, lock: Lock) -> bool:
    """Return whether an append holds what the table has, but by other times of the same seconds.

    By the first thousand records: one export is in seconds, and one in milliseconds.
    """
    if job.kind is not EVENTS or job.action != "append":
        return False
    staging, identity = quoted(lock.staging), ", ".join(EVENTS.identity)
    first = f"(SELECT * FROM {staging} WHERE {POSITION} < 1000)"
    since, until = (f"(SELECT {end}(event_time) FROM {staging})" for end in ("min", "max"))
    there = (
        f"FROM {quoted(job.table)} WHERE insert_id IN (SELECT insert_id FROM {first})"
        f" AND event_time BETWEEN {since} - INTERVAL 1 SECOND AND {until} + INTERVAL 1 SECOND"
    )
    second = "event_name, distinct_id, insert_id, toStartOfSecond(event_time)"
    new, alike = database.one(
        f"SELECT count(), countIf(({second}) IN (SELECT {second} {there})) FROM {first}"
        f" WHERE ({identity}) NOT IN (SELECT {identity} {there})"
    )
    return bool(0 < new == alike)


def _to_insert(kind: Kind, lock: Lock, *, upserts: bool, new: bool) -> str:
    """Return the select of the records to insert."""
    if upserts and not new:
        names = ", ".join(quoted(column.name) for column in kind.template.columns)
        return f"SELECT {names} FROM {quoted(lock.chosen)}"
    return _first(kind, lock) if new else f"{_first(kind, lock)}{_not_known(kind, lock)}"


def _first(kind: Kind, lock: Lock, order: str = POSITION) -> str:
    """Return the select of the first record, in *order*, of those that are equal."""
    names = ", ".join(quoted(column.name) for column in kind.template.columns)
    identity = ", ".join(kind.identity)
    return (
        f"SELECT {names} FROM (SELECT * FROM {quoted(lock.staging)}"
        f" ORDER BY {identity}, {order} LIMIT 1 BY {identity})"
    )


def _not_known(kind: Kind, lock: Lock) -> str:
    """Return the condition on records that the table does not have."""
    staging, identity = quoted(lock.staging), ", ".join(kind.identity)
    # Numbers find what may be equal, in little memory; then the values themselves decide.
    number = f"sipHash64({identity})"
    which = f"{number} IN (SELECT {number} FROM {staging})"
    if kind is EVENTS:
        ends = [f"(SELECT {end}(event_time) FROM {staging})" for end in ("min", "max")]
        which += f" AND event_time BETWEEN {ends[0]} AND {ends[1]}"
    return f" WHERE ({identity}) NOT IN (SELECT {identity} FROM {quoted(lock.next)} WHERE {which})"


def _remove_replaced(database: Database, job: LoadJob, lock: Lock) -> None:
    """Remove the rows that the load replaces: those of its window, or of its profiles."""
    table = user_table(job.kind, lock.next)
    condition = job.replace_condition(table)
    if condition is not None:
        where = _where(table, condition)
        # Without rows to remove it would rewrite whole months all the same.
        if database.one(f"SELECT count() FROM {quoted(lock.next)} {where}")[0]:
            database.command(f"DELETE FROM {quoted(lock.next)} {where}", SETTINGS)
    elif job.on_conflict != "ignore":
        _choose(database, job, lock)
        key = job.kind.key
        if job.action != "create":
            chosen = f"SELECT {key} FROM {quoted(lock.chosen)}"
            database.command(f"DELETE FROM {quoted(lock.next)} WHERE {key} IN ({chosen})", SETTINGS)


def _where(table: sa.Table, condition: sa.ColumnElement[bool]) -> str:
    dialect: sa.Dialect = ClickHouseDialect(paramstyle="named")
    selected: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(table).where(condition)
    text = str(selected.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    return f"WHERE {text.partition('WHERE')[2]}"


def _choose(database: Database, job: LoadJob, lock: Lock) -> None:
    """Keep of each key the record that wins by ``on_conflict``, if it beats the table's.

    With "update" that is the later in the version column, where no time is earlier than any; equal
    ones, and all with "replace", are settled by order: the newer load, the later record. A record
    that equals what is there is left out as a duplicate.
    """
    kind, version, key = job.kind, job.kind.version, job.kind.key
    order = f"{POSITION} DESC"
    if job.on_conflict == "update":
        order = f"{version} DESC NULLS LAST, {order}"
    columns = [column.name for column in kind.template.columns]
    equal = " AND ".join(f"there.{name} <=> fresh.{name}" for name in columns)
    loses = f"({equal})"
    if job.on_conflict == "update":
        later = f"ifNull(there.{version} > fresh.{version}, there.{version} IS NOT NULL"
        loses += f" OR {later} AND fresh.{version} IS NULL)"
    database.command(
        f"CREATE TABLE {quoted(lock.chosen)} ({_COLUMNS[kind.name]})"
        f" ENGINE = MergeTree ORDER BY {key}"
    )
    there = (
        f"SELECT * FROM {quoted(lock.next)} WHERE {key} IN"
        f" (SELECT {key} FROM {quoted(lock.staging)})"
    )
    names = ", ".join(f"fresh.{name}" for name in columns)
    database.command(
        f"INSERT INTO {quoted(lock.chosen)} SELECT {names}"
        f" FROM ({_first(kind, lock, order)}) AS fresh"
        f" LEFT JOIN ({there}) AS there ON there.{key} = fresh.{key}"
        f" WHERE there.{key} IS NULL OR NOT ({loses})",
        SETTINGS,
    )
