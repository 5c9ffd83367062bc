"""What a load reads: files by any name, patterns, pipes, and all of them together."""

import gzip
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from mixpanel_data import StorageEngine
from tests.support.command_line import Run, Start
from tests.support.export_files import event, write_lines

pytestmark = pytest.mark.slow


@pytest.fixture
def days(tmp_path: Path) -> list[Path]:
    """Three files of ten events, one of them packed."""
    return [
        write_lines(tmp_path / name, map(event, range(start, start + 10)))
        for start, name in [(0, "day-1.jsonl"), (10, "day-2.jsonl.gz"), (20, "day-3.jsonl")]
    ]


def source(db: Path) -> Any:
    with StorageEngine(db, read_only=True) as storage:
        (load,) = storage.loads()
    return load.source


def test_several_files_are_one_load(run: Run, db_path: Path, days: list[Path]) -> None:
    done = run("load", "events", *days, "--db", db_path, "--table", "march")
    assert done.out.startswith("march: 30 rows stored")
    assert source(db_path) == ", ".join(map(str, days))


def test_a_pattern_is_as_good_as_its_files(
    run: Run, db_path: Path, tmp_path: Path, days: list[Path]
) -> None:
    extra = write_lines(tmp_path / "extra.jsonl", [event(99)])
    done = run("load", "events", tmp_path / "day-*", extra, "--db", db_path)
    assert done.out.startswith("events: 31 rows stored")
    assert source(db_path) == ", ".join(map(str, [*days, extra]))


@pytest.mark.parametrize(
    "name", ["a b.jsonl", "it's.jsonl", "[x]*.jsonl", "s3:é.jsonl", "-x", "new\nline.jsonl"]
)
def test_a_file_may_have_any_name(
    run: Run, db_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_lines(Path(name), map(event, range(10)))
    done = run("load", "events", "--db", db_path, "--", name)
    assert (done.code, done.out[:15]) == (0, "events: 10 rows")


def test_stdin_is_a_file_like_any_other(run: Run, db_path: Path, events_file: Path) -> None:
    packed = gzip.compress(events_file.read_bytes())
    done = run("load", "events", "-", "--db", db_path, stdin=packed)
    assert done.out.startswith("events: 11 rows stored")


@pytest.mark.parametrize(
    ("command", "reason"),
    [("load events -", b"not a single record"), ("query -", b"holds no statement")],
)
def test_a_closed_stdin_is_an_empty_one(
    start: Start, db_path: Path, command: str, reason: bytes
) -> None:
    StorageEngine(db_path).close()
    process = start(*command.split(), "--db", db_path, preexec_fn=lambda: os.close(0))
    _, err = process.communicate()
    assert (process.returncode, err.count(b"\n"), reason in err) == (1, 1, True)


def test_stdin_goes_with_files_and_patterns(
    run: Run, db_path: Path, tmp_path: Path, days: list[Path]
) -> None:
    line = write_lines(tmp_path / "last.jsonl", [event(99)]).read_bytes()
    done = run("load", "events", "-", tmp_path / "day-*", "--db", db_path, stdin=line)
    assert done.out.startswith("events: 31 rows stored")


@pytest.mark.slow
def test_a_named_pipe_is_read_once(start: Start, db_path: Path, events_file: Path) -> None:
    pipe = events_file.with_name("pipe")
    os.mkfifo(pipe)
    text = events_file.read_bytes()
    # Opening a pipe waits for its other end, which a load that fails never opens.
    threading.Thread(target=pipe.write_bytes, args=[text], daemon=True).start()
    out, _ = start("load", "events", pipe, "--db", db_path).communicate(timeout=20)
    assert out.startswith(b"events: 11 rows stored")


def test_a_file_that_is_cut_short_is_named(
    run: Run, db_path: Path, tmp_path: Path, days: list[Path]
) -> None:
    days[1].write_bytes(days[1].read_bytes()[:-9])
    done = run("load", "events", tmp_path / "day-*", "--db", db_path)
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert done.err.startswith(f"Error: {days[1]}, line ")
    assert run("tables", "--db", db_path, "--format", "json").out == "[]\n"


@pytest.mark.parametrize(
    ("name", "complaint"),
    [("none", "none does not exist"), ("none-*", "none-* does not exist"), ("", "is a directory")],
)
def test_a_missing_file_makes_no_database(
    run: Run, db_path: Path, tmp_path: Path, days: list[Path], name: str, complaint: str
) -> None:
    done = run("load", "events", *days, tmp_path / name, "--db", db_path)
    assert (done.code, complaint in done.err) == (2, True)
    assert not db_path.exists()
