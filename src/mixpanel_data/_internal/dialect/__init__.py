"""DuckDB through SQLAlchemy: duckdb-engine's dialect with what it lacks."""

from mixpanel_data._internal.dialect.arrow import arrow_source
from mixpanel_data._internal.dialect.base import Dialect

__all__ = ["Dialect", "arrow_source"]
