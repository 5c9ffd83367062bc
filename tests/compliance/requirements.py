"""What of SQLAlchemy's suite applies to DuckDB: all that DuckDB has, whether or not it passes.

What is not named here is as ``SuiteRequirements`` has it. Of what that leaves closed, DuckDB has
no IDENTITY, savepoints, materialized views, stored generated columns, table options, tables
without columns, FETCH … PERCENT and WITH TIES, ON DELETE and ON UPDATE actions, foreign keys
across schemas or with a repeated column, INCLUDE columns of indexes, and comments on constraints.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.testing import exclusions
from sqlalchemy.testing.requirements import SuiteRequirements

_HAS = [
    # Types and literals
    "array_type",
    "date_historic",
    "datetime_historic",
    "datetime_interval",
    "datetime_literals",
    "datetime_timezone",
    "datetime_timezone_historic",
    "float_or_double_precision_behaves_generically",
    "infinity_floats",
    "json_type",
    "legacy_unconditional_json_extract",
    "nvarchar_types",
    "precision_numerics_many_significant_digits",
    "precision_numerics_retains_significant_digits",
    "time_timezone",
    "timestamp_microseconds",
    "uuid_data_type",
    # Queries
    "ctes",
    "ctes_with_values",
    "except_",
    "fetch_expression",
    "fetch_first",
    "fetch_no_order_by",
    "fetch_offset_with_options",
    "intersect",
    "nullsordering",
    "regexp_match",
    "regexp_replace",
    "supports_bitwise_and",
    "supports_bitwise_not",
    "supports_bitwise_or",
    "supports_bitwise_shift",
    "supports_bitwise_xor",
    "supports_distinct_on",
    "table_value_constructor",
    "tuple_in",
    "window_functions",
    "window_range",
    "window_range_non_numeric",
    "window_range_numeric",
    # Changes
    "ctes_with_update_delete",
    "delete_from",
    "update_from",
    # Transactions
    "autocommit",
    "isolation_level",
    "skip_autocommit_rollback",
    # Definitions
    "computed_columns",
    "computed_columns_virtual",
    "create_or_replace_view",
    "create_table_as",
    "create_temp_table_as",
    "default_schema_name_switch",
    "expression_server_defaults",
    "has_temp_table",
    "index_ddl_if_exists",
    "indexes_with_expressions",
    "percent_schema_names",
    "schema_create_delete",
    "server_defaults",
    "table_ddl_if_exists",
    "temporary_views",
    "unicode_ddl",
    "views",
    # Reflection
    "check_constraint_reflection",
    "column_collation_reflection",
    "comment_reflection",
    "comment_reflection_full_unicode",
    "computed_columns_reflect_persisted",
    "indexes_check_column_order",
    "inline_check_constraint_reflection",
    "reflect_indexes_with_expressions",
    "temp_table_comment_reflection",
    "temp_table_names",
]

# CREATE INDEX takes ASC and DESC, and forgets them.
_LACKS = ["reflect_indexes_with_ascdesc"]


class _Requirements(SuiteRequirements):
    def get_order_by_collation(self, config: Any) -> str:
        return "nocase"


Requirements = type(
    "Requirements",
    (_Requirements,),
    {
        **{name: exclusions.open() for name in _HAS},
        **{name: exclusions.closed() for name in _LACKS},
    },
)
