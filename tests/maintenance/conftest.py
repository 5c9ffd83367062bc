"""Files of earlier revisions, each a copy that a test may change."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.files import REVISIONS, asset, original


@pytest.fixture(params=REVISIONS)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a file of each revision in turn."""
    return asset(request.param, tmp_path)


@pytest.fixture(params=REVISIONS[:-1])
def older(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a file of each revision before the head in turn."""
    return asset(request.param, tmp_path)


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """Return the original library's file."""
    return asset(REVISIONS[0], tmp_path)


@pytest.fixture
def newest(tmp_path: Path) -> Path:
    """Return a file of the head."""
    return asset(REVISIONS[-1], tmp_path)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """Return a file that the original library would have made, with two tables."""
    return original(tmp_path / "made.db", {"jan": 300, "feb": 200})
