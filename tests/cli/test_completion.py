"""Completion in shells: commands, options, their values, and the tables of the database."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

BIN = Path(sys.executable).parent
BASH = shutil.which("bash")
_PRESS_TAB = """
eval "$(mixpanel-data --show-completion)"
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
$(complete -p mixpanel-data | sed 's/.*-F \\([^ ]*\\).*/\\1/') mixpanel-data
printf '%s\\n' "${COMPREPLY[@]}"
"""


def _environment(home: Path, **variables: str) -> dict[str, str]:
    path = os.pathsep.join([str(BIN), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "HOME": str(home), **variables}


@pytest.mark.skipif(BASH is None, reason="no bash here")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["sess"], {"sessions"}),
        (["db", "up"], {"upgrade"}),
        (["query", "--all"], {"--allow-external"}),
        (["query", "--format", "js"], {"json", "jsonl"}),
        (["schema", "--db", "DB", ""], {"events"}),
        (["funnel", "--db", "DB", "ev"], {"events"}),
        (["load", "events", "file", "--db", "DB", "--table", "ev"], {"events"}),
        (["loads", "--db", "missing.db", ""], {""}),
    ],
)
def test_bash_completes(words: list[str], offered: set[str], loaded: Path, tmp_path: Path) -> None:
    words = [str(loaded) if word == "DB" else word for word in words]
    done = subprocess.run(
        [str(BASH), "-c", _PRESS_TAB, "bash", "mixpanel-data", *words],
        capture_output=True,
        text=True,
        check=True,
        env=_environment(tmp_path),
        timeout=60,
    )
    assert (set(done.stdout.splitlines()), done.stderr) == (offered, "")
    assert not (tmp_path / "missing.db").exists()


@pytest.mark.skipif(BASH is None, reason="no bash here")
def test_it_is_installed_for_bash(tmp_path: Path) -> None:
    code = "mixpanel-data --install-completion && . ~/.bashrc && complete -p mixpanel-data"
    command = [str(BASH), "-c", code]
    done = subprocess.run(
        command, capture_output=True, text=True, env=_environment(tmp_path), timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].startswith("complete ")


@pytest.mark.parametrize(
    ("shell", "variables"),
    [
        ("zsh", {"_TYPER_COMPLETE_ARGS": "mixpanel-data schema --db DB e"}),
        (
            "fish",
            {
                "_TYPER_COMPLETE_ARGS": "mixpanel-data schema --db DB e",
                "_TYPER_COMPLETE_FISH_ACTION": "get-args",
            },
        ),
    ],
)
def test_other_shells_are_offered_the_same(
    shell: str, variables: dict[str, str], loaded: Path, tmp_path: Path
) -> None:
    variables = {name: text.replace("DB", str(loaded)) for name, text in variables.items()}
    done = subprocess.run(
        [BIN / "mixpanel-data"],
        capture_output=True,
        text=True,
        check=True,
        env=_environment(tmp_path, _MIXPANEL_DATA_COMPLETE=f"complete_{shell}", **variables),
        timeout=60,
    )
    assert "events" in done.stdout
