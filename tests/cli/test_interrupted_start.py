"""Ctrl-C before a command begins, or after it has ended, is one line or nothing, no traceback."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import environment

pytestmark = pytest.mark.slow

_IMPORTED = {
    "that waits": "time.sleep(60)",
    "that keeps exceptions for itself": "try: time.sleep(60)\nexcept BaseException: time.sleep(60)",
    "that makes an error of them": (
        "try: time.sleep(60)\nexcept BaseException: raise ImportError('broken') from None"
    ),
}


def _started(folder: Path, module: str, body: str, command: list[str]) -> subprocess.Popen[str]:
    """Start the command line, which imports *module* from *folder*, and wait until it does."""
    (folder / f"{module}.py").write_text(f"import time\nprint(flush=True)\n{body}")
    process = subprocess.Popen(
        [*command, "tables", "--db", "no.db"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**environment(), "PYTHONPATH": str(folder)},
    )
    assert process.stdout
    assert process.stdout.readline() == "\n", process.communicate()
    return process


def _interrupted(process: subprocess.Popen[str]) -> tuple[int, str]:
    process.send_signal(signal.SIGINT)
    try:
        _, errors = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
    return process.returncode, errors


@pytest.mark.parametrize("body", _IMPORTED.values(), ids=_IMPORTED)
@pytest.mark.parametrize("module", ["pydantic", "typer"])
def test_ctrl_c_while_a_module_is_imported(module: str, body: str, tmp_path: Path) -> None:
    process = _started(tmp_path, module, body, [sys.executable, "-m", "mixpanel_data"])
    assert _interrupted(process) == (130, "Interrupted.\n")


def test_ctrl_c_while_duckdb_is_imported_ends_the_command_after_the_import(tmp_path: Path) -> None:
    # The command has begun, and knows what it has not done. Nothing swallows the interrupt.
    body = "try: time.sleep(1)\nexcept BaseException: pass\nraise ImportError('broken')"
    process = _started(tmp_path, "duckdb", body, [sys.executable, "-m", "mixpanel_data"])
    assert _interrupted(process) == (130, "Interrupted; nothing was changed.\n")


def test_ctrl_c_while_the_installed_command_starts(tmp_path: Path) -> None:
    command = shutil.which("mixpanel-data", path=str(Path(sys.executable).parent))
    assert command is not None
    process = _started(tmp_path, "sqlalchemy", "time.sleep(60)", [command])
    assert _interrupted(process) == (130, "Interrupted.\n")


def _run(code: str, *words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", f"import os, signal\n{code}", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=60)


def test_ctrl_c_while_the_arguments_are_read(loaded: Path) -> None:
    code = """
import typer.main
from mixpanel_data.cli import main
read = typer.main.TyperGroup.make_context
def interrupted(*arguments, **options):
    os.kill(os.getpid(), signal.SIGINT)
    return read(*arguments, **options)
typer.main.TyperGroup.make_context = interrupted
main()
"""
    done = _run(code, "tables", "--db", loaded)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Interrupted.\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(("name", "code"), [("loaded.db", 0), ("missing.db", 1)])
def test_a_signal_after_the_end_changes_nothing(
    number: signal.Signals, name: str, code: int, loaded: Path, tmp_path: Path
) -> None:
    os.rename(loaded, tmp_path / "loaded.db")
    late = f"""
import atexit
from mixpanel_data.cli import main
atexit.register(os.kill, os.getpid(), {int(number)})
main()
"""
    done = _run(late, "tables", "--db", tmp_path / name)
    undisturbed = _run(
        "from mixpanel_data.cli import main; main()", "tables", "--db", tmp_path / name
    )
    assert (done.returncode, undisturbed.returncode) == (code, code)
    assert (done.stdout, done.stderr) == (undisturbed.stdout, undisturbed.stderr)
