"""Notebooks: Jupyter's cells that run twice, JupySQL and marimo."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import environment

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

CELLS = [
    """
import pandas as pd, sqlalchemy as sa
from mixpanel_data import StorageEngine
from mixpanel_data.orm import Event, event
storage = StorageEngine({path!r})
""",
    """
class Played(Event):
    __tablename__ = "events"
kept = sa.select(Played.distinct_id)
""",
    "Play = event('events')",
    """
cohort = pd.DataFrame({{"distinct_id": ["user-1"]}})
storage.connection.register("cohort", cohort)
found = storage.execute_df("SELECT count(*) AS n FROM events SEMI JOIN cohort USING (distinct_id)")
""",
    "assert len(storage.query(kept.where(Played.event_name != ''))) == 101",
    """
events = storage.table("events")
chosen = sa.select(events.c.insert_id)
assert storage.query(chosen.where(storage.table("events").c.insert_id == "id-000007"))
""",
    "print(found.n[0], storage.query(sa.select(sa.func.count()).select_from(Play)))",
]


def test_cells_that_run_twice(music: Path) -> None:
    nbformat = pytest.importorskip("nbformat", reason="make neighbours installs it")
    nbclient = pytest.importorskip("nbclient", reason="make neighbours installs it")
    texts = [cell.format(path=str(music)) for cell in CELLS]
    once = [nbformat.v4.new_code_cell(text) for text in (*texts, *texts[1:], texts[-1])]
    notebook = nbformat.v4.new_notebook(cells=once)
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    outputs = [output for cell in notebook.cells for output in cell.outputs]
    assert {output.name for output in outputs} == {"stdout"}
    assert {output.text for output in outputs} == {"10 [(101,)]\n"}


def test_jupysql(music: Path) -> None:
    pytest.importorskip("sql", reason="make neighbours installs jupysql")
    done = _run(
        f"""
        from IPython.core.interactiveshell import InteractiveShell
        from mixpanel_data import StorageEngine
        shell = InteractiveShell.instance()
        with StorageEngine({str(music)!r}) as storage:
            shell.user_ns["engine"] = storage.engine
            plans = "SELECT properties->>'$.plan' AS plan, count(*) AS n FROM events GROUP BY ALL"
            for line in ("%load_ext sql", "%sql engine", f"found = %sql {{plans}} ORDER BY ALL"):
                shell.run_cell(line).raise_error()
            print(shell.user_ns["found"].DataFrame().values.tolist())
        """
    )
    assert "[['free', 100], ['pro', 1]]" in done.splitlines()


@pytest.mark.parametrize("source", ["engine", "connection"])
def test_marimo(source: str, music: Path, tmp_path: Path) -> None:
    pytest.importorskip("marimo", reason="make neighbours installs it")
    app = tmp_path / "app.py"
    app.write_text(MARIMO.format(path=str(music), source=source))
    assert "101" in _run(f"import runpy; runpy.run_path({str(app)!r}, run_name='__main__')")


MARIMO = """
import marimo

app = marimo.App()


@app.cell
def _():
    import marimo as mo
    from mixpanel_data import StorageEngine

    storage = StorageEngine({path!r})
    source = storage.{source}
    return mo, source


@app.cell
def _(mo, source):
    found = mo.sql("SELECT count(*) AS n FROM events", engine=source)
    print(found)
    return


if __name__ == "__main__":
    app.run()
"""


def _run(code: str) -> str:
    lines = code.strip("\n").splitlines()
    indent = len(lines[0]) - len(lines[0].lstrip())
    text = "\n".join(line[indent:] for line in lines)
    done = subprocess.run(
        [sys.executable, "-c", text],
        env=environment(HOME=os.environ.get("HOME", "/")),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
