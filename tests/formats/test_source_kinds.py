"""Paths and streams, plain and compressed."""

from __future__ import annotations

import gzip
import io
import os
import threading
from typing import TYPE_CHECKING

import pytest

from mixpanel_data.exceptions import InvalidRecordError
from mixpanel_data.formats import read_export
from tests.support.exports import ENCODINGS, events, lines, refusal, zstd

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("name", ["export", "export.gz", "export.zst", "-"])
def test_the_format_is_recognised_by_content_not_by_name(
    tmp_path: Path, encoding: str, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(ENCODINGS[encoding](lines(5)))
    assert list(read_export(path)) == events(lines(5))
    assert list(read_export(str(path))) == events(lines(5))


def test_a_dash_is_a_file_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-").write_bytes(lines(1))
    assert len(list(read_export("-"))) == 1


@pytest.mark.parametrize("encode", [gzip.compress, zstd])
def test_members_and_frames_follow_each_other(encode: Callable[[bytes], bytes]) -> None:
    whole = lines(30)
    parts = [whole[:1000], whole[1000:1001], b"", whole[1001:]]
    assert events(b"".join(map(encode, parts))) == events(whole)


def test_sources_of_one_load_follow_each_other(tmp_path: Path) -> None:
    path = tmp_path / "day.gz"
    path.write_bytes(gzip.compress(lines(2).rstrip(b"\n")))
    records = list(read_export(path, io.BytesIO(lines(3)), str(path)))
    assert records == events(lines(2)) + events(lines(3)) + events(lines(2))


def test_a_gzip_file_object_is_a_stream(tmp_path: Path) -> None:
    path = tmp_path / "day.gz"
    path.write_bytes(gzip.compress(lines(2)))
    with gzip.open(path) as stream:
        assert list(read_export(stream)) == events(lines(2))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_pipe_is_a_stream(encoding: str) -> None:
    reading, writing = os.pipe()

    def write() -> None:
        with open(writing, "wb") as pipe:
            pipe.write(ENCODINGS[encoding](lines(3_000)))

    writer = threading.Thread(target=write)
    writer.start()
    with open(reading, "rb") as pipe:
        assert list(read_export(pipe)) == events(lines(3_000))
    writer.join()


def test_errors_name_the_file_or_stream(tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl"
    path.write_bytes(b"nonsense\n")
    with pytest.raises(InvalidRecordError) as caught:
        list(read_export(io.BytesIO(lines(1)), path))
    assert caught.value.message.startswith(f"{path}, line 1: it is not JSON")
    assert caught.value.details["source"] == str(path)
    with path.open("rb") as stream, pytest.raises(InvalidRecordError, match=r"day\.jsonl, line 1"):
        list(read_export(stream))
    assert refusal(b"nonsense\n").details["source"] == "<stream>"


def test_a_stream_without_a_name_in_words_is_called_stream() -> None:
    reading, writing = os.pipe()
    os.close(writing)
    with open(reading, "rb") as pipe:
        assert isinstance(pipe.name, int)
        assert list(read_export(pipe)) == []


def test_a_missing_file_is_the_systems_error_when_reading_starts(tmp_path: Path) -> None:
    reader = read_export(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError):
        next(reader)
    with pytest.raises(IsADirectoryError):
        next(read_export(tmp_path))


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("failure", [KeyError("mine"), OSError(5, "I/O"), TimeoutError("slow")])
def test_the_streams_own_errors_pass_untouched(encoding: str, failure: Exception) -> None:
    data = io.BytesIO(ENCODINGS[encoding](lines(100)))

    class Failing:
        def read(self, size: int, /) -> bytes:
            if data.tell() > 50:
                raise failure
            return data.read(10)

    with pytest.raises(type(failure)) as caught:
        list(read_export(Failing()))
    assert caught.value is failure


def test_text_streams_are_refused() -> None:
    with pytest.raises(TypeError, match="binary mode"):
        next(read_export(io.StringIO("{}")))  # type: ignore[arg-type]


def test_a_stream_that_would_block_is_not_taken_for_its_end() -> None:
    class NotReady:
        def read(self, size: int, /) -> None:
            return None

    with pytest.raises(BlockingIOError, match="would block"):
        next(read_export(NotReady()))
