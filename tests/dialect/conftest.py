"""An engine of the dialect on a real file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"duckdb+mixpanel_data:///{tmp_path / 'data.db'}"


@pytest.fixture
def engine(url: str) -> Iterator[sa.Engine]:
    engine = sa.create_engine(url)
    yield engine
    engine.dispose()
