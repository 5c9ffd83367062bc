"""``python -m benchmarks`` measures what it is asked for and prints the tables of docs/speed.md."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from benchmarks.__main__ import GROUPS
from benchmarks.measure import MEASURES, SHARED
from benchmarks.reports import agreed
from benchmarks.rows import PREPARED
from benchmarks.targets import TARGETS, Result, Target, judged

from tests.support.effort import only_thorough

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]


def _run(folder: Path, *words: str, rows: int = 1_000) -> tuple[str, dict[str, Any]]:
    """Run it once with few rows, where no rival is installed; return its output and its JSON."""
    for rival in ("chdb", "dlt", "polars", "sqlite_utils"):
        text = f"raise ModuleNotFoundError({f'No module named {rival}'!r}, name={rival!r})"
        (folder / f"{rival}.py").write_text(text)
    report = folder / "report.json"
    command = [sys.executable, "-m", "benchmarks", "--repeat", "1", "--rows", str(rows)]
    done = subprocess.run(
        [*command, "--json", str(report), "--only", *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout, json.loads(report.read_text())


def test_a_part_is_measured_with_what_it_is_compared_with(tmp_path: Path) -> None:
    told, report = _run(tmp_path, "load_export", rows=2_000)
    names = [result["name"] for result in report["results"]]
    assert names == ["DuckDB: INSERT … SELECT of an export, keyed", "load_export"]
    assert all(result["rows"] == 2_000 for result in report["results"])
    assert all(result["value"] > 0 and result["peak_mb"] > 20 for result in report["results"])
    (target,) = report["targets"]
    assert f"| load_export | {names[0]} | {target['figure']:.2f} | ≤ 1.5 |" in told


def test_missing_rivals_are_reported(tmp_path: Path) -> None:
    told, report = _run(tmp_path, "dlt", "sqlite-utils")
    assert told.count("not installed") == 2
    assert [result["value"] for result in report["results"]] == [None, None]


@only_thorough
def test_reports_are_measured_and_their_answers_compared(tmp_path: Path) -> None:
    told, report = _run(tmp_path, "funnel, uniques")
    values = {result["name"]: result["value"] for result in report["results"]}
    assert [name for name, value in values.items() if value is None] == [
        *("funnel, uniques: ClickHouse", "funnel, uniques: polars"),
    ]
    assert told.count("not installed") == 2
    figures = [(target["over"], target["most"]) for target in report["targets"]]
    assert ("funnel, uniques: DuckDB by hand", 1.2) in figures


def test_different_answers_end_the_run(tmp_path: Path) -> None:
    (tmp_path / SHARED).mkdir()
    agreed(tmp_path, "sessions", [("2025-01-01", 2, 0.5)])
    agreed(tmp_path, "sessions", [[date(2025, 1, 1), 2, 0.5000000000001]])
    with pytest.raises(ValueError, match="sessions differ"):
        agreed(tmp_path, "sessions", [("2025-01-01", 3, 0.5)])


@only_thorough
def test_the_small_questions(tmp_path: Path) -> None:
    told, report = _run(tmp_path, "execute_scalar", "append a day")
    assert "| execute_scalar('SELECT 1') |  | " in told
    assert [target["most"] for target in report["targets"]] == [2, 1]


def test_every_target_is_measured_and_every_need_prepared() -> None:
    assert {measure.group for measure in MEASURES.values()} == set(GROUPS)
    assert {target.name for target in TARGETS} <= set(MEASURES)
    assert {target.over for target in TARGETS if target.over} <= set(MEASURES)
    assert {need for measure in MEASURES.values() for need in measure.needs} <= set(PREPARED)


def _result(name: str, value: float | None, rows: int = 100) -> Result:
    return Result(name, "loads", "rows/s", rows, value, peak_mb=300)


@pytest.mark.parametrize(
    ("target", "figure"),
    [
        (Target("a", "b"), 0.5),
        (Target("b", "a"), 2.0),
        (Target("a"), 0.01),
        (Target("a", peak=True), 300.0),
        (Target("a", "none"), None),
        (Target("none", "a"), None),
        (Target("elsewhere"), None),
    ],
)
def test_figures_are_for_each_row(target: Target, figure: float | None) -> None:
    results = [_result("a", 1.0), _result("b", 4.0, rows=200), _result("none", None)]
    assert target.figure({result.name: result for result in results}) == figure


def test_only_what_was_measured_is_judged() -> None:
    name = "execute_scalar('SELECT 1')"
    told = list(judged({name: Result(name, "queries", "ms", 0, 0.3, 100)}))
    assert [(target.name, figure) for target, figure in told] == [(name, 0.3)]
