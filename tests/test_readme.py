"""Every code block of the README runs, in order, in one directory with a demo export."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mixpanel_data import demo
from tests.support.blocks import Reader, blocks_of
from tests.support.processes import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.every_variant]

README = ROOT / "README.md"
# Those for bash are run by test_nightly.py.
SKIPPED = {"bash"}
BLOCKS = blocks_of(README, SKIPPED)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with a demo export."""
    folder = tmp_path_factory.mktemp("readme")
    demo.write_export(folder)
    return folder


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    """Yield a reader, and close what a block that failed left open."""
    reader = Reader(README, skipped=SKIPPED)
    yield reader
    reader.close()


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_a_block_runs(
    number: int, reader: Reader, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MIXPANEL_DATA_DB", raising=False)
    reader.try_until(number)


def test_the_blocks_are_found() -> None:
    assert len(BLOCKS) > 5
