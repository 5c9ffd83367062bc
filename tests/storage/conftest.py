"""Fixtures that only the storage tests need: other processes, and a temp directory of one's own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import OtherProcess


@pytest.fixture(scope="session")
def _companion() -> Iterator[OtherProcess]:
    process = OtherProcess()
    yield process
    process.end()


@pytest.fixture
def other_process(_companion: OtherProcess) -> Iterator[OtherProcess]:
    """Yield a living process; what it opened as ``engine`` is closed when the test ends."""
    _companion.run("engine = None")
    yield _companion
    _companion.run("engine is None or engine.close()")


@pytest.fixture
def temp_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an empty directory the system's temp directory of this process."""
    folder = tmp_path / "temp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an empty directory the home of this process."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setattr(Path, "home", lambda: folder)
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.fixture
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    """Set the umask that the test is parametrised with."""
    before = os.umask(request.param)
    yield
    os.umask(before)
