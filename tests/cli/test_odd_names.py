"""Names that are not UTF-8, backslashes, colons, and a stdout of ASCII alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mixpanel_data import StorageEngine
from tests.support.command_line import Run
from tests.support.export_files import event, write_lines
from tests.support.processes import environment

NAMES = [b"caf\xe9.jsonl", b"a\\b.jsonl", b"\\\\server\\x.jsonl", b"c:d.jsonl", b"s3:x.jsonl"]
posix = pytest.mark.skipif(os.sep != "/", reason="Windows has no such names")


def file(folder: Path, name: bytes) -> Path:
    path = folder / os.fsdecode(name)
    try:
        return write_lines(path, map(event, range(3)))
    except OSError:
        pytest.skip("this file system has no such names")


@posix
@pytest.mark.parametrize("name", NAMES)
def test_an_export_may_have_any_name(
    run: Run, db_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: bytes
) -> None:
    monkeypatch.chdir(tmp_path)
    file(tmp_path, name)
    done = run("load", "events", os.fsdecode(name), "--db", db_path)
    assert (done.code, done.out[:14]) == (0, "events: 3 rows")
    (load,) = json.loads(run("loads", "--db", db_path, "--format", "json").out)
    assert load["source"] == os.fsdecode(name).encode(errors="backslashreplace").decode()


@posix
def test_a_backslash_is_no_slash(run: Run, db_path: Path, tmp_path: Path) -> None:
    file(tmp_path, b"a\\b.jsonl")
    (tmp_path / "a").mkdir()
    write_lines(tmp_path / "a" / "b.jsonl", map(event, range(7)))
    assert "3 rows stored" in run("load", tmp_path / "a\\b.jsonl", "--db", db_path).out


@posix
@pytest.mark.parametrize("name", [b"d\xe9.db", b"a\\b.db", b"d\xe9/x.db"])
@pytest.mark.parametrize("read_only", [False, True])
def test_a_database_that_duckdb_cannot_name_is_refused(
    tmp_path: Path, name: bytes, read_only: bool
) -> None:
    (tmp_path / "a").mkdir()
    StorageEngine(tmp_path / "a" / "b.db").close()
    with pytest.raises(OSError, match=r"Failed to create database at .*Choose another name"):
        StorageEngine(tmp_path / os.fsdecode(name), read_only=read_only)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@posix
def test_an_error_names_the_file_readably(run: Run, db_path: Path, tmp_path: Path) -> None:
    path = file(tmp_path, b"caf\xe9.jsonl")
    path.write_text("nonsense\n")
    done = run("load", "events", path, "--db", db_path)
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "caf\\udce9.jsonl, line 1" in done.err
    done = run("load", "events", path, "--db", db_path, "--format", "json")
    assert "line 1" in json.loads(done.err)["message"]


@pytest.mark.slow
def test_json_is_json_on_a_stdout_of_ascii(db_path: Path, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "é.jsonl", map(event, range(3)))
    words = ["-m", "mixpanel_data", "load", path, "--db", db_path, "-f", "json"]
    env = {**environment(), "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, *map(str, words)], capture_output=True, env=env, timeout=60
    )
    assert (done.returncode, json.loads(done.stdout.decode("ascii"))["source"]) == (0, str(path))
