"""DuckDB through SQLAlchemy: duckdb-engine's dialect with what it lacks."""

from mixpanel_data._internal.duckdb.dialect.arrow import arrow_source, count_relation
from mixpanel_data._internal.duckdb.dialect.base import Dialect
from mixpanel_data._internal.duckdb.dialect.search_path import driver_of, home, system_functions

__all__ = ["Dialect", "arrow_source", "count_relation", "driver_of", "home", "system_functions"]
