"""Whether a database holds what its catalogue says, found by reading every row."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from mixpanel_data._internal.duckdb.database import Database
from mixpanel_data._internal.duckdb.dialect import system_functions
from mixpanel_data._internal.duckdb.errors import query_errors
from mixpanel_data._internal.duckdb.export_query import DUBIOUS
from mixpanel_data._internal.json_text import is_json
from mixpanel_data._internal.maintenance import typed_rows
from mixpanel_data._internal.schema import catalog, revisions
from mixpanel_data._internal.schema.revisions import FIRST_CATALOG
from mixpanel_data._internal.schema.tables import KINDS, Kind, metadata_table, quoted
from mixpanel_data.exceptions import QueryError
from mixpanel_data.types import Problem

_RELOAD = "Drop the table and load it again, or restore a backup."


def problems(database: Database) -> Iterator[Problem]:
    """Read every row of every table, and yield what is wrong.

    Raises:
        DamagedDatabaseError: a row of the catalogue is not what this library writes.
    """
    with (
        query_errors(f"check {database.path}"),
        database.engine.connect() as connection,
        system_functions(connection),
    ):
        revisions.check(connection, database.path, read_only=True)
        unregistered = revisions.unregistered(connection)
        yield from _problems_of_tables(connection)
        for name, kind in unregistered.items():
            adopt = shlex.join(["mixpanel-data", "db", "adopt", str(database.path), name])
            remedy = f"`{adopt}`, or drop the table."
            yield Problem(name, f"has the columns of {kind.name}, but is not registered.", remedy)
        yield from typed_rows.problems(database, connection)
        catalog.tables(connection)


def _problems_of_tables(connection: sa.Connection) -> Iterator[Problem]:
    inspector = sa.inspect(connection)
    tables = inspector.get_table_names()
    kinds, counts = {}, {}
    if (
        metadata_table.name in tables
        and {column["name"] for column in inspector.get_columns(metadata_table.name)}
        >= FIRST_CATALOG
    ):
        entries = sa.select(
            metadata_table.c.table_name, metadata_table.c.type, metadata_table.c.row_count
        )
        for name, kind, rows in connection.execute(entries):
            kinds[name], counts[name] = KINDS.get(kind), rows
    for name in sorted(name for name, kind in kinds.items() if kind is None):
        yield Problem(name, "is registered as neither events nor profiles.", _RELOAD)
    for name in kinds.keys() - set(tables):
        yield Problem(
            name,
            "is in the catalogue, but not in the database.",
            f"Delete the row of '{name}' from _metadata, and load the table again.",
        )
    for name in tables:
        try:
            with query_errors(f"check {name}"):
                _read(connection, name)
                if (kind := kinds.get(name)) is not None:
                    yield from _miscounted(connection, name, counts[name])
                    yield from violations(connection, name, kind)
        except QueryError as error:
            yield Problem(name, f"cannot be read: {error.message}", _RELOAD)
            # The error has ended the transaction.
            connection.rollback()


def _read(connection: sa.Connection, name: str) -> None:
    """Read all values of all rows."""
    columns = [column["name"] for column in sa.inspect(connection).get_columns(name)]
    rows = sa.table(quoted(name), *(sa.column(quoted(column)) for column in columns))
    connection.execute(sa.select(*(sa.func.bit_xor(sa.func.hash(c)) for c in rows.columns))).all()


def violations(connection: sa.Connection, name: str, kind: Kind) -> Iterator[Problem]:
    """Yield what is wrong with a table of *kind*."""
    there = {column["name"] for column in sa.inspect(connection).get_columns(name)}
    lacking = [column.name for column in kind.template.columns if column.name not in there]
    if lacking:
        lack = f"is registered as {kind.name}, but has no column {', '.join(lacking)}."
        yield Problem(name, lack, _RELOAD)
        return
    rows = sa.table(quoted(name), *(sa.column(c.name) for c in kind.template.columns))
    for column in kind.template.columns:
        if not column.nullable and (n := _count(connection, rows.c[column.name].is_(None))):
            yield Problem(name, f"holds {n:,} rows without {column.name}.", _RELOAD)
    key = rows.c[kind.key]
    repeated = sa.select(key).group_by(key).having(sa.func.count() > 1).subquery()
    if n := connection.scalar(sa.select(sa.func.count()).select_from(repeated)) or 0:
        yield Problem(name, f"holds {n:,} values of {kind.key} more than once.", _RELOAD)
    if n := _count_invalid_json(connection, rows.c.properties):
        yield Problem(name, f"holds {n:,} rows whose properties are no JSON.", _RELOAD)


def _count_invalid_json(connection: sa.Connection, document: sa.ColumnElement[Any]) -> int:
    """Count the documents that are no JSON; DuckDB itself takes NaN and trailing commas for it."""
    text = sa.cast(document, sa.String)
    valid = sa.func.json_valid(document)
    suspects = sa.select(text).where(valid, sa.func.regexp_matches(text, DUBIOUS))
    found = connection.scalars(suspects)
    return _count(connection, sa.not_(valid)) + sum(not is_json(each) for each in found)


def _miscounted(connection: sa.Connection, name: str, recorded: int) -> Iterator[Problem]:
    rows = connection.scalar(sa.select(sa.func.count()).select_from(sa.table(quoted(name))))
    if rows != recorded:
        yield Problem(
            name,
            f"holds {rows:,} rows, but the catalogue says {recorded:,}.",
            "Rows were added or deleted by SQL: append anything to it, and the catalogue counts"
            " again; or load it again.",
        )


def _count(connection: sa.Connection, which: sa.ColumnElement[bool]) -> int:
    return connection.scalar(sa.select(sa.func.count_if(which))) or 0
