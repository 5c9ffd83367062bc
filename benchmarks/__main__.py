"""``python -m benchmarks``: run every measurement in processes of its own, and print two tables.

The first has the speeds, the second the ratios that matter, with their targets.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import (
    clickhouse,
    documents,
    exploration,
    inserts,
    loads,
    queries,
    realistic,
    reports,
    rivals,
    start,
    typed,
)
from benchmarks.measure import MEASURES, SHARED, Measure
from benchmarks.rows import PREPARED
from benchmarks.targets import RECORDS, Result, judged, needed

_MODULES = (
    *(loads, documents, queries, typed, exploration, inserts),
    *(reports, rivals, start, clickhouse),
)
GROUPS = tuple(module.__name__.rpartition(".")[2] for module in _MODULES)
PREPARED.update({typed.FILE: realistic.write_export, typed.DATABASE: typed.write_typed})
# Other tools' news are nobody's business here.
QUIET = {**os.environ, "RUNTIME__DLTHUB_TELEMETRY": "false"}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="default: 1,000,000")
    parser.add_argument("--repeat", type=int, default=3, help="how often; the medians count")
    parser.add_argument("--large", action="store_true", help="also 10 and 30 times the rows, once")
    parser.add_argument(
        "--only", nargs="+", metavar="WORD", help=f"names that hold a word, or {', '.join(GROUPS)}"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there, too")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    return parser.parse_args()


def _chosen(words: list[str] | None, large: bool) -> list[Measure]:
    names = [
        name
        for name, measure in MEASURES.items()
        if (large or not measure.large)
        and (not words or any(word in name or word == measure.group for word in words))
    ]
    wanted = names if words is None else needed(names)
    return [measure for name, measure in MEASURES.items() if name in wanted]


def _child(name: str, folder: Path, rows: int) -> None:
    """Measure, or prepare a file, in this process, and print the figure and the peak memory."""
    if name in PREPARED:
        PREPARED[name](folder / name, rows)
        return
    value = MEASURES[name].run(folder, rows)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps([value, peak]))


def _run(name: str, folder: Path, rows: int) -> tuple[str, str]:
    """Run this module in a process of its own; return its last line, or the last of its error."""
    command = [sys.executable, "-m", "benchmarks", "--child", name, str(folder), str(rows)]
    done = subprocess.run(command, capture_output=True, text=True, env=QUIET)
    lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    last = lines[-1] if lines else ""
    return (last, "") if done.returncode == 0 else ("", last or f"exit {done.returncode}")


def _measure(measure: Measure, rows: int, repeat: int, shared: Path) -> Result:
    count, seen = measure.rows(rows), []
    for need in measure.needs:
        if not (shared / need).exists():
            _, error = _run(need, shared, rows)
            if error:
                raise SystemExit(f"{need} could not be prepared: {error}")
    for _ in range(1 if measure.large else repeat):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, SHARED).symlink_to(shared)
            line, error = _run(measure.name, Path(folder), count)
        missing = "ModuleNotFoundError" in error
        if error and not missing and measure.group != "rivals":
            raise SystemExit(f"{measure.name} failed: {error}")
        if error:
            note = "not installed" if missing else f"failed: {error}"
            return Result(measure.name, measure.group, measure.unit, count, None, 0, note)
        seen.append(json.loads(line))
    value, peak = map(statistics.median, zip(*seen))
    return Result(measure.name, measure.group, measure.unit, count, value, round(peak))


def _speeds(results: Iterable[Result], yardstick: float | None) -> Iterator[str]:
    """Yield the rows of the first table; the yardstick is the seconds that a row takes DuckDB."""
    for result in results:
        rows = f"{result.rows:,}" if result.unit in ("rows/s", "ratio") else ""
        if result.value is None or result.each is None:
            yield f"| {result.name} | {rows} | {result.note} | | |"
        elif result.unit == "rows/s":
            ratio = f"{result.each / yardstick:.2f}" if yardstick else ""
            speed = f"{1 / result.each:,.0f} rows/s"
            yield f"| {result.name} | {rows} | {speed} | {ratio} | {result.peak_mb} |"
        else:
            unit = "" if result.unit == "ratio" else f" {result.unit}"
            yield f"| {result.name} | {rows} | {result.value:.2f}{unit} | | {result.peak_mb} |"


def _machine() -> dict[str, Any]:
    import duckdb

    return {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
        "python": platform.python_version(),
        "duckdb": duckdb.__version__,
    }


def main() -> None:
    """Measure, print the tables as Markdown, and write the JSON."""
    wanted = _arguments()
    if wanted.child:
        name, folder, rows = wanted.child
        _child(name, Path(folder), int(rows))
        return
    machine = _machine()
    print("{machine}, Python {python}, DuckDB {duckdb}\n".format(**machine))
    print("| | rows | speed | time over read_json, keyed | peak MB |\n|---|--:|--:|--:|--:|")
    results: dict[str, Result] = {}
    with tempfile.TemporaryDirectory() as shared:
        for measure in _chosen(wanted.only, wanted.large):
            result = _measure(measure, wanted.rows, wanted.repeat, Path(shared))
            results[measure.name] = result
            first = results.get(RECORDS)
            print(*_speeds([result], first.each if first else None), sep="\n", flush=True)
    print("\n| | compared with | figure | target |\n|---|---|--:|--:|")
    told = list(judged(results))
    for target, figure in told:
        print(f"| {target.name} | {target.over or ''} | {target.shown(figure)} | {target.bounds} |")
    if wanted.json:
        figures = [{**asdict(target), "figure": figure} for target, figure in told]
        values = {"results": [asdict(r) for r in results.values()], "targets": figures}
        wanted.json.write_text(json.dumps({**machine, "rows": wanted.rows, **values}, indent=2))


if __name__ == "__main__":
    main()
