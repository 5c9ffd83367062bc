"""What to do about a statement that DuckDB refused, where its own text does not help."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from types import FrameType

import duckdb
import sqlalchemy as sa

from mixpanel_data._internal.duckdb.dialect import home, system_catalog
from mixpanel_data._internal.spelling import closest

Connect = Callable[[], AbstractContextManager[sa.Connection]]

_UNKNOWN_TABLE = re.compile(r'Table with name "?([^\s"]+)"? does not exist')
_UNKNOWN_COLUMN = re.compile(r'[Cc]olumn (?:named )?"([^"]+)"(?: not found in FROM)?')
_IN_PATH = re.compile(r"JSON path error near '(.*)'", re.DOTALL)
_LITERAL = re.compile(r"'((?:[^']|'')*)'")
_DOLLAR_KEY = re.compile(r"(\$[^.\[]+)(.*)", re.DOTALL)
_READ_ONLY = re.compile(r"in read-only mode")
_NO_STATEMENT = re.compile(r"^Not an executable object")
_PARAMETERS = re.compile(
    r"Values were not provided|argument[/ ]count mismatch|[Pp]repared parameters can only"
    r"|Unexpected prepared parameter"
)
_COLON = re.compile(r'at or near ":"')

_SHOWN = 10  # names in a list
_SAMPLE = 1_000  # rows whose properties are looked at


def hint(text: str, statement: str, connect: Connect | None) -> str:
    """Return what to do about an error of this *text*, "" where nothing is known to help.

    *connect* gives a connection for a look at the names in the database.
    """
    if _READ_ONLY.search(text):
        return (
            "The database is open for reading only. StorageEngine(path), or open_existing(path,"
            " read_only=False), opens it for writing."
        )
    if _NO_STATEMENT.search(text):
        return "Pass SQL text, or a SQLAlchemy statement such as sqlalchemy.select(table)."
    if _PARAMETERS.search(text) or (_COLON.search(text) and re.search(r":[a-z_]\w*", statement)):
        return "Parameters of SQL text are a list for ? and $1, or a dict for $name."
    if path := _IN_PATH.search(text):
        return _quoted_key(path[1], statement)
    if table := _UNKNOWN_TABLE.search(text):
        named = _frame(table[1]) or _look(connect, lambda c: _table(table[1], c))
        return "" if named in text else named
    if column := _UNKNOWN_COLUMN.search(text):
        return _look(connect, lambda c: _property(column[1], statement, c))
    return ""


def _look(connect: Connect | None, ask: Callable[[sa.Connection], str]) -> str:
    with suppress(duckdb.Error, sa.exc.SQLAlchemyError, RuntimeError):
        if connect is not None:
            with connect() as connection:
                return ask(connection)
    return ""


def _quoted_key(near: str, statement: str) -> str:
    for literal in _LITERAL.findall(statement):
        # A "$" is the document itself; the names of Mixpanel's own properties begin with one.
        found = _DOLLAR_KEY.fullmatch(literal.replace("''", "'"))
        if found and found[0] == f"${near}":
            path = f'$."{found[1]}"{found[2]}'
            return f"A key that begins with $ is written in double quotes in a path: '{path}'."
    return "In a path, a key is written in double quotes if it is no plain word: '$.\"a key\"'."


def _frame(name: str) -> str:
    """Return what to do where an unknown table is the name of the caller's DataFrame."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        for names in (frame.f_locals, frame.f_globals):
            if hasattr(names.get(name), "__arrow_c_stream__"):
                return (
                    f"{name} is a DataFrame here, which SQL does not see by itself:"
                    f' storage.connection.register("{name}", {name}) names it for this thread.'
                )
        frame = frame.f_back
    return ""


def _tables(connection: sa.Connection) -> list[str]:
    found = connection.execute(system_catalog.relations(home(connection)))
    return [row.table_name for row in found if not row.table_name.startswith("_")]


def _table(name: str, connection: sa.Connection) -> str:
    known = {table.lower(): table for table in _tables(connection)}
    if close := closest(name.lower(), known):
        return f'Did you mean "{known[close]}"?'
    if not known:
        return "The database has no tables yet."
    more = ", …" if len(known) > _SHOWN else ""
    return f"The tables are {', '.join(list(known.values())[:_SHOWN])}{more}."


def _property(name: str, statement: str, connection: sa.Connection) -> str:
    words = {word.lower() for word in re.findall(r"\w+", statement)}
    known: set[str] = set()
    for table in _tables(connection):
        if table.lower() in words:
            known.update(_properties(table, connection))
    close = name if name in known else closest(name, known)
    if close is None:
        return ""
    key = close.replace("\\", "\\\\").replace('"', '\\"').replace("'", "''")
    path = f"properties->>'$.\"{key}\"'"
    if close == name:
        return f'"{name}" is a property: {path} reads it.'
    return f'Did you mean the property "{close}"? {path} reads it.'


def _properties(table: str, connection: sa.Connection) -> list[str]:
    source = sa.table(sa.quoted_name(table, quote=True), sa.column("properties"))
    sample = sa.select(source.c.properties).limit(_SAMPLE).subquery()
    keys = sa.func.unnest(sa.func.json_keys(sample.c.properties))
    with suppress(sa.exc.SQLAlchemyError):
        return list(connection.scalars(sa.select(keys).distinct()))
    return []
