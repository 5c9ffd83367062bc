"""Which schema revision a database has, told without Alembic; and the revisions there are."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import duckdb
import sqlalchemy as sa

from mixpanel_data._internal.schema.tables import KINDS, Kind
from mixpanel_data.exceptions import SchemaVersionError

# In the installed package, and beside src/ in a checkout.
_PLACES = (Path(__file__).parents[2] / "migrations", Path(__file__).parents[4] / "migrations")

version_table = sa.Table(
    "_alembic_version",
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), primary_key=True),
)

# What _metadata had from the start; a table of that name with other columns is somebody else's.
FIRST_CATALOG = {"table_name", "type", "fetched_at", "from_date", "to_date", "row_count"}

# What users' tables had from the start: files of then are known by it, whatever tables.py says now.
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

_COLUMNS = """
    SELECT table_name, list([column_name, data_type] ORDER BY column_index)
    FROM duckdb_columns()
    WHERE database_name = current_database() AND schema_name = current_schema() AND NOT internal
      AND table_name IN (SELECT table_name FROM duckdb_tables() WHERE NOT temporary)
    GROUP BY table_name ORDER BY table_name
"""
_KEYS = """
    SELECT table_name, constraint_column_names[1] FROM duckdb_constraints()
    WHERE database_name = current_database() AND schema_name = current_schema()
      AND constraint_type = 'PRIMARY KEY'
"""


@cache
def script_location() -> Path:
    """Return the directory of the migrations."""
    return next(place for place in _PLACES if (place / "versions").is_dir())


@cache
def revision_ids() -> tuple[str, ...]:
    """Return the ids of all revisions, the oldest first; each file's name starts with its own."""
    files = (script_location() / "versions").glob("[0-9]*_*.py")
    return tuple(sorted(file.name.partition("_")[0] for file in files))


def head() -> str:
    """Return the revision that this library works with."""
    return revision_ids()[-1]


def current_revision(raw: duckdb.DuckDBPyConnection) -> str | None:
    """Return the revision of a database; None where nothing in it is this library's.

    Files without a version table come from before there were revisions: from the original library,
    whose tables are revision 0001, or from the first versions of this one.
    """
    recorded = _stamped(raw)
    if recorded:
        return recorded
    tables = _tables(raw)
    catalog_columns = {name for name, _ in tables.get("_metadata", [])}
    if catalog_columns >= FIRST_CATALOG:
        if "filters" not in catalog_columns:
            return "0001"
        return "0003" if "_loads" in tables else "0002"
    # The original made _metadata only when a first fetch had ended well.
    keys = dict(raw.execute(_KEYS).fetchall())
    lookalikes = {name: kind for name in tables if (kind := _kind(tables[name]))}
    return "0001" if any(keys.get(name) == kind.key for name, kind in lookalikes.items()) else None


def is_stamped(raw: duckdb.DuckDBPyConnection) -> bool:
    """Return whether the database itself knows its revision."""
    return _stamped(raw) is not None


def check(raw: duckdb.DuckDBPyConnection, path: Path | None, *, read_only: bool) -> str | None:
    """Return the revision, unless this library cannot work with it.

    Raises:
        SchemaVersionError: it is unknown here, or older and more than reading is wanted.
    """
    found = current_revision(raw)
    older = found in revision_ids()[:-1]
    if found in (None, head()) or (older and read_only):
        return found
    assert found is not None
    raise SchemaVersionError(path or "memory", found, head(), older=older)


def unregistered(raw: duckdb.DuckDBPyConnection) -> dict[str, Kind]:
    """Return the tables that have the columns of a kind, but are not in the catalogue."""
    tables = _tables(raw)
    registered = set()
    if {name for name, _ in tables.get("_metadata", [])} >= FIRST_CATALOG:
        rows = raw.execute("SELECT lower(table_name) FROM _metadata").fetchall()
        registered = {name for (name,) in rows}
    return {
        name: kind
        for name, columns in tables.items()
        if not name.startswith("_")
        and name.lower() not in registered
        and (kind := _kind(columns)) is not None
    }


def _stamped(raw: duckdb.DuckDBPyConnection) -> str | None:
    try:
        rows = raw.execute("SELECT version_num FROM _alembic_version").fetchall()
    except (duckdb.CatalogException, duckdb.BinderException):
        # No such table, or somebody else's with other columns.
        return None
    return " and ".join(sorted(number for (number,) in rows)) or None


def _tables(raw: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[str, str]]]:
    """Return the columns of every table, as names and DuckDB's types."""
    return {
        name: [(column, data_type) for column, data_type in columns]
        for name, columns in raw.execute(_COLUMNS).fetchall()
    }


def _kind(columns: list[tuple[str, str]]) -> Kind | None:
    """Return the kind whose columns these are, or were at first, in any order."""
    for kind in KINDS.values():
        today = {(column.name, str(column.type)) for column in kind.template.columns}
        if set(columns) in (today, _FIRST_SHAPES[kind.name]):
            return kind
    return None
