"""All that knows DuckDB: nothing outside this package imports duckdb or duckdb_engine."""

import duckdb
from duckdb import DuckDBPyConnection, DuckDBPyRelation

__all__ = ["VERSION", "DuckDBPyConnection", "DuckDBPyRelation"]

VERSION: str = duckdb.__version__
