"""The notebooks run, in a kernel of their own, and every cell of them can run twice."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.support.processes import ROOT

# The kernel's client is asynchronous, and newer than some of what it calls.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.every_variant,
    pytest.mark.filterwarnings("default"),
]

NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
_PICTURE, _ESCAPE = re.compile(r"<svg.*?</svg>", re.DOTALL), re.compile(r"\x1b\[[0-9;]*m")


def _read(notebook: Path) -> Any:
    return nbformat.read(notebook, as_version=4)  # type: ignore[no-untyped-call]


def _run(notebook: Path, folder: Path) -> list[Any]:
    """Run the cells, and all of them again; return the code cells of the second time."""
    twice = _read(notebook)
    cells = list(twice.cells)
    twice.cells = cells + [{**cell, "id": f"{cell['id']}-again"} for cell in cells]
    twice = nbformat.from_dict(twice)  # type: ignore[no-untyped-call]
    NotebookClient(twice, timeout=600, resources={"metadata": {"path": str(folder)}}).execute()
    return [cell for cell in twice.cells[len(cells) :] if cell.cell_type == "code"]


def _shown(cells: list[Any], kind: str) -> list[str]:
    return [
        str(output.data[kind])
        for cell in cells
        for output in cell.outputs
        if output.output_type == "execute_result" and kind in output.data
    ]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_twice_and_shows_values_as_people_read_them(
    notebook: Path, tmp_path: Path
) -> None:
    cells = _run(notebook, tmp_path)
    for text in _shown(cells, "text/plain"):
        assert "object at 0x" not in text
        assert "datetime.datetime(" not in text
    bar = "".join(o.text for o in cells[0].outputs if o.output_type == "stream")
    assert bar.splitlines()[-1].startswith("events: 38,053 rows stored")
    pages = _shown(cells[:-1], "text/html")
    assert all("<table" in page for page in pages)
    if notebook.stem == "reports":
        assert [len(_PICTURE.findall(page)) for page in pages] == [1] * 5
        assert any("vega" in str(output.data) for output in cells[-1].outputs)
    if notebook.stem == "ask":
        (error,) = cells[-1].outputs
        shown = _ESCAPE.sub("", "\n".join(error.traceback))
        assert error.ename == "QueryError"
        assert len(shown.splitlines()) < 30
        assert shown.count("mixpanel_data/") == 1


def test_the_notebooks_are_stored_without_what_they_showed() -> None:
    assert len(NOTEBOOKS) == 3
    for notebook in NOTEBOOKS:
        cells = _read(notebook).cells
        assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)
