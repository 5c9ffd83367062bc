"""Every code block of the README runs, in order, in one directory with a demo export."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from mixpanel_data import demo

ROOT = Path(__file__).parents[1]
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", (ROOT / "README.md").read_text(), re.M | re.S)


def _run_shell(line: str) -> None:
    words = shlex.split(line, comments=True)
    if words[0] == "make":
        subprocess.run(["make", "-n", "-C", str(ROOT), *words[1:]], check=True, timeout=60)
    elif words[0] == "pip":
        assert words[1:] == ["install", "mixpanel-data[cli]"]
    else:
        assert words[0] == "mixpanel-data"
        command = [sys.executable, "-m", "mixpanel_data", *words[1:]]
        subprocess.run(command, check=True, timeout=60)


def test_every_block_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python blocks share one namespace, as in a notebook."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    demo.write_export(tmp_path)
    namespace: dict[str, object] = {"__name__": "readme"}
    for language, text in BLOCKS:
        if language == "sh":
            for line in text.strip().splitlines():
                _run_shell(line)
        else:
            assert language == "python"
            exec(compile(text, "README.md", "exec", dont_inherit=True), namespace)
    assert len(BLOCKS) > 5
