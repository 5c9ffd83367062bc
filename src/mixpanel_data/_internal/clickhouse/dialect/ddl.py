"""Tables: MergeTree, with NULL where a column allows it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from clickhouse_connect.cc_sqlalchemy.ddl.tableengine import MergeTree
from clickhouse_connect.cc_sqlalchemy.sql.ddlcompiler import ChDDLCompiler, ClickHouseDDLHelper
from sqlalchemy import exc


class DDLCompiler(ChDDLCompiler):
    """CREATE and ALTER TABLE."""

    def visit_create_table(self, create: Any, **kw: Any) -> str:
        table = create.element
        if any("TEMP" in str(prefix).upper() for prefix in table._prefixes):
            raise exc.CompileError("ClickHouse keeps temporary tables within a session: make none")
        named = ClickHouseDDLHelper.get_option(table, "engine")
        if getattr(table, "engine", None) is None and named is None:
            key = [column.name for column in table.primary_key.columns]
            table = table.to_metadata(sa.MetaData(), name=table.name)
            MergeTree(order_by=tuple(key) or "tuple()")._set_parent(table)
            create = sa.schema.CreateTable(table, if_not_exists=create.if_not_exists)
        return str(super().visit_create_table(create, **kw))

    def get_column_specification(self, column: sa.Column[Any], **kw: Any) -> str:
        text = str(super().get_column_specification(column, **kw))
        plain = self.dialect.type_compiler_instance.process(column.type)
        if not column.nullable or column.primary_key or not _may_be_null(plain):
            return text
        return text.replace(f" {plain}", f" Nullable({plain})", 1)


def _may_be_null(type_: str) -> bool:
    return not type_.startswith(("Nullable(", "Array(", "Map(", "Tuple(", "LowCardinality("))
