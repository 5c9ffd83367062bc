"""``python -m benchmarks``: run every measurement in fresh processes and print one table."""

from __future__ import annotations

import argparse
import json
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.measures import MEASURES
from benchmarks.rows import write_export

YARDSTICK = "DuckDB read_json, keyed"
# Row by row, these take minutes for what the others do in seconds.
SLOW = {
    "DuckDB executemany, keyed": 50,
    "duckdb-engine, insert()": 50,
    "pandas to_sql, duckdb-engine": 50,
    "sqlite-utils insert_all, keyed": 5,
    "dlt to duckdb, merge": 5,
}
# Measurements that are no loads: seconds or ratios by themselves.
PLAIN = ("execute", "import")
APPEND = "append a tenth"


@dataclass
class Result:
    """The medians of one measurement."""

    name: str
    rows: int
    value: float | None
    rss_mb: int


def _child(name: str, folder: Path, rows: int) -> None:
    value = MEASURES[name](folder, rows)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps([value, peak]))


def _measure(name: str, rows: int, repeat: int, export: Path) -> Result:
    count = max(rows // SLOW.get(name, 1), 100)
    seen = []
    for _ in range(repeat):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "export.jsonl").symlink_to(export)
            command = [sys.executable, "-m", "benchmarks", "--child", name, folder, str(count)]
            done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode and "ModuleNotFoundError" in done.stderr:
            return Result(name, count, None, 0)
        if done.returncode:
            raise SystemExit(f"{name} failed:\n{done.stderr[-2000:]}")
        seen.append(json.loads(done.stdout.strip().splitlines()[-1]))
    values, peaks = zip(*seen)
    return Result(name, count, statistics.median(values), round(statistics.median(peaks)))


def _line(result: Result, yardstick: float) -> str:
    """Give one row of the table; the yardstick is in seconds a row."""
    if result.value is None:
        return f"| {result.name} | | not installed | | |"
    if result.name.startswith("execute_scalar"):
        return f"| {result.name} | | {result.value * 1000:.2f} ms | | |"
    if result.name.startswith("import"):
        return f"| {result.name} | | {result.value:+.2f} s | | |"
    if result.name.startswith(PLAIN):
        return f"| {result.name} | {result.rows:,} | | {result.value:.2f} | {result.rss_mb} |"
    rows = result.rows // 10 if result.name.startswith(APPEND) else result.rows
    ratio = result.value / rows / yardstick
    speed = f"{rows / result.value:,.0f} rows/s"
    return f"| {result.name} | {rows:,} | {speed} | {ratio:.2f} | {result.rss_mb} |"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3, help="how often; the medians count")
    parser.add_argument("--only", nargs="+", metavar="WORD", help="names that hold a word")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Measure, print the table as Markdown, and write the JSON."""
    wanted = _arguments()
    if wanted.child:
        name, folder, rows = wanted.child
        _child(name, Path(folder), int(rows))
        return
    names = [
        name
        for name in MEASURES
        if name == YARDSTICK or not wanted.only or any(word in name for word in wanted.only)
    ]
    results = []
    print(f"{platform.machine()}, Python {platform.python_version()}, {wanted.rows:,} rows\n")
    print("| | rows | speed | time over read_json, keyed | peak MB |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        export = Path(folder, "export.jsonl")
        write_export(export, wanted.rows)
        for name in names:
            results.append(_measure(name, wanted.rows, wanted.repeat, export))
            first = results[0].value or 0.0
            print(_line(results[-1], first / wanted.rows), flush=True)
    if wanted.json:
        wanted.json.write_text(json.dumps([asdict(result) for result in results], indent=2))


if __name__ == "__main__":
    main()
