"""What Alembic needs to know of DuckDB; importing this module registers it.

Only what has to do with migrations imports it, so that the library loads Alembic for nothing else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from alembic.ddl.base import (
    ColumnComment,
    ColumnNullable,
    ColumnType,
    alter_column,
    alter_table,
    format_column_name,
    format_table_name,
    format_type,
)
from alembic.ddl.impl import DefaultImpl
from sqlalchemy.ext.compiler import compiles

from mixpanel_data._internal.duckdb.dialect.compiler import implicit_sequence

if TYPE_CHECKING:
    from alembic.operations.batch import ApplyBatchImpl, BatchOperationsImpl

__all__ = ["DuckDBImpl"]


_CANNOT_ALTER = re.compile(
    r"depends? on it|UNIQUE or PRIMARY KEY|No support for|not (yet )?supported"
)
_REBUILD = (
    "DuckDB cannot alter this table so. Use op.rebuild_table(name), of mixpanel_data.alembic, or"
    " op.batch_alter_table(name), which configure(render_as_batch=True) writes."
)
# What DuckDB does to any table.
_ALWAYS_ALTERED = {"create_index", "drop_index", "create_table_comment", "drop_table_comment"}


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

    def add_column(
        self, table_name: str, column: sa.Column[Any], *, schema: str | None = None, **options: Any
    ) -> None:
        """Add a column, and NOT NULL after it: DuckDB before 2.0 adds none that has it."""
        nullable, column.nullable = column.nullable, True
        try:
            super().add_column(table_name, column, schema=schema, **options)
        finally:
            column.nullable = nullable
        if not nullable:
            self._exec(ColumnNullable(table_name, column.name, False, schema=schema))

    def alter_column(
        self,
        table_name: str,
        column_name: str,
        *,
        type_: sa.types.TypeEngine[Any] | None = None,
        schema: str | None = None,
        **options: Any,
    ) -> None:
        """Alter a column; ``duckdb_using`` is the SQL of its values in a new type."""
        using = options.pop("duckdb_using", options.pop("postgresql_using", None))
        if type_ is not None:
            self._exec(_TypeUsing(table_name, column_name, type_, schema=schema, using=using))
        super().alter_column(table_name, column_name, schema=schema, **options)

    def _exec(self, construct: Any, *arguments: Any, **options: Any) -> Any:
        try:
            return super()._exec(construct, *arguments, **options)
        except sa.exc.DBAPIError as error:
            if _CANNOT_ALTER.search(str(error.orig)):
                error.add_detail(_REBUILD)
            raise

    def requires_recreate_in_batch(self, batch_op: BatchOperationsImpl) -> bool:
        """Return whether a table is copied to change it: DuckDB alters none with an index."""
        return any(
            operation not in _ALWAYS_ALTERED
            and not (operation == "add_column" and arguments[1].nullable)
            for operation, arguments, _ in batch_op.batch
        )

    def prep_table_for_batch(self, batch_impl: ApplyBatchImpl, table: sa.Table) -> None:
        """Keep what a table that is copied would lose: its comment, and how rows are numbered."""
        copy = batch_impl.new_table
        assert copy is not None
        copy.comment = table.comment
        for column in list(table.columns):
            sequence = implicit_sequence(column)
            if sequence is not None:
                # Named, it neither goes with the old table nor starts anew with the copy.
                column.server_default = sa.DefaultClause(sequence.next_value())
                if column.name in copy.columns:
                    copy.columns[column.name].server_default = column.server_default
            if column.computed is not None and column.name in batch_impl.column_transfers:
                batch_impl.column_transfers[column.name].pop("expr", None)

    def compare_server_default(
        self, there: sa.Column[Any], wanted: sa.Column[Any], _: object, default: str | None
    ) -> bool:
        """Return whether two defaults differ, both as DuckDB writes the same expression."""
        compiler: Any = self.dialect.ddl_compiler(self.dialect, None)  # type: ignore[arg-type]
        text = compiler.get_column_default_string(wanted)
        return implicit_sequence(wanted) is None and self._written(text) != self._written(default)

    def _written(self, expression: str | None) -> str | None:
        if expression is None:
            return None
        parsed = self._ask(sa.func.json_serialize_sql(f"SELECT {expression}"))
        if '"error":true' in parsed:
            return expression
        written = self._ask(sa.func.json_deserialize_sql(parsed)).removeprefix("SELECT ")
        # A number is the same with and without quotes, in a column of its type.
        return written[1:-1] if written.startswith("'") else written

    def _ask(self, value: sa.ColumnElement[Any]) -> str:
        assert self.connection is not None
        return str(self.connection.scalar(sa.select(sa.cast(value, sa.String))))

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


class _TypeUsing(ColumnType):
    def __init__(self, *arguments: Any, using: str | None, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.using = using


@compiles(_TypeUsing)
def _alter_type(element: _TypeUsing, compiler: Any, **_: Any) -> str:
    words = [
        alter_table(compiler, element.table_name, element.schema),
        alter_column(compiler, element.column_name),
        f"TYPE {format_type(compiler, element.type_)}",
        f"USING {element.using}" if element.using else "",
    ]
    return " ".join(filter(None, words))


@compiles(ColumnComment, "duckdb")
def _comment_on(element: ColumnComment, compiler: Any, **_: Any) -> str:
    table = format_table_name(compiler, element.table_name, element.schema)
    column = f"{table}.{format_column_name(compiler, element.column_name)}"
    literal = compiler.sql_compiler.render_literal_value
    text = "NULL" if element.comment is None else literal(element.comment, sa.String())
    return f"COMMENT ON COLUMN {column} IS {text}"
