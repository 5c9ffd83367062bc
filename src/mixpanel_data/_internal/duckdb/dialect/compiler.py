"""SQLAlchemy's constructs in DuckDB's spelling, where PostgreSQL's is not understood."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import exc, util
from sqlalchemy import types as sqltypes
from sqlalchemy.dialects.postgresql import base

if TYPE_CHECKING:
    from sqlalchemy.sql.ddl import CreateTable, DropTable
    from sqlalchemy.sql.elements import BinaryExpression


def implicit_sequence(column: sa.Column[Any]) -> sa.Sequence | None:
    """Return the sequence that numbers the column's rows, if the database numbers them.

    DuckDB has neither SERIAL nor IDENTITY columns. A column of no table, as in Alembic's
    operations, has no sequence.
    """
    table = getattr(column, "table", None)
    if table is None:
        return None
    name = f"{table.name}_{column.name}_seq"
    if column.identity is not None:
        options = {key: getattr(column.identity, key) for key in _IDENTITY_OPTIONS}
        return sa.Sequence(name, schema=table.schema, **options)
    if column is not table.autoincrement_column or column.server_default is not None:
        return None
    if isinstance(column.default, sa.Sequence) and column.default.optional:
        return sa.Sequence(name, schema=table.schema)
    return sa.Sequence(name, schema=table.schema) if column.default is None else None


_IDENTITY_OPTIONS = ("start", "increment", "minvalue", "maxvalue", "cycle")


def is_temporary(table: sa.Table) -> bool:
    """Return whether the table is made by CREATE TEMPORARY TABLE, with or without a query."""
    with_query = getattr(table, "_creator_ddl", None)
    return bool(getattr(with_query, "temporary", False)) or any(
        "TEMP" in str(prefix).upper() for prefix in table._prefixes
    )


class SQLCompiler(base.PGCompiler):
    """Statements."""

    def construct_params(self, params: Any = None, *args: Any, **options: Any) -> Any:
        # One of many rows mostly names all parameters itself, and needs no copy.
        if params and self._names_of_rows and self._names_of_rows <= params.keys():
            return params
        return super().construct_params(params, *args, **options)

    @util.memoized_property
    def _names_of_rows(self) -> frozenset[str]:
        """Return the parameters of an executemany, if its rows have to bring them all."""
        generated = self.insert_prefetch or self.update_prefetch or self.escaped_bind_names
        if not self.for_executemany or generated:
            return frozenset()
        given = all(bind.required and bind.key == name for bind, name in self.bind_names.items())
        return frozenset(self.bind_names.values() if given else ())

    def for_update_clause(self, select: Any, **kw: Any) -> str:
        raise exc.CompileError(
            "DuckDB cannot lock rows: leave out with_for_update(). Of two transactions that change"
            " the same row, the later fails with a conflict; catch that and run it again."
        )

    def visit_json_getitem_op_binary(
        self, binary: BinaryExpression[Any], operator: Any, **kw: Any
    ) -> str:
        return self._json_extract(binary, **kw)

    def visit_json_path_getitem_op_binary(
        self, binary: BinaryExpression[Any], operator: Any, **kw: Any
    ) -> str:
        return self._json_extract(binary, **kw)

    def _json_extract(self, binary: BinaryExpression[Any], **kw: Any) -> str:
        # A key is a name: as a parameter, equal expressions in SELECT and GROUP BY would differ.
        # (Rows of an executemany share one text; their keys stay parameters.)
        inline = isinstance(binary.right, sa.BindParameter) and not self.for_executemany
        key = self.process(binary.right, **{**kw, **({"literal_execute": True} if inline else {})})
        arguments = f"{self.process(binary.left, **kw)}, {key}"
        wanted = binary.type
        if isinstance(wanted, sqltypes.JSON):
            return f"json_extract({arguments})"
        text = f"json_extract_string({arguments})"
        if isinstance(wanted, sqltypes.String):
            return text
        # JSON's integers are not limited to the 32 bits of an INTEGER.
        cast = "BIGINT" if type(wanted) is sqltypes.Integer else self._type(wanted)
        return f"CAST({text} AS {cast})"

    def _type(self, type_: sqltypes.TypeEngine[Any]) -> str:
        return str(self.dialect.type_compiler_instance.process(type_))

    def visit_bitwise_xor_op_binary(
        self, binary: BinaryExpression[Any], operator: Any, **kw: Any
    ) -> str:
        return f"xor({self.process(binary.left, **kw)}, {self.process(binary.right, **kw)})"

    def visit_regexp_match_op_binary(
        self, binary: BinaryExpression[Any], operator: Any, **kw: Any
    ) -> str:
        return self._regexp("regexp_matches", binary, **kw)

    def visit_not_regexp_match_op_binary(
        self, binary: BinaryExpression[Any], operator: Any, **kw: Any
    ) -> str:
        return f"NOT {self._regexp('regexp_matches', binary, **kw)}"

    def visit_regexp_replace_op_binary(
        self, binary: BinaryExpression[Any], operator: Any, **kw: Any
    ) -> str:
        return self._regexp("regexp_replace", binary, **kw)

    def _regexp(self, function: str, binary: BinaryExpression[Any], **kw: Any) -> str:
        arguments = [self.process(binary.left, **kw), self.process(binary.right, **kw)]
        flags = (binary.modifiers or {}).get("flags")
        if flags is not None:
            arguments.append(self.render_literal_value(flags, sqltypes.STRINGTYPE))
        return f"{function}({', '.join(arguments)})"


class DDLCompiler(base.PGDDLCompiler):
    """Tables, whose numbered columns take their numbers from sequences of their own."""

    def visit_create_table(self, create: CreateTable, **kw: Any) -> str:
        table = create.element
        temporary = "TEMPORARY " if is_temporary(table) else ""
        sequences = [
            f"CREATE {temporary}SEQUENCE IF NOT EXISTS {self.preparer.format_sequence(sequence)}"
            f"{self._options(sequence)};"
            for column in table.columns
            if (sequence := implicit_sequence(column)) is not None
        ]
        return "\n".join([*sequences, super().visit_create_table(create, **kw)])

    def visit_drop_table(self, drop: DropTable, **kw: Any) -> str:
        sequences = [
            f"DROP SEQUENCE IF EXISTS {self.preparer.format_sequence(sequence)}"
            for column in drop.element.columns
            if (sequence := implicit_sequence(column)) is not None
        ]
        return ";".join([super().visit_drop_table(drop, **kw), *sequences])

    def _options(self, sequence: sa.Sequence) -> str:
        options = self.get_identity_options(sequence)
        return f" {options}" if options else ""

    def get_column_specification(self, column: sa.Column[Any], **kw: Any) -> str:
        type_ = self.dialect.type_compiler_instance.process(
            column.type, type_expression=column, identifier_preparer=self.preparer
        )
        words = [self.preparer.format_column(column), type_]
        default = self.get_column_default_string(column)
        if default is not None:
            words.append(f"DEFAULT {default}")
        if column.computed is not None:
            words.append(self.process(column.computed))
        if not column.nullable:
            words.append("NOT NULL")
        return " ".join(words)

    def get_column_default_string(self, column: sa.Column[Any]) -> str | None:
        sequence = implicit_sequence(column)
        if sequence is None:
            return super().get_column_default_string(column)
        name = self.sql_compiler.render_literal_value(
            self.preparer.format_sequence(sequence), sqltypes.STRINGTYPE
        )
        return f"nextval({name})"

    def visit_computed_column(self, generated: sa.Computed, **kw: Any) -> str:
        if generated.persisted:
            raise exc.CompileError("DuckDB computes generated columns on reading: persisted=False")
        expression = self.sql_compiler.process(
            generated.sqltext, include_table=False, literal_binds=True
        )
        return f"GENERATED ALWAYS AS ({expression}) VIRTUAL"


class TypeCompiler(base.PGTypeCompiler):
    """Types."""

    def visit_FLOAT(self, type_: sa.Float[Any], **kw: Any) -> str:
        # DuckDB's FLOAT has 4 bytes.
        return "DOUBLE"

    def visit_NUMERIC(self, type_: sa.Numeric[Any], **kw: Any) -> str:
        # DuckDB's own default would keep 3 decimals.
        if type_.precision is None:
            return "DECIMAL(38, 10)"
        return f"DECIMAL({type_.precision}, {type_.scale or 0})"

    def visit_DECIMAL(self, type_: sa.DECIMAL[Any], **kw: Any) -> str:
        return self.visit_NUMERIC(type_, **kw)

    def visit_JSONB(self, type_: Any, **kw: Any) -> str:
        return "JSON"

    def visit_ENUM(self, type_: sa.Enum, **kw: Any) -> str:
        labels = ", ".join("'" + label.replace("'", "''") + "'" for label in type_.enums)
        return f"ENUM({labels})"

    def visit_INTERVAL(self, type_: Any, **kw: Any) -> str:
        return "INTERVAL"

    def visit_TIME(self, type_: sa.Time, **kw: Any) -> str:
        return "TIME WITH TIME ZONE" if type_.timezone else "TIME"

    def visit_TIMESTAMP(self, type_: sa.DateTime, **kw: Any) -> str:
        return "TIMESTAMP WITH TIME ZONE" if type_.timezone else "TIMESTAMP"
