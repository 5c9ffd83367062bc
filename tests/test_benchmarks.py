"""The benchmarks run; how fast anything is, they tell people, not tests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_a_small_run(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    command = [sys.executable, "-m", "benchmarks", "--rows", "200", "--repeat", "1"]
    command += ["--only", "load_export", "create_events", "append a tenth, to nothing"]
    done = subprocess.run(
        [*command, "--json", str(out)], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    names = [result["name"] for result in json.loads(out.read_text())]
    assert names[0] == "DuckDB read_json, keyed"
    assert "load_export" in names
    assert "rows/s" in done.stdout
