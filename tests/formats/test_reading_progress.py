"""The hook that tells how much of the sources was read."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from mixpanel_data.formats import read_export, read_profiles
from tests.support.exports import ENCODINGS, lines

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_progress_counts_stored_bytes_up_to_the_size_of_all_sources(
    tmp_path: Path, encoding: str
) -> None:
    path = tmp_path / "export"
    path.write_bytes(ENCODINGS[encoding](lines(20_000)))
    seen: list[int] = []
    records = list(read_export(path, path, progress=seen.append))
    assert len(records) == 40_000
    assert seen == sorted(set(seen))
    assert seen[-1] == 2 * path.stat().st_size
    assert len(seen) > 1


def test_progress_of_profiles() -> None:
    text = b'{"$distinct_id": "u", "$properties": {}}\n'
    seen: list[int] = []
    assert len(list(read_profiles(io.BytesIO(text), progress=seen.append))) == 1
    assert seen[-1] == len(text)


def test_an_exception_of_the_hook_reaches_the_caller() -> None:
    failure = OSError("mine")

    def fail(_: int) -> None:
        raise failure

    for encode in ENCODINGS.values():
        with pytest.raises(OSError, match="mine") as caught:
            list(read_export(io.BytesIO(encode(lines(1))), progress=fail))
        assert caught.value is failure
