"""Where one line ends and the next begins."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixpanel_data.exceptions import InvalidRecordError
from mixpanel_data.formats import read_export
from tests.support.exports import BASE, ENCODINGS, Trickle, event, events, line, lines, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

BOM = b"\xef\xbb\xbf"


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\u0085", "\x7f"])
def test_only_a_newline_byte_ends_a_line(separator: str) -> None:
    text = f"a{separator}b"
    record = event(line({**BASE, "text": text}))
    assert record["properties"]["text"] == text


def test_carriage_returns_blank_lines_and_a_byte_order_mark_are_tolerated() -> None:
    plain = lines(3)
    assert events(BOM + plain.replace(b"\n", b"\r\n\n \t\r\n") + b"\n") == events(plain)


def test_the_last_line_needs_no_end() -> None:
    assert events(lines(3).rstrip(b"\n")) == events(lines(3))
    assert events(BOM + line().rstrip(b"\n")) == events(line())


@pytest.mark.parametrize("nothing", [b"", b"\n", b"\r\n\r\n", BOM])
def test_an_export_without_events_is_empty(nothing: bytes) -> None:
    assert events(nothing) == []


def test_a_byte_order_mark_elsewhere_is_refused() -> None:
    assert refusal(line() + BOM + line()).details["line"] == 2


def test_line_numbers_count_blank_lines_and_every_block() -> None:
    many = lines(5_000)
    assert refusal(many + b"\n\n" + b"nonsense\n" + many).details["line"] == 5_003


@given(st.sampled_from(sorted(ENCODINGS)), st.lists(st.integers(1, 400), min_size=1, max_size=5))
def test_chunks_never_matter(encoding: str, sizes: list[int]) -> None:
    data = ENCODINGS[encoding](lines(20) + line({"time": 1, "big": 10**20}))
    assert list(read_export(Trickle(data, sizes))) == events(data)


def test_one_byte_at_a_time() -> None:
    assert list(read_export(Trickle(BOM + lines(2), [1]))) == events(lines(2))


def test_lines_longer_than_a_block() -> None:
    long = line({**BASE, "text": "x" * 1_000_000})
    assert len(events(long * 3)) == 3


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_stream_may_give_more_than_asked_for(encoding: str) -> None:
    data = io.BytesIO(ENCODINGS[encoding](lines(20_000)))

    class Generous:
        def read(self, size: int, /) -> bytes:
            return data.read()

    assert len(list(read_export(Generous()))) == 20_000


class Endless:
    def read(self, size: int, /) -> bytes:
        return b"x" * size


def test_a_line_without_end_is_refused_before_it_fills_the_memory() -> None:
    with pytest.raises(InvalidRecordError, match="line 1: it has no end within 64 MB"):
        next(read_export(Endless()))


def test_reading_is_lazy() -> None:
    taken = 0

    def chunks() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield lines(1)

    class Source:
        stream = chunks()

        def read(self, size: int, /) -> bytes:
            return next(self.stream)

    reader = read_export(Source())
    assert taken == 0
    next(reader)
    assert taken < 5


def test_a_stream_is_read_from_where_it_stands_and_left_open() -> None:
    stream = io.BytesIO(b"header\n" + lines(2))
    stream.readline()
    assert list(read_export(stream)) == events(lines(2))
    assert not stream.closed
