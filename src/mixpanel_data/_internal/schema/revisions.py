"""The schema revision of a database, found without Alembic, and the revisions there are."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from mixpanel_data._internal.duckdb import MAJOR
from mixpanel_data._internal.duckdb.dialect import driver_of, home, system_catalog, system_functions
from mixpanel_data._internal.schema.tables import KINDS, Kind, metadata_table
from mixpanel_data._internal.schema.versions import refusal, version_table
from mixpanel_data.exceptions import DamagedDatabaseError

# What _metadata had from the start; a table of that name with other columns is not ours.
FIRST_CATALOG = {"table_name", "type", "fetched_at", "from_date", "to_date", "row_count"}

# What users' tables had from the start: old files are recognised by it.
_FIRST_SHAPES = {
    "events": {
        ("event_name", "VARCHAR"),
        ("event_time", "TIMESTAMP"),
        ("distinct_id", "VARCHAR"),
        ("insert_id", "VARCHAR"),
        ("properties", "JSON"),
    },
    "profiles": {("distinct_id", "VARCHAR"), ("properties", "JSON"), ("last_seen", "TIMESTAMP")},
}


# Before 2.0 a macro in the file replaces even a function that is named with its schema.
_QUALIFIED_IS_ENOUGH = MAJOR >= 2


def current_revision(connection: sa.Connection, names: Collection[str] | None = None) -> str | None:
    """Return the revision of a database; None where nothing in it is this library's.

    Files without a version table are older than the first revision: they come from the original
    library, whose tables are revision 0001, or from the first versions of this one. *names* are
    those of the tables, where they are known.
    """
    names = table_names(connection) if names is None else names
    if recorded := _recorded(connection, names):
        return recorded
    with system_functions(connection):
        return _recognised(connection) if names else None


def _recognised(connection: sa.Connection) -> str | None:
    tables = tables_with_columns(connection)
    catalog_columns = {column.column_name for column in tables.get("_metadata", ())}
    if catalog_columns >= FIRST_CATALOG:
        if "filters" not in catalog_columns:
            return "0001"
        return "0003" if "_loads" in tables else "0002"
    # The original made _metadata only when a first fetch had ended well.
    for columns in tables.values():
        kind = _kind(columns)
        if kind is not None and (columns[0].primary_key or [""])[0] == kind.key:
            return "0001"
    return None


def is_stamped(connection: sa.Connection) -> bool:
    """Return whether the database has a version table that holds its revision."""
    return _recorded(connection, table_names(connection)) is not None


def refuse_view(connection: sa.Connection) -> None:
    """Refuse a view in the place of the version table, for those who would read it as one.

    Raises:
        DamagedDatabaseError: there is one.
    """
    for found in connection.execute(
        system_catalog.relations(home(connection), [version_table.name])
    ):
        if found.is_view:
            raise DamagedDatabaseError(
                f"{found.table_name} is a view in this file, and no table with the revision of its"
                " schema. Remove it with DROP VIEW, or restore a backup.",
                table_name=found.table_name,
            )


def check(
    connection: sa.Connection,
    path: Path | None,
    *,
    read_only: bool,
    names: Collection[str] | None = None,
) -> str | None:
    """Return the revision, unless this library cannot work with it; see ``current_revision``.

    Raises:
        SchemaVersionError: it is unknown here, or older and not only to be read.
    """
    found = current_revision(connection, names)
    error = None if found is None else refusal(path or "memory", found, read_only=read_only)
    if error is not None:
        raise error
    return found


def unregistered(connection: sa.Connection) -> dict[str, Kind]:
    """Return the tables that have the columns of a kind, but are not in the catalogue."""
    tables = tables_with_columns(connection)
    registered = set()
    if {column.column_name for column in tables.get("_metadata", ())} >= FIRST_CATALOG:
        registered = set(connection.scalars(sa.select(sa.func.lower(metadata_table.c.table_name))))
    return {
        name: kind
        for name, columns in tables.items()
        if not name.startswith("_")
        and name.lower() not in registered
        and (kind := _kind(columns)) is not None
    }


@contextmanager
def row_errors(table: sa.Table, name: str | None = None) -> Iterator[None]:
    """Turn the failure to read a row of an internal *table* into an error that names it.

    Raises:
        DamagedDatabaseError: a value is of another type, or out of its range.
    """
    try:
        yield
    except (AttributeError, OverflowError, TypeError, ValueError) as error:
        row = f"The row of '{name}'" if name else "A row"
        reason = " ".join(str(error).split())
        raise DamagedDatabaseError(
            f"{row} in {table.name} is not what this library writes: {reason}. Correct it with SQL,"
            " or restore a backup.",
            table_name=name,
        ) from error


def tables_with_columns(
    connection: sa.Connection, names: Collection[str] | None = None
) -> dict[str, list[sa.Row[Any]]]:
    """Return the columns of every table, or of those of *names*, by the tables' names."""
    found: dict[str, list[sa.Row[Any]]] = {}
    for column in connection.execute(system_catalog.columns(home(connection), names)):
        # Views have no DDL of a table. They may read whatever their author liked.
        if column.table_sql is not None:
            found.setdefault(column.table_name, []).append(column)
    return found


def table_names(connection: sa.Connection) -> set[str]:
    """Return the names of all tables, internal ones too; views are none."""
    with nullcontext() if _QUALIFIED_IS_ENOUGH else system_functions(connection):
        return system_catalog.table_names(driver_of(connection), home(connection))


def column_names(connection: sa.Connection, table: str) -> set[str]:
    """Return the names of a table's columns; a view, and what is not there, has none."""
    with nullcontext() if _QUALIFIED_IS_ENOUGH else system_functions(connection):
        return system_catalog.column_names(driver_of(connection), home(connection), table)


def _recorded(connection: sa.Connection, names: Collection[str]) -> str | None:
    """Return what the version table holds, where it is among the tables of these *names*."""
    if version_table.name not in names:
        return None
    # Every opening asks this: of the driver, which takes a fraction of SQLAlchemy's time.
    result = driver_of(connection).execute("SELECT * FROM _alembic_version")
    # Somebody else's table of this name has other columns.
    names = [name for name, *_ in result.description]
    rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    found = [row["version_num"] for row in rows if row.get("version_num") is not None]
    # An empty one is none of ours either.
    numbers = [str(number) or "''" for number in found]
    return " and ".join(sorted(numbers)) or None


def _kind(columns: list[sa.Row[Any]]) -> Kind | None:
    """Return the kind whose columns these are, or were at first, in any order."""
    found = {(column.column_name, column.data_type) for column in columns}
    for kind in KINDS.values():
        today = {(column.name, str(column.type)) for column in kind.template.columns}
        if found in (today, _FIRST_SHAPES[kind.name]):
            return kind
    return None
