"""The dialect: duckdb-engine's, corrected where it fails or misleads."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import uuid4

import duckdb
from sqlalchemy import exc, pool, schema, util
from sqlalchemy import types as sqltypes
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql.base import PGExecutionContext
from sqlalchemy.engine.default import DefaultDialect, DefaultExecutionContext
from sqlalchemy.engine.reflection import Inspector

from mixpanel_data._internal import json_text
from mixpanel_data._internal.duckdb.dialect import types
from mixpanel_data._internal.duckdb.dialect.bulk_insert import execute_columnar
from mixpanel_data._internal.duckdb.dialect.compiler import (
    DDLCompiler,
    SQLCompiler,
    TypeCompiler,
    implicit_sequence,
    is_temporary,
)
from mixpanel_data._internal.duckdb.dialect.connect import open_database
from mixpanel_data._internal.duckdb.dialect.dbapi import Connection
from mixpanel_data._internal.duckdb.dialect.orm_insert import listen_if_loaded
from mixpanel_data._internal.duckdb.dialect.preparer import IdentifierPreparer
from mixpanel_data._internal.duckdb.dialect.reflection import Reflection
from mixpanel_data._internal.duckdb.dialect.search_path import before_statement
from mixpanel_data._internal.duckdb.dialect.stock import duckdb_engine

if TYPE_CHECKING:
    import sqlalchemy as sa
    from sqlalchemy.engine import URL


def _register() -> None:
    """Let Alembic and the ORM know this dialect, where they are loaded."""
    listen_if_loaded()
    if "alembic.ddl" in sys.modules:
        # By its name: what a migration leaves out is above the dialect.
        importlib.import_module("mixpanel_data.alembic")


class ExecutionContext(PGExecutionContext):
    """Numbers rows from the sequences that the DDL compiler makes, and notes temporary tables."""

    def get_insert_default(self, column: sa.Column[Any]) -> Any:
        sequence = implicit_sequence(column) if column.primary_key else None
        if sequence is not None:
            return self.fire_sequence(sequence, column.type)
        return DefaultExecutionContext.get_insert_default(self, column)

    def pre_exec(self) -> None:
        super().pre_exec()
        before_statement(self.cursor.connection.raw, self.statement, ddl=self.isddl)

    def post_exec(self) -> None:
        table = getattr(self.compiled.statement, "element", None) if self.compiled else None
        if self.isddl and isinstance(table, schema.Table) and is_temporary(table):
            self.cursor.connection.temporary_tables.add(table.name.lower())


class Dialect(Reflection, duckdb_engine.Dialect):
    """``duckdb+mixpanel_data://``."""

    name = "duckdb"
    driver = "mixpanel_data"
    supports_statement_cache = True
    supports_native_decimal = True
    supports_identity_columns = False
    supports_constraint_comments = False
    supports_sane_rowcount = True
    supports_sane_rowcount_returning = False
    supports_sane_multi_rowcount = True
    # Many rows without RETURNING go through do_executemany(), as Arrow.
    use_insertmanyvalues_wo_returning = False
    _backslash_escapes = False

    inspector = Inspector
    preparer = IdentifierPreparer
    statement_compiler = SQLCompiler
    ddl_compiler = DDLCompiler
    type_compiler_cls = TypeCompiler
    execution_ctx_cls = ExecutionContext

    colspecs: ClassVar[dict[Any, Any]] = util.update_copy(
        duckdb_engine.Dialect.colspecs,
        {
            sqltypes.DateTime: types.Timestamp,
            sqltypes.Enum: sqltypes.Enum,
            sqltypes.Float: sqltypes.Float,
            sqltypes.JSON: sqltypes.JSON,
            sqltypes.JSON.JSONIndexType: types.JSONIndexType,
            sqltypes.JSON.JSONIntIndexType: types.JSONIntIndexType,
            sqltypes.JSON.JSONStrIndexType: types.JSONStrIndexType,
            sqltypes.JSON.JSONPathType: types.JSONPathType,
            sqltypes.Interval: types.Interval,
            sqltypes.Numeric: types.Numeric,
            postgresql.INTERVAL: types.Interval,
        },
    )

    @classmethod
    def engine_created(cls, engine: sa.Engine) -> None:
        _register()

    # create_engine() looks for arguments by position.
    def __init__(self, starts_in_main: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self._starts_in_main = starts_in_main
        # Without these, JSON would lose NaN and keys that are no text, and be slow.
        self._json_serializer = self._json_serializer or types.json_text_of
        self._json_deserializer = self._json_deserializer or json_text.decode

    @classmethod
    def get_pool_class(cls, url: URL) -> type[pool.Pool]:
        return pool.QueuePool

    def create_connect_args(self, url: URL) -> tuple[tuple[()], dict[str, Any]]:
        database = url.database
        if database in (None, "", ":memory:"):
            # Unnamed, each pooled connection would have a database of its own.
            database = f":memory:{uuid4().hex}"
        return (), {"database": database, "url_config": dict(url.query)}

    def connect(self, *cargs: Any, **cparams: Any) -> Connection:
        config = {**cparams.pop("config", {}), **cparams.pop("url_config", {})}
        extensions = cparams.pop("preload_extensions", ())
        filesystems = cparams.pop("register_filesystems", ())
        raw = open_database(*cargs, config=config, **cparams)
        for extension in extensions:
            raw.load_extension(extension)
        for filesystem in filesystems:
            raw.register_filesystem(filesystem)
        _register()
        return Connection(raw)

    def type_descriptor(self, typeobj: sqltypes.TypeEngine[Any]) -> Any:
        # Not duckdb-engine's, which makes values of JSON whose type nobody named: polars and the
        # like would take their keys from the first rows.
        return DefaultDialect.type_descriptor(self, typeobj)

    def get_driver_connection(self, connection: Connection) -> duckdb.DuckDBPyConnection:
        return connection.idle_driver_connection

    def is_disconnect(self, e: Exception, connection: Any, cursor: Any) -> bool:
        """Return whether no connection to this database can be used any more."""
        return isinstance(e, duckdb.FatalException) or bool(getattr(connection, "closed", False))

    def _get_default_schema_name(self, connection: sa.Connection) -> str:
        # Listeners of others may have set another one. Every opening of a file comes here.
        if self._starts_in_main:
            return "main"
        session: Any = connection.connection.dbapi_connection
        return str(session.raw.execute("SELECT system.main.current_schema()").fetchone()[0])

    def _get_server_version_info(self, connection: sa.Connection) -> tuple[int, ...]:
        return tuple(int(part) for part in duckdb.__version__.split(".")[:3] if part.isdigit())

    def do_begin(self, dbapi_connection: Any) -> None:
        dbapi_connection.begin()

    def do_rollback(self, dbapi_connection: Any) -> None:
        DefaultDialect.do_rollback(self, dbapi_connection)

    def get_isolation_level_values(self, dbapi_connection: Any) -> list[str]:
        return ["SNAPSHOT", "AUTOCOMMIT"]

    def get_default_isolation_level(self, dbapi_connection: Any) -> str:
        return "SNAPSHOT"

    def get_isolation_level(self, dbapi_connection: Any) -> str:
        return "AUTOCOMMIT" if dbapi_connection.autocommit else "SNAPSHOT"

    def set_isolation_level(self, dbapi_connection: Any, level: str) -> None:
        dbapi_connection.autocommit = level == "AUTOCOMMIT"

    def do_savepoint(self, connection: sa.Connection, name: str) -> None:
        raise exc.NotSupportedError(
            "SAVEPOINT",
            None,
            duckdb.NotSupportedError(
                "DuckDB has no savepoints, so a transaction cannot be nested: use begin() once"
                " around all of the work, or separate transactions for its parts"
            ),
        )

    def do_executemany(
        self, cursor: Any, statement: str, parameters: Any, context: Any = None
    ) -> None:
        compiled = getattr(context, "compiled", None)
        table = getattr(compiled and compiled.compile_state, "dml_table", None)
        if table is None or not execute_columnar(cursor, statement, parameters, table):
            cursor.executemany(statement, parameters)
