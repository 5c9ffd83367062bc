"""What it takes to start: the processor's seconds of a process, the least of ten."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

from benchmarks.measure import measure

_MAIN = ("-m", "mixpanel_data")


def _cpu(*arguments: object) -> float:
    """Return the seconds, user and system, of a Python process; modules are compiled before."""
    command = [sys.executable, *map(str, arguments)]
    compiled = {name: v for name, v in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    seconds = []
    for _ in range(11):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=compiled)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(seconds)


@measure("import mixpanel_data", unit="s", share=0)
def import_ours(folder: Path, count: int) -> float:
    return _cpu("-c", "import mixpanel_data")


@measure("import StorageEngine", unit="s", share=0)
def import_engine(folder: Path, count: int) -> float:
    return _cpu("-c", "from mixpanel_data import StorageEngine")


@measure("import duckdb", unit="s", share=0)
def import_duckdb(folder: Path, count: int) -> float:
    return _cpu("-c", "import duckdb")


@measure("import what duckdb-engine needs", unit="s", share=0)
def import_theirs(folder: Path, count: int) -> float:
    return _cpu("-c", "import duckdb, sqlalchemy.dialects.postgresql")


@measure("mixpanel-data --version", unit="s", share=0)
def version(folder: Path, count: int) -> float:
    return _cpu(*_MAIN, "--version")


@measure("mixpanel-data --help", unit="s", share=0)
def help_(folder: Path, count: int) -> float:
    return _cpu(*_MAIN, "--help")


@measure("mixpanel-data query", unit="s", share=0)
def query(folder: Path, count: int) -> float:
    from mixpanel_data import StorageEngine

    path = folder / "start.db"
    StorageEngine(path).close()
    return _cpu(*_MAIN, "query", "SELECT 42", "--db", path)
