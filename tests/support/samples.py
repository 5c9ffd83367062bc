"""Sample exports with what is expected of them: one of the tests, and one where it is at hand."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import ROOT


@dataclass(frozen=True)
class Sample:
    """A folder with an export of events, one of profiles, and the figures of both."""

    folder: Path

    @property
    def events(self) -> Path:
        """The export of events."""
        return next(self.folder.glob("events.jsonl*"))

    @property
    def profiles(self) -> Path:
        """The export of profiles."""
        return next(self.folder.glob("profiles.jsonl*"))

    @property
    def expected(self) -> dict[str, Any]:
        """How many lines, rows and values of each kind there are."""
        figures: dict[str, Any] = json.loads((self.folder / "expected.json").read_text())
        return figures


_LARGE = ROOT.parent / "shared" / "data"
SAMPLES = [
    pytest.param(Sample(Path(__file__).with_name("sample")), id="200 lines"),
    pytest.param(
        Sample(_LARGE),
        id="20,000 lines",
        marks=[
            pytest.mark.slow,
            pytest.mark.skipif(not _LARGE.is_dir(), reason=f"there is no {_LARGE}"),
        ],
    ),
]
