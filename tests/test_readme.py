"""Every code block of the README runs, in order, in one directory with a demo export."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mixpanel_data import demo
from tests.support.command_line import invoke
from tests.support.processes import ROOT

pytestmark = pytest.mark.slow

# The block for bash is run by test_nightly.py.
BLOCKS = [
    block
    for block in re.findall(
        r"^```(\w+)\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL
    )
    if block[0] != "bash"
]


class Reader:
    """Somebody who tries out one block after the other; Python's share a namespace."""

    def __init__(self) -> None:
        self.namespace: dict[str, Any] = {"__name__": "readme"}
        self._tried = 0

    def try_until(self, number: int) -> None:
        """Run the blocks up to this one that did not run yet, perhaps in another process."""
        while self._tried <= number:
            language, text = BLOCKS[self._tried]
            self._tried += 1
            if language == "sh":
                for line in text.strip().splitlines():
                    _run_shell(line)
            else:
                assert language == "python"
                exec(compile(text, "README.md", "exec", dont_inherit=True), self.namespace)


def _run_shell(line: str) -> None:
    words = shlex.split(line, comments=True)
    if words[0] == "make":
        subprocess.run(["make", "-n", "-C", str(ROOT), *words[1:]], check=True, timeout=60)
    elif words[0] == "pip":
        dry = [sys.executable, "-m", *words, "--dry-run", "--no-deps", "--no-build-isolation"]
        subprocess.run([*dry, "--quiet"], check=True, timeout=120, cwd=ROOT)
    else:
        assert words[0] == "mixpanel-data"
        done = invoke(*words[1:])
        assert done.code == 0, (line, done.err)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with a demo export."""
    folder = tmp_path_factory.mktemp("readme")
    demo.write_export(folder)
    return folder


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    """Yield a reader, and close what a block that failed left open."""
    reader = Reader()
    yield reader
    if "storage" in reader.namespace:
        reader.namespace["storage"].close()


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_a_block_runs(
    number: int, reader: Reader, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MIXPANEL_DATA_DB", raising=False)
    reader.try_until(number)


def test_the_blocks_are_found() -> None:
    assert len(BLOCKS) > 5
