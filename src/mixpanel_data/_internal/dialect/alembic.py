"""What Alembic needs to know of DuckDB; importing this module registers it.

Only a migration environment imports it, so that the library never loads Alembic otherwise.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic.ddl.impl import DefaultImpl

__all__ = ["DuckDBImpl"]


class DuckDBImpl(DefaultImpl):
    """DuckDB's DDL is transactional: a migration that fails leaves nothing behind."""

    __dialect__ = "duckdb"
    transactional_ddl = True

    def compare_type(
        self, inspector_column: sa.Column[Any], metadata_column: sa.Column[Any]
    ) -> bool:
        """Say whether the types differ in the database: by what DuckDB would call them."""
        found, wanted = (
            _stored_as(str(column.type.compile(dialect=self.dialect)))
            for column in (inspector_column, metadata_column)
        )
        return found != wanted


# What DuckDB keeps a declared type as.
_ALIASES = {
    "BYTEA": "BLOB",
    "DOUBLE PRECISION": "DOUBLE",
    "FLOAT": "DOUBLE",
    "INT": "INTEGER",
    "TEXT": "VARCHAR",
    "TIMESTAMP WITHOUT TIME ZONE": "TIMESTAMP",
}


def _stored_as(declared: str) -> str:
    # DuckDB drops the length of a VARCHAR.
    name = "VARCHAR" if declared.startswith(("VARCHAR", "CHAR")) else declared
    return _ALIASES.get(name, name)
