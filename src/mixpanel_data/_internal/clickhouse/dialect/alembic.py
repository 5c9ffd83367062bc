"""What Alembic needs to know of ClickHouse; importing this module registers it.

Its DDL is not transactional: a revision that fails leaves what it had done, and is run again.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic.ddl.impl import DefaultImpl
from clickhouse_connect.cc_sqlalchemy.alembic.impl import ClickHouseImpl as BaseImpl
from clickhouse_connect.cc_sqlalchemy.sql import full_table
from clickhouse_connect.cc_sqlalchemy.sql.ddlcompiler import column_specification


class ClickHouseImpl(BaseImpl):
    """Changes of tables whose columns have SQLAlchemy's own types."""

    __dialect__ = "clickhousedb"
    # Declared types that are stored as the same one.
    type_synonyms = (
        *DefaultImpl.type_synonyms,
        {"STRING", "VARCHAR", "TEXT", "JSON"},
        {"INT32", "INTEGER"},
        {"INT64", "BIGINT"},
        {"DATE32", "DATE"},
        {"DATETIME64", "TIMESTAMP", "DATETIME"},
        {"FLOAT64", "DOUBLE", "FLOAT"},
    )

    def alter_column(
        self,
        table_name: str,
        column_name: str,
        *,
        type_: Any = None,
        nullable: bool | None = None,
        existing_type: Any = None,
        existing_nullable: bool | None = None,
        schema: str | None = None,
        **options: Any,
    ) -> None:
        """Alter a column; what is not said of NULL stays as it is."""
        wanted = existing_type if type_ is None else type_
        if type_ is not None or nullable is not None:
            if nullable is None:
                nullable = self._is_nullable(table_name, column_name, schema, existing_nullable)
            column = sa.Column(column_name, wanted, nullable=nullable)
            words = ["ALTER TABLE", full_table(table_name, schema), "MODIFY COLUMN"]
            self._exec(sa.text(" ".join([*words, column_specification(self.dialect, column)])))
        super().alter_column(table_name, column_name, schema=schema, **options)

    def _is_nullable(
        self, table: str, column: str, schema: str | None, existing: bool | None
    ) -> bool:
        if existing is not None or self.connection is None:
            return existing is not False
        columns = sa.inspect(self.connection).get_columns(table, schema=schema)
        return any(there["nullable"] for there in columns if there["name"] == column)
