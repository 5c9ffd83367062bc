"""The catalogue: what is in the database, and what the comments of its tables say of them.

A table's comment is its entry: it changes with the rows, in the one step that publishes a load.
``_metadata`` is a view of the comments; ``_loads`` has a row for each load, of which the last is
entered after the load: should it be missing, it is in the comment.
"""

from __future__ import annotations

import json
import weakref
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from mixpanel_data._internal.clickhouse.database import Database, literal, quoted
from mixpanel_data._internal.clickhouse.errors import query_errors
from mixpanel_data._internal.schema import tables as shapes
from mixpanel_data._internal.schema.tables import KINDS, Kind, loads_table, user_table
from mixpanel_data._internal.schema.versions import head, refusal, version_table
from mixpanel_data._internal.spelling import closest
from mixpanel_data.exceptions import DamagedDatabaseError, TableNotFoundError
from mixpanel_data.types import (
    ColumnInfo,
    LoadInfo,
    TableInfo,
    TableMetadata,
    TableSchema,
)

_SIGN = '{"mixpanel_data":'

# With the load's own id, by which one that is missing is found.
loads = loads_table.to_metadata(sa.MetaData())
loads.append_column(sa.Column("load_id", sa.String, nullable=False))

# By what they look like; those that nobody uses any more go.
_tables: weakref.WeakValueDictionary[str, sa.Table] = weakref.WeakValueDictionary()

_METADATA = f"""
CREATE VIEW IF NOT EXISTS _metadata AS
WITH JSONExtractRaw(comment, 'metadata') AS meta
SELECT
    name AS table_name,
    JSONExtractString(meta, 'type') AS type,
    parseDateTime64BestEffort(JSONExtractString(meta, 'fetched_at'), 6, 'UTC') AS fetched_at,
    toDate32OrNull(JSONExtractString(meta, 'from_date')) AS from_date,
    toDate32OrNull(JSONExtractString(meta, 'to_date')) AS to_date,
    JSONExtractInt(comment, 'rows') AS row_count,
    JSONExtractRaw(comment, 'filters') AS filters,
    JSONExtractInt(meta, 'duplicates') AS duplicates,
    JSONExtractInt(meta, 'collisions') AS collisions,
    JSONExtract(meta, 'time_zone', 'Nullable(String)') AS time_zone
FROM system.tables
WHERE database = currentDatabase() AND startsWith(comment, '{_SIGN}') AND NOT startsWith(name, '_')
"""


@dataclass(frozen=True)
class Entry:
    """What a table's comment says: what it was loaded with, and its last load."""

    metadata: TableMetadata
    load: LoadInfo
    load_id: str
    rows: int

    @property
    def kind(self) -> Kind:
        """The kind of the table."""
        return KINDS[self.metadata.type]

    def comment(self) -> str:
        """Return the comment."""
        return json.dumps(
            {
                "mixpanel_data": 1,
                "metadata": self.metadata.model_dump(mode="json"),
                "filters": self.metadata.filters,
                "rows": self.rows,
                "load": {"id": self.load_id, **self.load.to_dict()},
            },
            separators=(",", ":"),
        )

    @classmethod
    def read(cls, name: str, comment: str) -> Entry | None:
        """Return what a table's comment says, None for one that is not this library's.

        Raises:
            DamagedDatabaseError: it is not as this library wrote it.
        """
        if not comment.startswith(_SIGN):
            return None
        try:
            return cls._parsed(comment)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise DamagedDatabaseError(
                f"The comment of table '{name}' is not what this library writes:"
                f" {' '.join(str(error).split())}. Restore it with ALTER TABLE … MODIFY COMMENT,"
                " or the table from a backup.",
                table_name=name,
            ) from error

    @classmethod
    def _parsed(cls, comment: str) -> Entry:
        found = json.loads(comment)
        load = found["load"]
        load_id = load.pop("id")
        for name in ("started_at", "finished_at"):
            load[name] = datetime.fromisoformat(load[name])
        metadata = TableMetadata(**found["metadata"])
        return cls(metadata, LoadInfo(**load), load_id, found["rows"])


class Catalog:
    """What is in one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def prepare(self) -> None:
        """Make the internal tables where they are missing, and complete the load history."""
        create = sa.schema.CreateTable(loads, if_not_exists=True)
        with self._database.connect("create internal tables") as connection:
            connection.execute(create)
            connection.execute(sa.schema.CreateTable(version_table, if_not_exists=True))
            if not self._revisions(connection):
                connection.execute(sa.insert(version_table).values(version_num=head()))
            connection.exec_driver_sql(_METADATA.replace("%", "%%"))
        for name in self.names():
            if (entry := self.entry(name)) is not None:
                self.enter_load(entry)

    def check_revision(self) -> None:
        """Refuse a database of a revision that this library cannot work with.

        Raises:
            SchemaVersionError: it is unknown here, or older and not only to be read.
        """
        if self.find(version_table.name) is None:
            return
        with self._database.connect("schema revision") as connection:
            found = " and ".join(self._revisions(connection))
        read_only = self._database.read_only
        error = refusal(self._database.place, found, read_only=read_only) if found else None
        if error is not None:
            raise error

    def _revisions(self, connection: sa.Connection) -> list[str]:
        # Two that make a database at once both enter the revision.
        return sorted(set(connection.scalars(sa.select(version_table.c.version_num))))

    def enter_load(self, entry: Entry) -> None:
        """Write the last load of a table into the load history, if it is not there."""
        known = sa.select(sa.func.count()).where(loads.c.load_id == entry.load_id)
        with self._database.connect("load history") as connection:
            if not connection.scalar(known):
                row = {c.name: getattr(entry.load, c.name) for c in loads_table.columns}
                connection.execute(sa.insert(loads).values(load_id=entry.load_id, **row))

    def names(self) -> list[str]:
        """Return the names of all tables and views that are not internal."""
        return [name for name in self._relations() if not name.startswith("_")]

    def find(self, name: str) -> str | None:
        """Return the name of a table or view, an internal one included, or None."""
        return next(iter(self._relations(name)), None)

    def require(self, name: str) -> str:
        """Return the name of a user's table.

        Raises:
            TableNotFoundError: it is not there.
        """
        found = None if str(name).startswith("_") else self.find(name)
        if found is None:
            raise TableNotFoundError(name, closest(str(name), self.names()))
        return found

    def entry(self, name: str) -> Entry | None:
        """Return what a table's comment says, None for a table that is not this library's."""
        found = self._relations(name).get(str(name))
        return None if found is None else Entry.read(str(name), found[0])

    def engine_of(self, name: str) -> str:
        """Return the engine of a table that is there."""
        return self._relations(name)[name][1]

    def table(self, name: str) -> sa.Table:
        """Return a user's table or view, one object for as long as it looks the same.

        Raises:
            TableNotFoundError: it is not there.
        """
        found = self.require(name)
        entry = self.entry(found)
        if entry is not None:
            current = user_table(entry.kind, found)
        else:
            with self._database.connect(f"table {name}") as connection:
                current = sa.Table(shapes.quoted(found), sa.MetaData(), autoload_with=connection)
        shape = repr(current)
        known = _tables.get(shape)
        if known is None or repr(known) != shape:
            _tables[shape] = known = current
        return known

    def metadata(self, name: str) -> TableMetadata:
        """Return what a table was loaded with.

        Raises:
            TableNotFoundError: it is not there, or not this library's.
        """
        entry = self.entry(self.require(name))
        if entry is None:
            raise TableNotFoundError(name)
        return entry.metadata

    def tables(self) -> list[TableInfo]:
        """Return the tables of events and profiles, by name, with their rows counted."""
        found = []
        for name, (comment, _) in sorted(self._relations().items()):
            entry = None if name.startswith("_") else Entry.read(name, comment)
            if entry is not None:
                meta = entry.metadata
                found.append(TableInfo(name, meta.type, self.count(name), meta.fetched_at))
        return found

    def count(self, name: str) -> int:
        """Return how many rows a table has."""
        with query_errors(f"rows of {name}"):
            return int(self._database.one(f"SELECT count() FROM {quoted(name)}")[0])

    def schema(self, name: str) -> TableSchema:
        """Return the columns of a user's table, with ClickHouse's names for their types.

        Raises:
            TableNotFoundError: it is not there.
        """
        found = self.require(name)
        entry = self.entry(found)
        sql = (
            "SELECT name, type, is_in_primary_key FROM system.columns WHERE database = database()"
            f" AND table = {literal(found)} AND default_kind NOT IN ('MATERIALIZED', 'ALIAS')"
            " ORDER BY position"
        )
        with query_errors(f"schema of {name}"):
            columns = self._database.all(sql)
        return TableSchema(
            found,
            [
                ColumnInfo(
                    name=column,
                    type=type_,
                    nullable=type_.startswith("Nullable("),
                    primary_key=bool(key) if entry is None else column == entry.kind.key,
                )
                for column, type_, key in columns
            ],
        )

    def history(self, table: str | None) -> list[LoadInfo]:
        """Return the loads of one table, or of all, in the order in which they finished."""
        if self.find(loads.name) is None:
            return []
        rows = sa.select(*(loads.c[c.name] for c in loads_table.columns))
        rows = rows.order_by(loads.c.finished_at)
        if table is not None:
            rows = rows.where(loads.c.table_name == table)
        with self._database.connect("load history") as connection:
            found = connection.execute(rows).mappings().all()
        return [LoadInfo(**{**row, "filters": dict(row["filters"] or {})}) for row in found]

    def size(self) -> int:
        """Return the bytes of all tables, as they are compressed."""
        sql = "SELECT sum(total_bytes) FROM system.tables WHERE database = database()"
        with query_errors("size"):
            return int(self._database.one(sql)[0] or 0)

    def _relations(self, name: str | None = None) -> dict[str, tuple[str, str]]:
        """Return the comment and the engine of every table and view, or of one."""
        which = "" if name is None else f" AND name = {literal(str(name))}"
        sql = f"SELECT name, comment, engine FROM system.tables WHERE database = database(){which}"
        with query_errors("list tables"):
            found: list[tuple[Any, ...]] = self._database.all(sql)
        return {name: (comment, engine) for name, comment, engine in found}
