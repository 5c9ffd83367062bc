"""An export that was cut short or damaged never looks complete."""

from __future__ import annotations

import gzip
import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixpanel_data.exceptions import InvalidRecordError
from mixpanel_data.formats import read_export
from tests.support.exports import Trickle, events, line, lines, refusal, zstd

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Stored without compression, every cut leaves whole lines readable before it.
STORED = gzip.compress(lines(10), 0)
SMALL = gzip.compress(lines(10))


@pytest.mark.parametrize("whole", [STORED, SMALL, zstd(lines(10))], ids=["stored", "gzip", "zstd"])
def test_every_cut_of_a_compressed_stream_is_refused(whole: bytes) -> None:
    assert len(events(whole)) == 10
    for cut in range(1, len(whole)):
        assert "fetch" in refusal(whole[:cut]).message


@pytest.mark.parametrize("encode", [gzip.compress, zstd])
def test_every_cut_inside_a_later_member_is_refused(encode: Callable[[bytes], bytes]) -> None:
    member = encode(line())
    for cut in range(1, len(member)):
        refusal(member + member[:cut])


@given(st.integers(1, len(STORED) - 1), st.lists(st.integers(1, 300), min_size=1, max_size=3))
def test_no_chunking_hides_a_cut(cut: int, sizes: list[int]) -> None:
    with pytest.raises(InvalidRecordError):
        list(read_export(Trickle(STORED[:cut], sizes)))


@pytest.mark.parametrize("suffix", [".gz", ".GZ", ".zst"])
def test_an_empty_file_named_as_compressed_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"day.jsonl{suffix}"
    path.touch()
    with pytest.raises(InvalidRecordError, match="the file is empty"):
        next(read_export(path))


def test_an_empty_compressed_export_is_valid(tmp_path: Path) -> None:
    path = tmp_path / "day.gz"
    path.write_bytes(gzip.compress(b""))
    assert list(read_export(path)) == []
    assert events(zstd(b"")) == []


@pytest.mark.parametrize("damage", [b"garbage", b"\0" * 20, b"\x1f\x8b", line()])
@pytest.mark.parametrize("encode", [gzip.compress, zstd])
def test_anything_after_the_end_is_refused(encode: Callable[[bytes], bytes], damage: bytes) -> None:
    refusal(encode(lines(10)) + damage)


@given(st.integers(4, len(STORED) - 1), st.integers(1, 255))
def test_a_flipped_byte_is_refused_or_changes_nothing(position: int, flip: int) -> None:
    damaged = bytearray(STORED)
    damaged[position] ^= flip
    try:
        records = events(bytes(damaged))
    except InvalidRecordError:
        return
    assert position < 10  # the header's time and system say nothing about the content
    assert records == events(STORED)


def test_damage_found_by_a_gzip_file_object_is_refused() -> None:
    for broken in (SMALL[:-3], SMALL + b"garbage", SMALL[:30] + b"\xff" * 30 + SMALL[60:], b"{}"):
        stream = gzip.GzipFile(fileobj=io.BytesIO(broken))
        with pytest.raises(InvalidRecordError, match="cut short or damaged"):
            list(read_export(stream))


@pytest.mark.parametrize("remark", [b"terminated early", b"export terminated early\n"])
@pytest.mark.parametrize("partial", [b"", line()[:40]])
def test_an_export_that_mixpanel_terminated_early_is_refused(remark: bytes, partial: bytes) -> None:
    error = refusal(line() + partial + remark)
    assert error.message == (
        "<stream>, line 2: export terminated early by Mixpanel."
        " The download is incomplete: fetch it again."
    )
    assert (error.details["source"], error.details["line"]) == ("<stream>", 2)


def test_the_reason_and_its_place_are_reported() -> None:
    message = refusal(line() + b'{"event" 1}\n').message
    assert message.startswith("<stream>, line 2: it is not JSON (")
    assert "at character 10). " in message


def test_an_event_may_speak_of_terminating_early() -> None:
    assert len(events(line({"time": 1, "why": "terminated early"}))) == 1


@pytest.mark.parametrize("cut", [1, 20, -2])
def test_a_text_that_ends_inside_a_line_is_refused(cut: int) -> None:
    error = refusal(line() + line()[:cut])
    assert "line 2: the text ends inside this line" in error.message
    assert "fetch it again" in error.message
