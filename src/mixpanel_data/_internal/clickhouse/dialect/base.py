"""The dialect itself: clickhouse-connect's, with our compilers and the settings of each request."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from clickhouse_connect import dbapi
from clickhouse_connect.cc_sqlalchemy.dialect import ClickHouseDialect as BaseDialect
from clickhouse_connect.driver.binding import finalize_query
from sqlalchemy.engine.interfaces import BindTyping

from mixpanel_data._internal import json_text
from mixpanel_data._internal.clickhouse.dialect import json_get, types
from mixpanel_data._internal.clickhouse.dialect.compiler import SQLCompiler
from mixpanel_data._internal.clickhouse.dialect.ddl import DDLCompiler

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

# Sent with every request: behind a load balancer there are no sessions.
SETTINGS: dict[str, Any] = {
    # Without these, NULL would be the zero of its type: '', 0, 1970-01-01.
    "join_use_nulls": 1,
    "aggregate_functions_null_for_empty": 1,
    "group_by_use_nulls": 1,
    "cast_keep_nullable": 1,
    # A column's name means the column, whatever label a select gives.
    "prefer_column_name_to_alias": 1,
    "use_variant_as_common_type": 0,
    "enable_extended_results_for_datetime_functions": 1,
    "precise_float_parsing": 1,
    "enable_materialized_cte": 1,
    # Ids that are one person's may be on several shards: "local" would not join them.
    "distributed_product_mode": "global",
}


class ClickHouseDialect(BaseDialect):
    """ClickHouse for Core statements that DuckDB runs as well."""

    driver = "mixpanel_data"
    statement_compiler = SQLCompiler
    ddl_compiler = DDLCompiler
    type_compiler_cls = types.TypeCompiler
    colspecs = types.COLSPECS
    bind_typing = BindTyping.RENDER_CASTS
    # A key of a document is part of the text.
    supports_statement_cache = False
    div_is_floordiv = False
    # Each round of a recursion reads the tables anew.
    recursive_rounds = 0

    def __init__(
        self, json_serializer: Any = None, json_deserializer: Any = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self.type_compiler_instance = self.type_compiler = types.TypeCompiler(self)
        self._json_serializer = json_serializer or types.json_text_of
        self._json_deserializer = json_deserializer or json_text.decode

    @classmethod
    def import_dbapi(cls) -> Any:
        return dbapi

    dbapi = import_dbapi

    def property_sql(self, name: str) -> str:
        """Return the SQL that reads a property's text."""
        return json_get.plain_text("properties", [name])

    def create_connect_args(self, url: URL) -> Any:
        words, options = super().create_connect_args(url)
        for name, value in SETTINGS.items():
            options.setdefault(f"ch_{name}", value)
        if options.get("interface") != "chdb":
            # One request at a time is all that a session allows.
            options.setdefault("autogenerate_session_id", False)
        return words, options

    def do_execute(self, cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
        if parameters:
            # Put in here: the driver would take {a:b} in a text for a parameter of the server's.
            statement = finalize_query(statement, _sent(parameters)).replace("%", "%%")
        super().do_execute(cursor, statement, None, context)
        compiled = getattr(context, "compiled", None)
        if compiled is not None and compiled.statement.is_select and not cursor.description:
            # An empty answer has no columns: the driver asks for them, and ignores a failure.
            raise dbapi.OperationalError("The server is gone, and with it the answer's columns")

    def do_executemany(
        self, cursor: Any, statement: str, parameters: Any, context: Any = None
    ) -> None:
        rows = [
            {name: _aware(value) for name, value in row.items()} if isinstance(row, dict) else row
            for row in parameters
        ]
        super().do_executemany(cursor, statement, rows, context)


def _sent(parameters: Any) -> Any:
    """Return parameters with their times as text, of which the driver would lose microseconds."""
    if isinstance(parameters, dict):
        return {name: types.time_text(value) for name, value in parameters.items()}
    return tuple(types.time_text(value) for value in parameters)


def _aware(value: Any) -> Any:
    # A naive time would be one of this process's own zone to the driver.
    naive = isinstance(value, datetime) and value.tzinfo is None
    return value.replace(tzinfo=timezone.utc) if naive else value
