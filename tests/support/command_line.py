"""The command line in this process, and what it returned; and the shape of a process of its own."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import Any, Protocol

from typer.testing import CliRunner

from mixpanel_data.cli.app import app


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str
    raw: bytes

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The output, read as JSON Lines."""
        return [json.loads(line) for line in self.out.splitlines()]


class Run(Protocol):
    def __call__(self, *arguments: object, stdin: bytes | None = None) -> Outcome: ...


def _runner() -> CliRunner:
    try:
        return CliRunner(mix_stderr=False)  # type: ignore[call-arg]
    except TypeError:  # newer ones never mix them
        return CliRunner()


def invoke(*arguments: object, stdin: bytes | None = None) -> Outcome:
    """Run the command line in this process, without a terminal."""
    result = _runner().invoke(app, [str(a) for a in arguments], input=stdin)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    raw = result.stdout_bytes
    return Outcome(result.exit_code, raw.decode(errors="replace"), result.stderr, raw)


class Start(Protocol):
    def __call__(self, *arguments: object, **options: Any) -> subprocess.Popen[bytes]: ...
