"""Loads and queries timed against DuckDB itself and against other tools, as ratios of one run."""
