"""The tables, once: DDL, required fields, Arrow schemas and catalogue derive from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa
from sqlalchemy.sql import visitors

from mixpanel_data._internal.schema.columns import DateText, UtcTime
from mixpanel_data.exceptions import QueryError
from mixpanel_data.types import TableKind

if TYPE_CHECKING:
    from mixpanel_data.types import TableMetadata

metadata = sa.MetaData()

# Naive and in UTC, in the database and outside.
_NaiveUtc = sa.TIMESTAMP(timezone=False)

events = sa.Table(
    "events",
    metadata,
    sa.Column("event_name", sa.String, nullable=False),
    sa.Column("event_time", _NaiveUtc, nullable=False),
    sa.Column("distinct_id", sa.String, nullable=False),
    sa.Column("insert_id", sa.String, primary_key=True),
    sa.Column("properties", sa.JSON),
)

profiles = sa.Table(
    "profiles",
    metadata,
    sa.Column("distinct_id", sa.String, primary_key=True),
    sa.Column("properties", sa.JSON),
    sa.Column("last_seen", _NaiveUtc, info={"optional": True}),
)

metadata_table = sa.Table(
    "_metadata",
    metadata,
    sa.Column("table_name", sa.String, primary_key=True),
    sa.Column("type", sa.String, nullable=False),
    sa.Column("fetched_at", UtcTime, nullable=False),
    sa.Column("from_date", DateText),
    sa.Column("to_date", DateText),
    sa.Column("row_count", sa.BigInteger, nullable=False),
    # The filters that shaped the fetch, as one JSON object with the keys of TableMetadata.
    sa.Column("filters", sa.JSON),
    # Of the last load: records skipped, and records kept under a derived insert_id.
    sa.Column("duplicates", sa.BigInteger),
    sa.Column("collisions", sa.BigInteger),
    # Whose wall clock the times of events were when they were loaded; NULL for UTC.
    sa.Column("time_zone", sa.String),
)

loads_table = sa.Table(
    "_loads",
    metadata,
    sa.Column("table_name", sa.String, nullable=False),
    sa.Column("type", sa.String, nullable=False),
    # 'create', 'append' or 'replace'; 'adopt' for a table that is older than its history.
    sa.Column("action", sa.String, nullable=False),
    sa.Column("source", sa.String),
    sa.Column("started_at", UtcTime, nullable=False),
    sa.Column("finished_at", UtcTime, nullable=False),
    sa.Column("from_date", DateText),
    sa.Column("to_date", DateText),
    sa.Column("filters", sa.JSON),
    sa.Column("records", sa.BigInteger, nullable=False),
    sa.Column("stored", sa.BigInteger, nullable=False),
    sa.Column("duplicates", sa.BigInteger, nullable=False),
    sa.Column("collisions", sa.BigInteger, nullable=False),
    sa.Column("replaced", sa.BigInteger, nullable=False),
    sa.Column("library_version", sa.String, nullable=False),
    sa.Column("duckdb_version", sa.String, nullable=False),
    # Records of other days or events than the load's, and profiles whose $last_seen is no time.
    sa.Column("outside", sa.BigInteger),
    sa.Column("invalid_last_seen", sa.BigInteger),
    # Times that come twice in the zone, or that it skips; seconds that all are ahead of UTC.
    sa.Column("time_zone", sa.String),
    sa.Column("ambiguous_times", sa.BigInteger),
    sa.Column("missing_times", sa.BigInteger),
    sa.Column("time_offset", sa.BigInteger),
)

# The typed rows beside users' tables; see ``schema.typed``.
typed_table = sa.Table(
    "_typed",
    metadata,
    sa.Column("table_name", sa.String, primary_key=True),
    sa.Column("type", sa.String, nullable=False),
    # Of each column the property's path, the name, the kind, and whether some value is not exact.
    sa.Column("columns", sa.JSON, nullable=False),
    # The DDL of the table as it was then.
    sa.Column("definition", sa.String, nullable=False),
)

# A row for every change of such a table that was not the library's own.
touched_table = sa.Table("_touched", metadata, sa.Column("table_name", sa.String, nullable=False))

INTERNAL = (metadata_table, loads_table, typed_table, touched_table)


@dataclass(frozen=True)
class Kind:
    """One kind of user table: its shape, and the columns that make two records the same."""

    name: TableKind
    template: sa.Table
    identity: tuple[str, ...]
    version: str | None = None
    """The time column that tells which of two rows of one key is the later, where there is one."""

    @property
    def key(self) -> str:
        """The primary key column."""
        return str(self.template.primary_key.columns[0].name)


EVENTS = Kind("events", events, ("event_name", "event_time", "distinct_id", "insert_id"))
PROFILES = Kind("profiles", profiles, ("distinct_id",), version="last_seen")
KINDS: dict[str, Kind] = {kind.name: kind for kind in (EVENTS, PROFILES)}


def user_table(kind: Kind, name: str) -> sa.Table:
    """Return the kind's table under a user's name, on a MetaData of its own."""
    return kind.template.to_metadata(sa.MetaData(), name=quoted(name))


def quoted(name: str) -> sa.quoted_name:
    """Return a user's name as an identifier that is always quoted: it may be a word of SQL."""
    return sa.quoted_name(name, quote=True)


def check_kind(kind: Kind, name: str, registered: Kind | None) -> None:
    """Refuse to append records of *kind* to a table that is *registered* as another, or not at all.

    Raises:
        ValueError: it is.
    """
    if registered is None:
        raise ValueError(
            f"Cannot append {kind.name} to table '{name}': it was not made by this library."
        )
    if registered is not kind:
        raise ValueError(
            f"Cannot append {kind.name} to {registered.name} table '{name}'."
            f" Use append_{registered.name}_table, or another table."
        )


def days_of_both(before: TableMetadata, added: TableMetadata) -> dict[str, str | None]:
    """Return the days of a table after another load: they widen to cover both."""
    return {
        "from_date": min(filter(None, (before.from_date, added.from_date)), default=None),
        "to_date": max(filter(None, (before.to_date, added.to_date)), default=None),
    }


def over(rows: sa.Table, expression: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return an expression over any Table of this name as one over *rows*.

    A subquery stays as it is: it has rows of its own.

    Raises:
        ValueError: *rows* lack a column of the expression.
    """

    def replaced(element: Any, **_: Any) -> Any:
        if isinstance(element, (sa.SelectBase, sa.ScalarSelect)):
            return element
        table = getattr(element, "table", None)
        same = isinstance(table, sa.Table) and table is not rows and table.name == rows.name
        if not same or not isinstance(element, sa.Column):
            return None
        if element.name not in rows.c:
            known = ", ".join(rows.c.keys())
            raise ValueError(f"{rows.name} has no column {element.name!r}; it has {known}.")
        return rows.c[element.name]

    found: sa.ColumnElement[Any] = visitors.replacement_traverse(expression, {}, replaced)
    return found


def converted(rows: sa.Table, *columns: str) -> sa.Table:
    """Return a table of events with its times as naive UTC, and its properties as JSON.

    A table that this library did not make may have them in other types. *columns* are those that
    are needed. What is no table already is a subquery, which has all that statements use of one.

    Raises:
        QueryError: ``event_time`` is neither a time nor a date.
    """
    wanted: dict[str, sa.ColumnElement[Any]] = {}
    for column in (rows.c[name] for name in columns if name in rows.c):
        if column.name == "properties" and not isinstance(column.type, sa.JSON):
            wanted[column.name] = sa.cast(column, sa.JSON).label(column.name)
        if column.name == "event_time" and not _is_naive_time(column.type, str(rows.name)):
            wanted[column.name] = sa.cast(column, _NaiveUtc).label(column.name)
    if not wanted:
        return rows
    found = sa.select(*(wanted.get(c.name, c) for c in rows.c)).subquery(rows.name)
    return cast("sa.Table", found)


def _is_naive_time(type_: sa.types.TypeEngine[Any], table: str) -> bool:
    if isinstance(type_, sa.DateTime):
        return not type_.timezone
    # Those of another precision have no type in SQLAlchemy.
    if not isinstance(type_, sa.Date) and "TIMESTAMP" not in repr(type_):
        raise QueryError(
            f"Column 'event_time' of table '{table}' must be a TIMESTAMP in UTC, or a DATE, not a"
            f" {type(type_).__name__}: cast it in a view.",
            table_name=table,
        )
    return False
