"""duckdb-engine, imported without its test of DuckDB.

It makes a database at import, only to find out whether DuckDB has comments, which takes a tenth of
the start of a command. All versions of DuckDB that this library works with have them.
"""

import sys
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

_SUPPORTS = "duckdb_engine._supports"


def _answer_beforehand() -> None:
    engine = find_spec("duckdb_engine")
    if engine is None or engine.origin is None:
        return
    spec = spec_from_file_location(_SUPPORTS, Path(engine.origin).with_name("_supports.py"))
    if spec is None or spec.loader is None or not Path(spec.origin or "").is_file():
        return
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    module.has_comment_support = lambda: True  # type: ignore[attr-defined]
    sys.modules[_SUPPORTS] = module


if "duckdb_engine" not in sys.modules:
    _answer_beforehand()

import duckdb_engine  # noqa: E402 - imports what was put there
from duckdb_engine import datatypes  # noqa: E402

__all__ = ["datatypes", "duckdb_engine"]
