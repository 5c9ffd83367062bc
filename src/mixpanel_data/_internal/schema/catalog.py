"""The catalogue: `_metadata` rows, and what is in the database."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa
from sqlalchemy.schema import CreateTable

from mixpanel_data._internal.duckdb.dialect import home, system_catalog
from mixpanel_data._internal.duckdb.dialect.system_catalog import TEMPORARY
from mixpanel_data._internal.schema.revisions import (
    FIRST_CATALOG,
    column_names,
    row_errors,
)
from mixpanel_data._internal.schema.tables import (
    EVENTS,
    INTERNAL,
    KINDS,
    Kind,
    check_kind,
    days_of_both,
    metadata_table,
    quoted,
    user_table,
)
from mixpanel_data._internal.schema.versions import head, version_table
from mixpanel_data._internal.spelling import closest
from mixpanel_data.exceptions import TableExistsError, TableNotFoundError
from mixpanel_data.types import ColumnInfo, TableInfo, TableSchema, utc_now

if TYPE_CHECKING:
    from mixpanel_data.types import TableMetadata

# By what they look like; those that nobody uses any more go.
_tables: weakref.WeakValueDictionary[str, sa.Table] = weakref.WeakValueDictionary()


def create_internal(connection: sa.Connection) -> None:
    """Make the internal tables of a new database, at the head of the revisions."""
    for table in (*INTERNAL, version_table):
        connection.execute(CreateTable(table))
    connection.execute(sa.insert(version_table).values(version_num=head()))


def names(connection: sa.Connection) -> list[str]:
    """Return the names of all tables and views that are not internal."""
    found = connection.execute(system_catalog.relations(home(connection))).all()
    return [row.table_name for row in found if not row.table_name.startswith("_")]


def find(connection: sa.Connection, name: str, *, internal: bool = False) -> str | None:
    """Return the name of a table or view as the database spells it, or None.

    DuckDB's names keep their case but do not differ by it. *internal* ones are found on request.
    """
    relation = _relation(connection, name, internal=internal)
    return None if relation is None else relation.table_name


def require(connection: sa.Connection, name: str) -> str:
    """Return the name of a user's table as the database spells it.

    Raises:
        TableNotFoundError: it is not there.
    """
    return str(_required(connection, name).table_name)


def table(connection: sa.Connection, name: str) -> sa.Table:
    """Return a user's table or view, or a temporary one of this connection, for statements.

    It is one object for as long as it looks the same: two that are alike in one statement would
    be two tables.

    Raises:
        TableNotFoundError: it is not there.
    """
    temporary = connection.execute(system_catalog.relations(TEMPORARY, [name])).first()
    found = require(connection, name) if temporary is None else temporary.table_name
    kind = kind_of(connection, found) if temporary is None else None
    if kind is not None:
        current = user_table(kind, found)
    else:
        current = sa.Table(quoted(found), sa.MetaData(), autoload_with=connection)
    shape = repr(current)
    known = _tables.get(shape)
    if known is None or repr(known) != shape:
        _tables[shape] = known = current
    return known


def new_table(connection: sa.Connection, name: str, kind: Kind) -> sa.Table:
    """Return the table that a create call is to make.

    Raises:
        TableExistsError: the name is taken.
    """
    if find(connection, name) is not None:
        raise TableExistsError(name)
    return user_table(kind, name)


def known_table(connection: sa.Connection, name: str, kind: Kind) -> tuple[sa.Table, TableMetadata]:
    """Return the registered table that an append call is to grow, and what is known of it.

    Raises:
        ValueError: it holds the other kind.
        TableNotFoundError: it is not there.
    """
    relation = _required(connection, name)
    # A view is never read here: it may read whatever its author liked.
    meta = None if relation.is_view else _entry(connection, relation.table_name)
    check_kind(kind, relation.table_name, KINDS[meta.type] if meta else None)
    return user_table(kind, relation.table_name), cast("TableMetadata", meta)


def kind_of(connection: sa.Connection, name: str) -> Kind | None:
    """Return the kind a table is registered as, or None."""
    rows = _entries(connection)
    kind = connection.scalar(sa.select(rows.c.type).where(_same(rows.c.table_name, name)))
    return KINDS.get(kind) if kind else None


def register(connection: sa.Connection, name: str, meta: TableMetadata) -> None:
    """Write the catalogue row of a table that was just made and filled."""
    connection.execute(sa.delete(metadata_table).where(_same(metadata_table.c.table_name, name)))
    connection.execute(
        sa.insert(metadata_table).values(table_name=name, **_row(connection, name, meta))
    )


def refresh(
    connection: sa.Connection, name: str, meta: TableMetadata, before: TableMetadata
) -> None:
    """Update the catalogue row of a table after an append; *before* is what was known of it.

    The days widen to cover both loads. The filters stay those of the first load.
    """
    row = _row(connection, name, meta)
    row |= days_of_both(before, meta)
    del row["filters"], row["type"]
    connection.execute(
        sa.update(metadata_table).where(metadata_table.c.table_name == name).values(row)
    )


def infer_metadata(connection: sa.Connection, name: str, kind: Kind) -> TableMetadata:
    """Return the metadata of a table that nothing else is known of than its rows."""
    known: dict[str, Any] = {"type": kind.name, "fetched_at": utc_now()}
    if kind is EVENTS:
        table = user_table(kind, name)
        for key, end in (("from_date", sa.func.min), ("to_date", sa.func.max)):
            day = sa.cast(sa.cast(end(table.c.event_time), sa.Date), sa.String)
            known[key] = connection.scalar(sa.select(day))
    return _checked(**known)


def forget(connection: sa.Connection, name: str) -> None:
    """Remove a table's catalogue row."""
    connection.execute(sa.delete(metadata_table).where(_same(metadata_table.c.table_name, name)))


def metadata_of(connection: sa.Connection, name: str) -> TableMetadata:
    """Return what a table was registered with.

    Raises:
        TableNotFoundError: it is not there, or not in the catalogue.
    """
    meta = _entry(connection, require(connection, name))
    if meta is None:
        raise TableNotFoundError(name)
    return meta


def tables(connection: sa.Connection) -> list[TableInfo]:
    """Return the registered tables that are in the database, by name, with their rows counted.

    Raises:
        DamagedDatabaseError: a row of the catalogue is not what this library writes.
    """
    there = set(connection.scalars(system_catalog.tables(home(connection))))
    entries = _entries(connection)
    with row_errors(metadata_table):
        rows = connection.execute(sa.select(entries).order_by(entries.c.table_name)).all()
    found = []
    for row in rows:
        if row.table_name in there:
            with row_errors(metadata_table, row.table_name):
                # Checks the whole row, of which a list shows a part.
                meta = _metadata(row)
            count = _count(connection, row.table_name)
            found.append(TableInfo(row.table_name, meta.type, count, meta.fetched_at))
    return found


def time_zones(connection: sa.Connection) -> dict[str, str]:
    """Return the zones of the tables whose times came in another one than UTC, by table."""
    rows = _entries(connection)
    zones = sa.select(rows.c.table_name, rows.c.time_zone).where(rows.c.time_zone.is_not(None))
    there = set(connection.scalars(system_catalog.tables(home(connection))))
    with row_errors(metadata_table):
        found = connection.execute(zones.order_by(rows.c.table_name)).all()
    return {row.table_name: row.time_zone for row in found if row.table_name in there}


def schema_of(connection: sa.Connection, name: str) -> TableSchema:
    """Return the columns of a user's table, with DuckDB's names for their types.

    Raises:
        TableNotFoundError: it is not there.
    """
    found = require(connection, name)
    kind = kind_of(connection, found)
    # A large table has a key, but no index on it.
    key = [] if kind is None else [kind.key]
    columns = connection.execute(system_catalog.columns(home(connection), [found]))
    return TableSchema(
        found,
        [
            ColumnInfo(
                name=column.column_name,
                type=column.data_type,
                nullable=column.is_nullable,
                primary_key=column.column_name in [*(column.primary_key or ()), *key],
            )
            for column in columns
        ],
    )


def _checked(**known: Any) -> TableMetadata:
    # pydantic is loaded only when it is needed.
    from mixpanel_data.types import TableMetadata

    return TableMetadata(**known)


def _metadata(row: sa.Row[Any]) -> TableMetadata:
    return _checked(
        type=row.type,
        fetched_at=row.fetched_at,
        from_date=row.from_date,
        to_date=row.to_date,
        duplicates=row.duplicates or 0,
        collisions=row.collisions or 0,
        time_zone=row.time_zone,
        **(row.filters or {}),
    )


def _required(connection: sa.Connection, name: str) -> sa.Row[Any]:
    relation = _relation(connection, name)
    if relation is None:
        raise TableNotFoundError(name, closest(str(name), names(connection)))
    return relation


def _relation(
    connection: sa.Connection, name: str, *, internal: bool = False
) -> sa.Row[Any] | None:
    if str(name).startswith("_") and not internal:
        return None
    return connection.execute(system_catalog.relations(home(connection), [str(name)])).first()


def _entry(connection: sa.Connection, name: str) -> TableMetadata | None:
    """Return what a table, by its own name, was registered with."""
    rows = _entries(connection)
    with row_errors(metadata_table, name):
        row = connection.execute(sa.select(rows).where(_same(rows.c.table_name, name))).first()
        return None if row is None else _metadata(row)


def _entries(connection: sa.Connection) -> sa.Subquery:
    """Return the rows of the catalogue, as any revision keeps them.

    A file that was opened for reading may be older: what it lacks is NULL, or no row at all.
    """
    there = column_names(connection, metadata_table.name)
    columns = [
        column if column.name in there else sa.cast(sa.null(), column.type).label(column.name)
        for column in metadata_table.columns
    ]
    rows = sa.select(*columns)
    return (rows if there >= FIRST_CATALOG else sa.select(*columns).where(sa.false())).subquery()


def _same(column: sa.ColumnElement[str], name: str) -> sa.ColumnElement[bool]:
    # A quoted_name returns itself from lower().
    return sa.func.lower(column) == str.lower(str(name))


def _row(connection: sa.Connection, name: str, meta: TableMetadata) -> dict[str, Any]:
    return {
        "type": meta.type,
        "fetched_at": meta.fetched_at,
        "from_date": meta.from_date,
        "to_date": meta.to_date,
        "row_count": _count(connection, name),
        "filters": meta.filters,
        "duplicates": meta.duplicates,
        "collisions": meta.collisions,
        "time_zone": meta.time_zone,
    }


def _count(connection: sa.Connection, name: str) -> int:
    rows = sa.select(sa.func.count()).select_from(sa.table(quoted(name)))
    return connection.scalar(rows) or 0
