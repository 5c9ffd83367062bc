"""DuckDB's type names as SQLAlchemy types."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import types as sqltypes
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.cache_key import NO_CACHE

from mixpanel_data._internal.duckdb.dialect.sqlparse import split_at_commas
from mixpanel_data._internal.duckdb.dialect.stock import datatypes

Type = sqltypes.TypeEngine[Any]

# Their fields are a dictionary, which cannot be part of a statement's cache key.
for _composite in (datatypes.Struct, datatypes.Union):
    _composite._static_cache_key = NO_CACHE

_FIELD = re.compile(r'(?P<name>"(?:[^"]|"")+"|\S+) (?P<type>.+)', re.DOTALL)


class UnknownType(sqltypes.UserDefinedType[Any]):
    """A DuckDB type that has no counterpart in SQLAlchemy, kept by its name."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **kw: Any) -> str:
        """Return the type's name for the DDL compiler."""
        return self.name


_PLAIN: dict[str, type[Type]] = {
    "BIGINT": sqltypes.BIGINT,
    "BLOB": sqltypes.BLOB,
    "BOOLEAN": sqltypes.BOOLEAN,
    "DATE": sqltypes.DATE,
    "DOUBLE": sqltypes.DOUBLE,
    "FLOAT": sqltypes.REAL,
    "HUGEINT": datatypes.HugeInteger,
    "INTEGER": sqltypes.INTEGER,
    "INTERVAL": postgresql.INTERVAL,
    "JSON": sqltypes.JSON,
    "SMALLINT": sqltypes.SMALLINT,
    "TIME": sqltypes.TIME,
    "TIMESTAMP": sqltypes.TIMESTAMP,
    "TINYINT": datatypes.TinyInteger,
    "UBIGINT": datatypes.UBigInteger,
    "UHUGEINT": datatypes.UHugeInteger,
    "UINTEGER": datatypes.UInteger,
    "USMALLINT": datatypes.USmallInteger,
    "UTINYINT": datatypes.UTinyInteger,
    "UUID": sqltypes.UUID,
    "VARCHAR": sqltypes.VARCHAR,
}


def resolve_type(name: str) -> Type:
    """Return the SQLAlchemy type for a ``duckdb_columns().data_type``."""
    if name in _PLAIN:
        return _PLAIN[name]()
    if name == "TIMESTAMP WITH TIME ZONE":
        return sqltypes.TIMESTAMP(timezone=True)
    if name == "TIME WITH TIME ZONE":
        return sqltypes.TIME(timezone=True)
    if name.endswith("[]"):
        return _array(name)
    head, parenthesis, inside = name.partition("(")
    if parenthesis and inside.endswith(")"):
        return _parametrised(head, inside[:-1]) or UnknownType(name)
    return UnknownType(name)


def _array(name: str) -> Type:
    item = name
    while item.endswith("[]"):
        item = item[:-2]
    if item.endswith("]"):
        return UnknownType(name)
    return sqltypes.ARRAY(resolve_type(item), dimensions=(len(name) - len(item)) // 2)


def _parametrised(head: str, inside: str) -> Type | None:
    if head == "DECIMAL":
        precision, scale = inside.split(",")
        return sqltypes.DECIMAL(int(precision), int(scale))
    if head == "ENUM":
        return sqltypes.Enum(*(label[1:-1].replace("''", "'") for label in split_at_commas(inside)))
    if head == "MAP":
        key, value = split_at_commas(inside)
        return datatypes.Map(resolve_type(key), resolve_type(value))
    if head in ("STRUCT", "UNION"):
        composite = datatypes.Struct if head == "STRUCT" else datatypes.Union
        return composite(dict(map(_field, split_at_commas(inside))))
    return None


def _field(text: str) -> tuple[str, Type]:
    match = _FIELD.fullmatch(text)
    assert match is not None
    name = match["name"]
    if name.startswith('"'):
        name = name[1:-1].replace('""', '"')
    return name, resolve_type(match["type"])
