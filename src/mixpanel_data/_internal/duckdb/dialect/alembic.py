"""What Alembic needs to know of DuckDB; importing this module registers it.

Only a migration environment imports it, so that the library never loads Alembic otherwise.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic.ddl.impl import DefaultImpl

__all__ = ["DuckDBImpl"]


class DuckDBImpl(DefaultImpl):
    """DuckDB's DDL is transactional: a migration that fails changes nothing."""

    __dialect__ = "duckdb"
    transactional_ddl = True
    # Declared types that DuckDB stores as the same one.
    type_synonyms = (
        *DefaultImpl.type_synonyms,
        {"BYTEA", "BLOB"},
        {"DOUBLE", "DOUBLE PRECISION", "FLOAT"},
        {"INT", "INTEGER"},
        {"TEXT", "VARCHAR", "CHAR"},
        {"TIMESTAMP", "TIMESTAMP WITHOUT TIME ZONE"},
    )

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
