"""Descriptors go with the last engine on a file, and closing one drops nobody's lock."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from mixpanel_data import StorageEngine, maintenance
from tests.support.effort import tries
from tests.support.processes import OtherProcess

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.path.isdir("/dev/fd"), reason="cannot count descriptors"),
]


def _open() -> int:
    return len(os.listdir("/dev/fd"))


def test_files_one_after_the_other_leave_none(tmp_path: Path) -> None:
    StorageEngine(tmp_path / "warm up.db").close()
    before = _open()
    for number in range(tries(6, 50)):
        path = tmp_path / f"{number}.db"
        StorageEngine(path).close()
        StorageEngine.open_existing(path).close()
        maintenance.backup(path, tmp_path / f"{number}.bak")
        maintenance.compact(path)
    with pytest.raises(OSError, match="not a DuckDB"):
        StorageEngine(__file__)
    assert _open() == before


def test_engines_without_a_file_leave_none() -> None:
    StorageEngine.memory().close()
    before = _open()
    for _ in range(5):
        StorageEngine.memory().close()
        StorageEngine.ephemeral().close()
    assert _open() == before


@pytest.mark.parametrize("read_only", [False, True])
def test_closing_one_of_two_engines_keeps_the_lock(
    read_only: bool, db_path: Path, other_process: OtherProcess
) -> None:
    StorageEngine(db_path).close()
    with StorageEngine(db_path, read_only=read_only):
        StorageEngine(db_path, read_only=read_only).close()
        answer = other_process.attempt("engine = StorageEngine(path)", path=db_path)
    assert answer["error"] == "DatabaseLockedError"


def test_closing_keeps_the_lock_of_plain_duckdb(db_path: Path, other_process: OtherProcess) -> None:
    with closing(duckdb.connect(str(db_path))):
        StorageEngine(db_path).close()
        answer = other_process.attempt("engine = StorageEngine(path)", path=db_path)
    assert answer["error"] == "DatabaseLockedError"
    other_process.run("engine = StorageEngine(path)", path=db_path)


def test_an_opening_that_fails_keeps_the_lock(db_path: Path, other_process: OtherProcess) -> None:
    with StorageEngine(db_path):
        with pytest.raises(Exception, match="this process"):
            StorageEngine(db_path, read_only=True)
        answer = other_process.attempt("engine = StorageEngine(path)", path=db_path)
    assert answer["error"] == "DatabaseLockedError"
