"""How a process ends: locks, signals, closed pipes, missing packages."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import pytest

import mixpanel_data
from mixpanel_data import StorageEngine
from mixpanel_data.cli import errors, main
from tests.support.command_line import Run, Start
from tests.support.export_files import event, write_lines

pytestmark = pytest.mark.slow

ENDLESS = "SELECT count(*) FROM range(200000) a, range(200000) b WHERE (a.range * b.range) % 7 = 3"


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.02)


def test_a_database_in_use_has_an_exit_code_of_its_own(start: Start, loaded: Path) -> None:
    with duckdb.connect(str(loaded)):
        process = start("tables", "--db", loaded)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 4
    assert err.decode() == (
        f"Error: Database '{loaded}' is locked by process {os.getpid()}."
        " Close it there, or wait and try again.\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_rolls_a_load_back(
    start: Start, db_path: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    lines = write_lines(tmp_path / "many.jsonl", map(event, range(3000))).read_bytes()
    process = start("load", "events", "-", "--db", db_path, stdin=subprocess.PIPE)
    assert process.stdin
    process.stdin.write(lines)
    process.stdin.flush()
    wait_for(db_path)
    time.sleep(0.3)
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    assert process.returncode == code
    assert err == b"Interrupted; nothing was changed.\n"
    with StorageEngine(db_path, read_only=True) as storage:
        assert storage.list_tables() == []


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("source", ["file", "-"])
def test_a_signal_that_something_swallowed_rolls_a_load_back(
    run: Run, db_path: Path, events_file: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    load = StorageEngine.load_export

    def swallowing(*arguments: Any, **options: Any) -> None:
        with suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
        load(*arguments, **options)

    monkeypatch.setattr(StorageEngine, "load_export", swallowing)
    errors.watch_signals()
    with events_file.open() as lines:
        monkeypatch.setattr(sys, "stdin", lines)
        done = run("load", "events", events_file if source == "file" else "-", "--db", db_path)
    assert (done.code, done.err) == (143, "Interrupted; nothing was changed.\n")
    with StorageEngine(db_path, read_only=True) as storage:
        assert storage.list_tables() == []


_IN_C = """
import os, signal
from mixpanel_data import StorageEngine

def interrupted(*_):
    exec("os.kill(os.getpid(), signal.SIGTERM)")  # as C code runs text

StorageEngine.list_tables = interrupted
"""


def test_a_signal_in_code_that_c_runs_has_the_same_exit_code(
    start: Start, loaded: Path, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(_IN_C)
    process = start("tables", "--db", loaded, env={**os.environ, "PYTHONPATH": str(tmp_path)})
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (143, b"Interrupted; nothing was changed.\n")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("Query interrupted")])
def test_ctrl_c_after_the_commit_comes_too_late(
    run: Run,
    db_path: Path,
    events_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
) -> None:
    load = StorageEngine.load_export

    def late(*arguments: Any, **options: Any) -> None:
        load(*arguments, **options)
        raise error

    monkeypatch.setattr(StorageEngine, "load_export", late)
    done = run("load", "events", events_file, "--db", db_path)
    assert (done.code, done.out[:15], done.err) == (0, "events: 11 rows", "")


@pytest.mark.slow
def test_ctrl_c_stops_a_query_at_once_and_leaves_no_file(
    start: Start, loaded: Path, tmp_path: Path
) -> None:
    path = tmp_path / "result.csv"
    process = start("query", ENDLESS, "--db", loaded, "--output", path)
    deadline = time.monotonic() + 20
    while not list(tmp_path.glob(".result.csv.*")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (130, b"Interrupted; nothing was changed.\n")
    assert time.monotonic() - began < 3
    assert not list(tmp_path.glob("*result*"))


@pytest.mark.slow
@pytest.mark.parametrize("format_", ["csv", "json", "jsonl", "parquet", "table"])
def test_a_reader_that_has_seen_enough_is_no_error(
    start: Start, loaded: Path, format_: str
) -> None:
    sql = "SELECT range AS n, repeat('x', 100) AS x FROM range(100000)"
    process = start("query", sql, "--format", format_, "--max-rows", 0, "--db", loaded)
    assert process.stdout
    process.stdout.read(10)
    process.stdout.close()
    assert process.wait(timeout=20) == 141
    assert process.stderr
    assert process.stderr.read() == b""


@pytest.mark.slow
def test_a_program_started_with_ctrl_c_ignored_keeps_ignoring_it(
    start: Start, db_path: Path, events_file: Path
) -> None:
    process = start(
        *("load", "events", "-", "--db", db_path),
        stdin=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )
    wait_for(db_path)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(events_file.read_bytes(), timeout=20)
    assert (process.returncode, out[:15]) == (0, b"events: 11 rows")


@pytest.fixture
def handlers(monkeypatch: pytest.MonkeyPatch) -> object:
    """Signal handlers as they were before, afterwards."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    monkeypatch.setattr(errors, "_received", [])
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
def test_an_interrupt_that_the_database_made_an_error_of_is_an_interrupt(
    run: Run, loaded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except KeyboardInterrupt:
            raise RuntimeError("Query interrupted") from None

    monkeypatch.setattr(StorageEngine, "list_tables", interrupted)
    errors.watch_signals()
    assert run("tables", "--db", loaded).code == 143


@pytest.mark.slow
@pytest.mark.parametrize("command", ["tables", "loads", "coverage events", "schema events"])
def test_a_list_nobody_reads_is_no_error(start: Start, loaded: Path, command: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = start(*command.split(), "--db", loaded, stdout=writing)
    os.close(writing)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (141, b"")


def test_a_closed_pipe_has_an_exit_code_of_its_own(
    run: Run, loaded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(*_: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(StorageEngine, "list_tables", closed)
    done = run("tables", "--db", loaded)
    assert (done.code, done.err) == (141, "")


def test_a_bug_is_not_hidden(run: Run, loaded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise AttributeError("a bug")

    monkeypatch.setattr(StorageEngine, "list_tables", broken)
    with pytest.raises(AttributeError, match="a bug"):
        run("tables", "--db", loaded)


def run_main(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    """Call main as the console script does, and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["mixpanel-data", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_missing_packages_are_named_with_the_way_to_get_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "mixpanel_data.cli.app")
    monkeypatch.setitem(sys.modules, "typer", None)
    assert run_main(monkeypatch) == 3
    err = capsys.readouterr().err
    assert (err.count("\n"), "pip install 'mixpanel-data[cli]'" in err) == (1, True)


def test_the_extra_is_needed_as_a_whole() -> None:
    code = "import sys; sys.modules['rich'] = None; from mixpanel_data.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=20)
    assert (done.returncode, b"mixpanel-data[cli]" in done.stderr) == (3, True)


def test_another_missing_module_is_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mixpanel_data.cli.app", None)
    with pytest.raises(ModuleNotFoundError):
        main()


def test_ctrl_c_while_it_starts_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    class Starting(ModuleType):
        def __getattr__(self, name: str) -> object:
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "mixpanel_data.cli.app", Starting("app"))
    assert run_main(monkeypatch) == 130


@pytest.mark.usefixtures("handlers")
def test_main_runs_the_command_and_exits_with_its_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_main(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"mixpanel-data {mixpanel_data.__version__}\n"
    assert run_main(monkeypatch, "--nope") == 2


def test_the_library_imports_no_terminal_package() -> None:
    code = (
        "import sys, mixpanel_data, mixpanel_data.formats, mixpanel_data.demo\n"
        "print([m for m in ('typer', 'rich', 'click') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=20)
    assert (done.stdout, done.returncode) == (b"[]\n", 0)


def test_the_package_runs_as_a_module(start: Start) -> None:
    process = start("--version")
    out, _ = process.communicate(timeout=20)
    assert out.decode() == f"mixpanel-data {mixpanel_data.__version__}\n"
