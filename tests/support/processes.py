"""Other processes: one that obeys commands, and ones that run a script to its end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

_SERVER = """
import json, sys
from mixpanel_data import StorageEngine
from tests.support.factories import *

names = {}
print("ready", flush=True)
for line in sys.stdin:
    code, variables = json.loads(line)
    names.update(variables, result=None)
    try:
        exec(code, globals(), names)
        answer = {"result": names["result"]}
    except BaseException as error:
        answer = {"error": type(error).__name__, "message": str(error)}
    print(json.dumps(answer), flush=True)
"""


def environment(**changes: str) -> dict[str, str]:
    """Return this process's environment, changed, from which a child can import the tests."""
    paths = filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), **changes}


def start(code: str, *arguments: object, **variables: str) -> subprocess.Popen[str]:
    """Start a Python process that runs *code*; its output and errors can be read."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(**variables),
    )


def run(code: str, *arguments: object, **variables: str) -> str:
    """Run *code* in a Python process of its own, to a clean end, and return what it printed."""
    process = start(code, *arguments, **variables)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return output


class OtherProcess:
    """A Python process that runs the code it is given, and remembers its variables."""

    def __init__(self) -> None:
        self._process = start(_SERVER)
        self.pid = self._process.pid
        assert self._read() == "ready\n", self._process.communicate()[1]

    def run(self, code: str, **variables: Any) -> Any:
        """Run *code* with *variables* there, and return what it assigned to ``result``."""
        answer = self.attempt(code, **variables)
        assert "error" not in answer, answer
        return answer["result"]

    def attempt(self, code: str, **variables: Any) -> dict[str, Any]:
        """Run *code* there and give its ``result``, or its ``error`` and the ``message``."""
        assert self._process.stdin
        command = json.dumps([textwrap.dedent(code), variables], default=str)
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._read())
        return answer

    def end(self) -> None:
        """End the process."""
        self._process.communicate(timeout=60)

    def _read(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline()
