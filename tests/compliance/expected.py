"""The list of tests that are expected to fail, each with the reason."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

# The suite's plugin adds the database and its version to the names of the classes.
_DATABASE = re.compile(r"_duckdb\+mixpanel_data\w*(?=::)")


class _Expectation(NamedTuple):
    tests: re.Pattern[str]
    reason: str


class ExpectedFailures:
    """Read from paragraphs of a text file: lines with ``#`` give a reason, the others tests.

    A test is ``Class::test[parameters]``, where ``*`` stands for any text.
    """

    def __init__(self, path: Path) -> None:
        paragraphs = path.read_text(encoding="utf-8").split("\n\n")
        self._expectations = [found for text in paragraphs for found in _paragraph(text)]

    def reason(self, nodeid: str) -> str | None:
        """Return why the test fails; None for one that must not."""
        name = short_name(nodeid)
        return next((e.reason for e in self._expectations if e.tests.fullmatch(name)), None)


def short_name(nodeid: str) -> str:
    """Leave out the file, the database and its version."""
    return _DATABASE.sub("", nodeid).partition("::")[2]


def _paragraph(text: str) -> list[_Expectation]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    reason = " ".join(line.lstrip("# ") for line in lines if line.startswith("#"))
    return [
        _Expectation(re.compile(".*".join(map(re.escape, line.split("*")))), reason)
        for line in lines
        if not line.startswith("#")
    ]
