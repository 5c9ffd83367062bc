"""All that knows DuckDB: nothing outside this package imports duckdb or duckdb_engine."""

import duckdb
from duckdb import DuckDBPyConnection, DuckDBPyRelation

__all__ = ["MAJOR", "VERSION", "DuckDBPyConnection", "DuckDBPyRelation"]

VERSION: str = duckdb.__version__
MAJOR = int(VERSION.partition(".")[0])
