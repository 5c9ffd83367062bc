"""In a notebook whose kernel lacks ipywidgets, DuckDB refuses settings of its progress bar."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.export_files import event, write_lines
from tests.support.processes import run

pytestmark = pytest.mark.slow

NOTEBOOK = """
import sys, types
from unittest.mock import Mock

# What DuckDB looks at to find out that it runs in a kernel of Jupyter's.
shell = types.SimpleNamespace(config={"IPKernelApp": 1})
sys.modules["IPython"] = Mock(get_ipython=lambda: shell)
sys.modules["ipywidgets"] = None
"""


def test_loads_and_queries(tmp_path: Path) -> None:
    events = write_lines(tmp_path / "e.jsonl", [event(1)])
    done = run(
        NOTEBOOK
        + """
import duckdb
try:
    duckdb.connect().execute("SET enable_progress_bar = false")
    print("DuckDB takes this for no notebook")
except duckdb.InvalidInputException as error:
    assert "ipywidgets" in str(error)

from tests.support.factories import EVENTS, metadata
from mixpanel_data import StorageEngine
with StorageEngine(sys.argv[1]) as storage:
    print(EVENTS.create(storage, EVENTS.records(3)))
    seen = []
    print(storage.load_export("files", sys.argv[2], metadata(), progress=seen.append))
    print(len(storage.execute_rows("FROM files")), storage.execute_df("FROM data").shape)
    print(storage.execute_scalar("SELECT current_setting('TimeZone')"))
""",
        tmp_path / "a.db",
        events,
    )
    assert done.split("\n")[:4] == ["3", "1", "1 (3, 5)", "UTC"]
