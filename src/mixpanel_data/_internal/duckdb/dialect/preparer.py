"""Quoting of names, and schema names that an attached database may qualify."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy.dialects.postgresql.base import PGIdentifierPreparer

from mixpanel_data._internal.duckdb.dialect.stock import duckdb_engine

NAME = r'(?:"(?:[^"]|"")+"|[^\s."(),]+)'
_PART = r'"(?:[^"]|"")+"|[^."]+'
_QUALIFIED = re.compile(rf"(?:(?P<database>{_PART})\.)?(?P<schema>{_PART})")


def split_schema(name: str | None) -> tuple[str | None, str | None]:
    """Split ``database.schema``, either part in double quotes if it holds a dot."""
    match = _QUALIFIED.fullmatch(name) if name else None
    if match is None:
        return None, name
    database = match["database"]
    return database and unquoted(database), unquoted(match["schema"])


def qualified(database: str | None, schema: str) -> str:
    """Join the parts of a name that :func:`split_schema` splits."""
    return ".".join(_quoted(part) for part in (database, schema) if part is not None)


def unquoted(name: str) -> str:
    """Return a name without its double quotes, if it has them."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def _quoted(part: str) -> str:
    return '"' + part.replace('"', '""') + '"' if re.search(r'[."]', part) else part


# DuckDB's reserved words that PostgreSQL leaves free, by duckdb_keywords().
_RESERVED = frozenset(
    [
        "anti",
        "asof",
        "at",
        "by",
        "collation",
        "columns",
        "concurrently",
        "describe",
        "generated",
        "glob",
        "lambda",
        "lateral",
        "map",
        "pivot",
        "pivot_longer",
        "pivot_wider",
        "positional",
        "qualify",
        "semi",
        "show",
        "struct",
        "summarize",
        "tablesample",
        "try_cast",
        "tuple",
        "unpack",
        "unpivot",
    ]
)


class IdentifierPreparer(duckdb_engine.DuckDBIdentifierPreparer):
    """Quotes names, schemas by their parts."""

    reserved_words = duckdb_engine.DuckDBIdentifierPreparer.reserved_words | _RESERVED

    def __init__(self, dialect: Any, **options: Any) -> None:
        # Not duckdb-engine's own, which asks DuckDB for its reserved words for every engine.
        PGIdentifierPreparer.__init__(self, dialect, **options)

    def _separate(self, name: str | None) -> tuple[str | None, str | None]:
        return split_schema(name)
