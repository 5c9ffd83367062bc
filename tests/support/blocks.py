"""The code blocks of a page, and a reader who tries out one after the other."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

from tests.support.command_line import invoke
from tests.support.processes import ROOT

# What is shown and not run: output, and what other programs read.
NO_CODE = {"text"}
_EXTRAS = {".[cli]", ".[cli,plot]", ".[plot]", ".[cli,clickhouse]", "./mixpanel-data[cli,plot]"}
# What sets up an environment around the one that the tests have.
_SET_UP = re.compile(
    r"git clone https://github\.com/mixpanel-data/mixpanel-data"
    r"|python3 -m venv (\.\./)?mixpanel-venv|\. (\.\./)?mixpanel-venv/bin/activate"
    r"|export MIXPANEL_(USER|SECRET|PROJECT)='[^']+'"
)
# A server on the reader's machine, for which ClickHouse in the tests' process stands in.
_SERVER = re.compile(r"clickhousedb://default@localhost:8123/(\w+)")


def blocks_of(page: Path, skipped: Collection[str] = ()) -> list[tuple[str, str]]:
    """Return the language and text of each block of a page but of *skipped* ones, in order."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S)
    return [(language, text) for language, text in found if language not in {*NO_CODE, *skipped}]


class Reader:
    """Somebody who tries out one block after the other; Python's share a namespace.

    *host* is asked instead of Mixpanel's export API.
    """

    def __init__(self, page: Path, host: str = "", skipped: Collection[str] = ()) -> None:
        self.namespace: dict[str, Any] = {"__name__": page.stem}
        self.blocks = blocks_of(page, skipped)
        self._name = page.name
        self._host = host
        self._tried = 0

    def try_until(self, number: int) -> None:
        """Run the blocks up to this one that did not run yet, perhaps in another process."""
        while self._tried <= number:
            language, text = self.blocks[self._tried]
            self._tried += 1
            text = text.replace("https://data.mixpanel.com", self._host)
            self._try(language, _SERVER.sub(r"clickhousedb:///\1?interface=chdb", text))

    def _try(self, language: str, text: str) -> None:
        if language == "sh":
            for line in text.replace("\\\n", " ").strip().splitlines():
                run_line(line)
        elif language == "bash":
            _run_script(text)
        elif language == "cron":
            for line in text.strip().splitlines():
                *times, command = line.split(maxsplit=5)
                assert all(re.fullmatch(r"[\d*/,-]+", time) for time in times), line
                _run_script(command)
        else:
            assert language == "python", language
            exec(compile(text, self._name, "exec", dont_inherit=True), self.namespace)

    def close(self) -> None:
        """Close what a block that failed left open."""
        if "storage" in self.namespace:
            self.namespace["storage"].close()


def run_line(line: str) -> None:
    """Run a line of shell; what sets up an environment is only looked at."""
    words = shlex.split(line, comments=True)
    if _SET_UP.fullmatch(line):
        return
    if words[0] == "make":
        subprocess.run(["make", "-n", "-C", str(ROOT), *words[1:]], check=True, timeout=60)
    elif words[0] == "pip":
        assert words[1] == "install"
        assert set(words[2:]) <= _EXTRAS
    else:
        assert words[0] == "mixpanel-data"
        done = invoke(*words[1:])
        assert done.code == 0, (line, done.err)


def _run_script(text: str) -> None:
    # The command that was installed beside this interpreter.
    folder = shlex.quote(str(Path(sys.executable).parent))
    script = f"set -euo pipefail; export PATH={folder}:$PATH\n{text}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, (text, done.stderr)
