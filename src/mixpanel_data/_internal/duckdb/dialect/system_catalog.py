"""Queries of DuckDB's catalogue functions, one per kind of thing, by table name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Collection

    import duckdb
    from sqlalchemy.sql.selectable import TableValuedAlias


class Place(NamedTuple):
    """A schema of one of the attached databases; None stands for the current one."""

    database: str | None
    schema: str | None


TEMPORARY = Place("temp", "main")


def _function(name: str, *columns: str) -> TableValuedAlias:
    function = getattr(sa.func, name)()
    return function.table_valued("database_name", "schema_name", *columns, name=name)


_schemas = _function("duckdb_schemas", "internal")
_tables = _function("duckdb_tables", "table_name", "comment", "sql", "table_oid", "database_oid")
_views = _function("duckdb_views", "view_name", "comment", "sql", "internal")
_columns = _function(
    "duckdb_columns",
    "table_name",
    "column_name",
    "column_index",
    "data_type",
    "is_nullable",
    "column_default",
    "comment",
    "table_oid",
    "database_oid",
)
_constraints = _function(
    "duckdb_constraints",
    "table_name",
    "table_oid",
    "database_oid",
    "constraint_index",
    "constraint_type",
    "constraint_name",
    "constraint_column_names",
    "expression",
    "referenced_table",
    "referenced_column_names",
)
_indexes = _function("duckdb_indexes", "table_name", "index_name", "is_unique", "expressions")
_sequences = _function("duckdb_sequences", "sequence_name")


def _here(source: TableValuedAlias, place: Place) -> sa.ColumnElement[bool]:
    return sa.and_(
        source.c.database_name == (place.database or sa.func.current_database()),
        source.c.schema_name == (place.schema or sa.func.current_schema()),
    )


def schemas() -> sa.Select[Any]:
    """Schemas of all databases: database, schema, whether the database is the current one."""
    current = _schemas.c.database_name == sa.func.current_database()
    return (
        sa.select(_schemas.c.database_name, _schemas.c.schema_name, current)
        .where(_schemas.c.database_name.not_in(("system", "temp")))
        .order_by(current.desc(), _schemas.c.database_name, _schemas.c.schema_name)
    )


def tables(place: Place, names: Collection[str] | None = None) -> sa.Select[Any]:
    """Tables: table_name, is_view, comment, sql."""
    statement = sa.select(
        _tables.c.table_name, sa.false().label("is_view"), _tables.c.comment, _tables.c.sql
    ).where(_here(_tables, place))
    return _named(statement, _tables.c.table_name, names)


# Each opening of a file and each load asks these: as text, compiled by nobody, and with names that
# macros in the file cannot replace, so that the search path need not be set for them.
_TABLE_NAMES = """
SELECT table_name FROM system.main.duckdb_tables()
WHERE database_name = coalesce(?, system.main.current_database())
AND schema_name = coalesce(?, system.main.current_schema())
"""


def table_names(raw: duckdb.DuckDBPyConnection, place: Place) -> set[str]:
    """Return the names of all tables; views are none."""
    return {name for (name,) in raw.execute(_TABLE_NAMES, list(place)).fetchall()}


_COLUMN_NAMES = """
SELECT c.column_name FROM system.main.duckdb_columns() AS c
JOIN system.main.duckdb_tables() AS t USING (database_oid, table_oid)
WHERE t.database_name = coalesce(?, system.main.current_database())
AND t.schema_name = coalesce(?, system.main.current_schema()) AND t.table_name = ?
"""


def column_names(raw: duckdb.DuckDBPyConnection, place: Place, table: str) -> set[str]:
    """Return the names of a table's columns; a view, and what is not there, has none."""
    return {name for (name,) in raw.execute(_COLUMN_NAMES, [*place, table]).fetchall()}


def relations(place: Place, names: Collection[str] | None = None) -> sa.Select[Any]:
    """Tables and views, as ``tables``."""
    views = sa.select(_views.c.view_name, sa.true(), _views.c.comment, _views.c.sql).where(
        _here(_views, place), sa.not_(_views.c.internal)
    )
    both = sa.union_all(tables(place), views).subquery()
    return _named(sa.select(both), both.c.table_name, names).order_by(both.c.table_name)


def columns(place: Place, names: Collection[str] | None) -> sa.Select[Any]:
    """Columns of tables and views, with their table's DDL and primary key."""
    joined = _columns.outerjoin(_tables, _same_table(_tables)).outerjoin(
        _constraints,
        sa.and_(_same_table(_constraints), _constraints.c.constraint_type == "PRIMARY KEY"),
    )
    statement = (
        sa.select(
            _columns,
            _tables.c.sql.label("table_sql"),
            _constraints.c.constraint_column_names.label("primary_key"),
        )
        .select_from(joined)
        .where(_here(_columns, place))
        .order_by(_columns.c.column_index)
    )
    return _named(statement, _columns.c.table_name, names)


def _same_table(other: TableValuedAlias) -> sa.ColumnElement[bool]:
    return sa.and_(
        other.c.table_oid == _columns.c.table_oid, other.c.database_oid == _columns.c.database_oid
    )


def constraints(place: Place, names: Collection[str] | None, kind: str) -> sa.Select[Any]:
    """Constraints of one kind, in the order of their definition."""
    statement = (
        sa.select(_constraints)
        .where(_here(_constraints, place), _constraints.c.constraint_type == kind)
        .order_by(_constraints.c.constraint_index)
    )
    return _named(statement, _constraints.c.table_name, names)


def indexes(place: Place, names: Collection[str] | None) -> sa.Select[Any]:
    """Indexes, with their expressions as a list."""
    # The catalogue shows the list as text, in the spelling that DuckDB casts back.
    expressions = sa.cast(_indexes.c.expressions, sa.ARRAY(sa.String)).label("expression_list")
    statement = (
        sa.select(_indexes, expressions)
        .where(_here(_indexes, place))
        .order_by(_indexes.c.index_name)
    )
    return _named(statement, _indexes.c.table_name, names)


def sequences(place: Place) -> sa.Select[Any]:
    """Names of sequences."""
    name = _sequences.c.sequence_name
    return sa.select(name).where(_here(_sequences, place)).order_by(name)


def _named(
    statement: sa.Select[Any], name: sa.ColumnElement[str], names: Collection[str] | None
) -> sa.Select[Any]:
    if names is None:
        return statement
    # DuckDB's names are case-insensitive; a quoted_name returns itself from lower().
    return statement.where(sa.func.lower(name).in_([str(wanted).lower() for wanted in names]))
