"""What a database holds, as SQLAlchemy's Inspector asks for it."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import exc
from sqlalchemy.engine.reflection import ObjectKind, ObjectScope, ReflectionDefaults, cache

from mixpanel_data._internal.duckdb.dialect import system_catalog
from mixpanel_data._internal.duckdb.dialect.ischema import resolve_type
from mixpanel_data._internal.duckdb.dialect.preparer import NAME, qualified, split_schema, unquoted
from mixpanel_data._internal.duckdb.dialect.search_path import home
from mixpanel_data._internal.duckdb.dialect.sqlparse import outer_parentheses
from mixpanel_data._internal.duckdb.dialect.system_catalog import TEMPORARY, Place
from mixpanel_data._internal.sql_result import distinct_names

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    import sqlalchemy as sa
    from sqlalchemy.engine import Connection

    Key = tuple[str | None, str]
    Rows = Sequence[sa.Row[Any]]

_VIEW = re.compile(
    rf"CREATE (?:TEMP )?VIEW (?:{NAME}\.)*{NAME}(?: \({NAME}(?:, {NAME})*\))? AS (.*?);?",
    re.DOTALL,
)

# As DuckDB before 2.0 stores the defaults true and false.
_BOOLEANS = {"CAST('t' AS BOOLEAN)": "true", "CAST('f' AS BOOLEAN)": "false"}


class Reflection:
    """The part of a dialect that answers the Inspector.

    The methods for a single table are inherited: they ask those for many.
    """

    @cache
    def get_schema_names(self, connection: Connection, **kw: Any) -> list[str]:
        """Name the schemas of this database, then those of attached ones, qualified."""
        return [
            qualified(None if current else database, schema)
            for database, schema, current in connection.execute(system_catalog.schemas())
        ]

    @cache
    def has_schema(self, connection: Connection, schema_name: str, **kw: Any) -> bool:
        return schema_name in self.get_schema_names(connection)

    @cache
    def get_table_names(
        self, connection: Connection, schema: str | None = None, **kw: Any
    ) -> list[str]:
        return _names(connection, _place(connection, schema), views=False)

    @cache
    def get_temp_table_names(self, connection: Connection, **kw: Any) -> list[str]:
        return _names(connection, TEMPORARY, views=False)

    @cache
    def get_view_names(
        self, connection: Connection, schema: str | None = None, **kw: Any
    ) -> list[str]:
        return _names(connection, _place(connection, schema), views=True)

    @cache
    def get_temp_view_names(self, connection: Connection, **kw: Any) -> list[str]:
        return _names(connection, TEMPORARY, views=True)

    def get_materialized_view_names(
        self, connection: Connection, schema: str | None = None, **kw: Any
    ) -> list[str]:
        return []

    @cache
    def get_view_definition(
        self, connection: Connection, view_name: str, schema: str | None = None, **kw: Any
    ) -> str:
        for place in _places(connection, schema, ObjectScope.ANY)[::-1]:
            for row in connection.execute(system_catalog.relations(place, [view_name])):
                match = _VIEW.fullmatch(row.sql) if row.is_view else None
                if match is not None:
                    return match[1]
        raise exc.NoSuchTableError(f"{schema}.{view_name}" if schema else view_name)

    @cache
    def has_table(
        self, connection: Connection, table_name: str, schema: str | None = None, **kw: Any
    ) -> bool:
        return dict(self.has_multi_table(connection, [table_name], schema, **kw))[
            (schema, table_name)
        ]

    def has_multi_table(
        self,
        connection: Connection,
        table_names: Sequence[str],
        schema: str | None = None,
        **kw: Any,
    ) -> Iterable[tuple[Key, bool]]:
        def found(place: Place) -> set[str]:
            rows = connection.execute(system_catalog.relations(place, table_names))
            return {row.table_name.lower() for row in rows}

        there = found(_place(connection, schema))
        if schema is None:
            temporary = found(TEMPORARY)
            # Only the Inspector, which means all temporary tables, passes its cache. For the sake
            # of one that SQL text made, create_all() must not skip CREATE TABLE.
            if "info_cache" not in kw:
                session: Any = connection.connection.dbapi_connection
                temporary &= session.temporary_tables
            there |= temporary
        return [((schema, name), name.lower() in there) for name in table_names]

    @cache
    def has_sequence(
        self, connection: Connection, sequence_name: str, schema: str | None = None, **kw: Any
    ) -> bool:
        return sequence_name in self.get_sequence_names(connection, schema)

    @cache
    def get_sequence_names(
        self, connection: Connection, schema: str | None = None, **kw: Any
    ) -> list[str]:
        return list(
            connection.execute(system_catalog.sequences(_place(connection, schema))).scalars()
        )

    @cache
    def get_indexes(
        self, connection: Connection, table_name: str, schema: str | None = None, **kw: Any
    ) -> list[Any]:
        found = self.get_multi_indexes(
            connection, schema, [table_name], ObjectScope.ANY, ObjectKind.ANY
        )
        return self._value_or_raise(found, table_name, schema)  # type: ignore[attr-defined]

    def get_table_options(self, connection: Connection, *args: Any, **kw: Any) -> Any:
        raise NotImplementedError("DuckDB's tables have no options")

    get_multi_table_options = get_table_options

    def get_multi_columns(self, connection: Connection, *args: Any, **kw: Any) -> Any:
        return _multi(connection, system_catalog.columns, _columns, *args, **kw)

    def get_multi_pk_constraint(self, connection: Connection, *args: Any, **kw: Any) -> Any:
        return _multi(connection, _of_kind("PRIMARY KEY"), _primary_key, *args, **kw)

    def get_multi_foreign_keys(
        self, connection: Connection, schema: str | None = None, *args: Any, **kw: Any
    ) -> Any:
        def foreign_keys(rows: Rows) -> list[dict[str, Any]]:
            return [_foreign_key(row, schema) for row in rows]

        return _multi(connection, _of_kind("FOREIGN KEY"), foreign_keys, schema, *args, **kw)

    def get_multi_unique_constraints(self, connection: Connection, *args: Any, **kw: Any) -> Any:
        return _multi(connection, _of_kind("UNIQUE"), _unique_constraints, *args, **kw)

    def get_multi_check_constraints(self, connection: Connection, *args: Any, **kw: Any) -> Any:
        return _multi(connection, _of_kind("CHECK"), _check_constraints, *args, **kw)

    def get_multi_indexes(self, connection: Connection, *args: Any, **kw: Any) -> Any:
        return _multi(connection, system_catalog.indexes, _indexes, *args, **kw)

    def get_multi_table_comment(self, connection: Connection, *args: Any, **kw: Any) -> Any:
        return _multi(connection, system_catalog.relations, _comment, *args, **kw)


def _place(connection: Connection, schema: str | None) -> Place:
    return home(connection) if schema is None else Place(*split_schema(schema))


def _places(connection: Connection, schema: str | None, scope: ObjectScope) -> list[Place]:
    """Return the schemas to look into; a later one's tables hide an earlier one's."""
    places = [_place(connection, schema)] if ObjectScope.DEFAULT in scope else []
    if ObjectScope.TEMPORARY in scope and schema is None:
        places.append(TEMPORARY)
    return places


def _names(connection: Connection, place: Place, *, views: bool) -> list[str]:
    found = connection.execute(system_catalog.relations(place))
    return [row.table_name for row in found if row.is_view is views]


def _of_kind(kind: str) -> Callable[[Place, Collection[str] | None], sa.Select[Any]]:
    return lambda place, names: system_catalog.constraints(place, names, kind)


def _multi(
    connection: Connection,
    query: Callable[[Place, Collection[str] | None], sa.Select[Any]],
    build: Callable[[Rows], Any],
    schema: str | None = None,
    filter_names: Collection[str] | None = None,
    scope: ObjectScope = ObjectScope.DEFAULT,
    kind: ObjectKind = ObjectKind.TABLE,
    **kw: Any,
) -> Iterable[tuple[Key, Any]]:
    """Build each wanted table's answer from its rows of a catalogue query."""
    names = filter_names or None
    asked = {str(name).lower(): name for name in names or ()}
    found = {}
    for place in _places(connection, schema, scope):
        rows = defaultdict(list)
        for row in connection.execute(query(place, names)):
            rows[row.table_name].append(row)
        for table in connection.execute(system_catalog.relations(place, names)):
            if (ObjectKind.VIEW if table.is_view else ObjectKind.TABLE) in kind:
                name = asked.get(table.table_name.lower(), table.table_name)
                found[(schema, name)] = build(rows[table.table_name])
    return found.items()


def _columns(rows: Rows) -> Any:
    return [_column(row) for row in rows] or ReflectionDefaults.columns()


def _column(row: sa.Row[Any]) -> dict[str, Any]:
    column = {
        "name": row.column_name,
        "type": resolve_type(row.data_type),
        "nullable": row.is_nullable,
        "default": _BOOLEANS.get(row.column_default, row.column_default),
        "autoincrement": False,
        "comment": row.comment,
    }
    if _is_computed(row):
        cast = re.fullmatch(rf"CAST\((.+) AS {re.escape(row.data_type)}\)", row.column_default)
        sqltext = _bare(cast[1] if cast else row.column_default)
        column["computed"] = {"sqltext": sqltext, "persisted": False}
        column["default"] = None
    elif row.primary_key == [row.column_name] and _is_implicit_sequence(row):
        column["autoincrement"] = True
        column["default"] = None
    return column


def _is_computed(row: sa.Row[Any]) -> bool:
    """Return whether it is a generated column, which the catalogue shows as one with a default."""
    quoted = '"' + row.column_name.replace('"', '""') + '"'
    return any(
        f"{name} {row.data_type} GENERATED ALWAYS AS(" in (row.table_sql or "")
        for name in (row.column_name, quoted)
    )


def _is_implicit_sequence(row: sa.Row[Any]) -> bool:
    """Return whether the default is the sequence that came with the table."""
    default = re.fullmatch(r"nextval\('(.+)'\)", row.column_default or "")
    name = f"{row.table_name}_{row.column_name}_seq"
    return default is not None and split_schema(default[1].replace("''", "'"))[1] == name


def _primary_key(rows: Rows) -> Any:
    for row in rows:
        return {"name": row.constraint_name, "constrained_columns": row.constraint_column_names}
    return ReflectionDefaults.pk_constraint()


def _foreign_key(row: sa.Row[Any], schema: str | None) -> dict[str, Any]:
    # DuckDB has no foreign keys across schemas.
    return {
        "name": row.constraint_name,
        "constrained_columns": row.constraint_column_names,
        "referred_schema": schema,
        "referred_table": row.referenced_table,
        "referred_columns": row.referenced_column_names,
        "options": {},
    }


def _unique_constraints(rows: Rows) -> Any:
    return [
        {"name": row.constraint_name, "column_names": row.constraint_column_names} for row in rows
    ]


def _check_constraints(rows: Rows) -> Any:
    # DuckDB names two conditions on a column alike, and Alembic would copy the last of them alone.
    names = distinct_names([row.constraint_name for row in rows])
    return [{"name": n, "sqltext": _bare(row.expression)} for n, row in zip(names, rows)]


def _indexes(rows: Rows) -> Any:
    return [_index(row) for row in rows]


def _index(row: sa.Row[Any]) -> dict[str, Any]:
    is_name = [re.fullmatch(NAME, expression) for expression in row.expression_list]
    expressions = [unquoted(e) if m else _bare(e) for e, m in zip(row.expression_list, is_name)]
    index = {
        "name": row.index_name,
        "unique": row.is_unique,
        "column_names": [e if m else None for e, m in zip(expressions, is_name)],
        "dialect_options": {},
    }
    if not all(is_name):
        index["expressions"] = expressions
    return index


def _bare(expression: str) -> str:
    """Take off the parentheses that DuckDB puts around a whole expression."""
    while outer_parentheses(expression) == [(0, len(expression))]:
        expression = expression[1:-1]
    return expression


def _comment(rows: Rows) -> Any:
    return {"text": rows[0].comment}
