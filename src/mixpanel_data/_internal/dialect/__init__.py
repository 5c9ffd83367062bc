"""DuckDB through SQLAlchemy: duckdb-engine's dialect with what it lacks."""

from mixpanel_data._internal.dialect.arrow import arrow_source, driver_of
from mixpanel_data._internal.dialect.base import Dialect

__all__ = ["Dialect", "arrow_source", "driver_of"]
