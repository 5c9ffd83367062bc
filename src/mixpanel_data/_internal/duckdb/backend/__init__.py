"""A DuckDB file, or one in memory, as StorageEngine asks it: above schema, loading and formats."""

from mixpanel_data._internal.duckdb.backend.main import DuckDBBackend

__all__ = ["DuckDBBackend"]
