"""What of SQLAlchemy's suite applies to DuckDB: all that DuckDB has, whether or not it passes."""

from __future__ import annotations

from typing import Any

from sqlalchemy.testing import exclusions
from sqlalchemy.testing.requirements import SuiteRequirements

_HAS = """
    array_type autocommit check_constraint_reflection comment_reflection
    comment_reflection_full_unicode computed_columns computed_columns_reflect_persisted
    computed_columns_virtual create_or_replace_view create_table_as create_temp_table_as ctes
    ctes_with_update_delete ctes_with_values date_historic datetime_historic datetime_interval
    datetime_literals datetime_timezone datetime_timezone_historic default_schema_name_switch
    delete_from expression_server_defaults fetch_expression fetch_first fetch_no_order_by
    float_or_double_precision_behaves_generically has_temp_table index_ddl_if_exists
    indexes_check_column_order indexes_with_expressions infinity_floats
    inline_check_constraint_reflection isolation_level json_type nvarchar_types percent_schema_names
    precision_numerics_many_significant_digits precision_numerics_retains_significant_digits
    reflect_indexes_with_expressions regexp_match regexp_replace schema_create_delete
    server_defaults skip_autocommit_rollback supports_bitwise_and supports_bitwise_not
    supports_bitwise_or supports_bitwise_shift supports_bitwise_xor supports_distinct_on
    table_ddl_if_exists table_value_constructor temp_table_comment_reflection temp_table_names
    temporary_views time_timezone timestamp_microseconds tuple_in unicode_ddl update_from
    uuid_data_type views window_functions window_range window_range_non_numeric window_range_numeric
""".split()

# DuckDB's indexes have no direction.
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
