"""``make check`` fails on docstrings that begin with Give, Say or Tell."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import ROOT


def _check(*folders: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, str(ROOT / ".ci" / "docstrings.py"), *map(str, folders)]
    return subprocess.run(words, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ('"""Say what the module is for."""', 1),
        ('def f():\n    """Give the number."""', 2),
        ('class A:\n    """Tells the time."""', 2),
        ('class A:\n    @property\n    def f(self):\n        r"""Give it."""', 4),
        ('async def f():\n    """\n    gives what there is\n    """', 2),
        ('def f():\n    def g():\n        "Say\\nmore"', 3),
    ],
)
def test_a_forbidden_verb_fails_with_its_line(tmp_path: Path, source: str, line: int) -> None:
    (tmp_path / "inner").mkdir()
    path = tmp_path / "inner" / "module.py"
    path.write_text(source)
    done = _check(tmp_path)
    assert done.returncode == 1
    assert done.stdout.startswith(f"{path}:{line}: ")


def test_other_docstrings_pass(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(
        '"""Givens of the module."""\n\n\ndef f():\n    """Return a number."""\n    "Say nothing"\n'
    )
    done = _check(tmp_path)
    assert (done.returncode, done.stdout) == (0, "")


def test_a_missing_folder_fails(tmp_path: Path) -> None:
    assert _check(tmp_path, tmp_path / "none").returncode == 1
