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
        """Return whether the types differ in the database: by what DuckDB would call them."""
        found, wanted = (
            _stored_as(str(column.type.compile(dialect=self.dialect)))
            for column in (inspector_column, metadata_column)
        )
        return found != wanted

    def correct_for_autogen_constraints(
        self,
        conn_unique_constraints: set[sa.UniqueConstraint],
        conn_indexes: set[sa.Index],
        metadata_unique_constraints: set[sa.UniqueConstraint],
        metadata_indexes: set[sa.Index],
    ) -> None:
        """Match unique constraints by their columns: DuckDB forgets the names they are given."""
        there = {_names(constraint): constraint for constraint in conn_unique_constraints}
        for wanted in list(metadata_unique_constraints):
            found = there.get(_names(wanted))
            if found is not None:
                metadata_unique_constraints.discard(wanted)
                conn_unique_constraints.discard(found)


def _names(constraint: sa.UniqueConstraint) -> tuple[str, ...]:
    return tuple(column.name for column in constraint.columns)


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
