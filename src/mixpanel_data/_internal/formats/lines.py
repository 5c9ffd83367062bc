"""Files and streams of bytes -> lines, in bounded memory, with damage told from a clean end."""

from __future__ import annotations

import codecs
import errno
import gzip
import os
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

import pyarrow as pa

from mixpanel_data._internal.json_text import has_long_digits
from mixpanel_data.exceptions import InvalidRecordError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_BLOCK = 1 << 18
_LONGEST_LINE = 64 << 20
_LONG_LINE = 16 << 10

_CODECS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_LONGEST_MAGIC = max(map(len, _CODECS))
_COMPRESSED_SUFFIXES = (".gz", ".gzip", ".zst", ".zstd")


@runtime_checkable
class BinaryStream(Protocol):
    """Anything that reads bytes; it need not seek, and may give fewer bytes than asked for."""

    def read(self, size: int, /) -> bytes | None:
        """Return at most *size* bytes, and none only at the end."""


Source = str | os.PathLike[str] | BinaryStream


class Batch(NamedTuple):
    """Neighbouring lines of one source, without their line ends."""

    source: str
    first: int
    lines: list[bytes]
    long_digits: bool
    """Whether 19 digits stand in a row somewhere, so that an integer may exceed 64 bits."""
    ended: bool
    """False for a last line without a line end, which is then the only one of its batch."""


def read_batches(source: Source, consumed: Callable[[int], None]) -> Iterator[Batch]:
    r"""Yield the lines of *source*, split at the byte ``\n`` only, a block at a time.

    *consumed* is told how many more bytes were taken from the source, before decompression.

    Raises:
        InvalidRecordError: compressed data is cut short or damaged, or a line never ends.
    """
    with _opened(source) as taken:
        blocks = _decompressed(taken)
        number, pending, held = 1, [b""], 0
        while block := _next_block(blocks, taken.name, number):
            consumed(taken.uncounted())
            body, newline, rest = block.rpartition(b"\n")
            if newline:
                batch = _batch(taken.name, number, b"".join((*pending, body)))
                number += len(batch.lines)
                pending, held = [], 0
                yield batch
            pending.append(rest)
            held += len(rest)
            if held > _LONGEST_LINE:
                raise invalid(
                    taken.name,
                    number,
                    f"it has no end within {_LONGEST_LINE >> 20} MB",
                    "This is not a file of lines; check what it holds.",
                )
        consumed(taken.uncounted())
        if held:
            yield _batch(taken.name, number, b"".join(pending), ended=False)


def has_long_lines(source: Source) -> bool:
    """Return whether the first lines of *source* are longer than ``_LONG_LINE`` on average."""
    with _opened(source) as taken:
        blocks = _decompressed(taken)
        # The first is what was looked at already.
        start = _next_block(blocks, taken.name, 1) + _next_block(blocks, taken.name, 1)
    return len(start) > _LONG_LINE * (start.count(b"\n") + 1)


def check_whole(source: Source) -> Iterator[None]:
    """Read compressed data to its end and its checksum, pausing after every block.

    Raises:
        InvalidRecordError: it is cut short or damaged.
    """
    with _opened(source) as taken:
        if taken.peek().startswith(tuple(_CODECS)):
            blocks = _decompressed(taken)
            while _next_block(blocks, taken.name, 1):
                yield


def join_pretty_printed(batches: Iterable[Batch]) -> Iterator[Batch]:
    """Put pretty-printed objects, which open with a line ``{`` and close with ``}``, on one line.

    All *batches* are of one source; each one given holds one line, under the number it starts at.
    """
    held: list[bytes] = []
    size = start = 0
    name = ""
    for batch in batches:
        name = batch.source
        for number, line in enumerate(batch.lines, batch.first):
            if not held and line.rstrip() != b"{":
                yield batch._replace(first=number, lines=[line])
                continue
            start = start if held else number
            held.append(line)
            size += len(line)
            if line.rstrip() == b"}" or size > _LONGEST_LINE:
                yield _joined(name, start, held)
                held, size = [], 0
    if held:
        yield _joined(name, start, held)._replace(ended=False)


def invalid(source: str, line: int, problem: str, suggestion: str) -> InvalidRecordError:
    """Build the error for one line of a source."""
    return InvalidRecordError(
        f"{source}, line {line}: {problem}. {suggestion}",
        source=source,
        line=line,
        problem=problem,
        suggestion=suggestion,
    )


def cut_short(source: str, line: int, problem: str) -> InvalidRecordError:
    """Build the error for a source that ends too early."""
    return invalid(source, line, problem, "The download is incomplete: fetch it again.")


class _CountingReader:
    """A stream whose first bytes can be looked at, and which counts what was taken from it.

    Arrow closes what it reads from; this has nothing to close, the stream is its opener's.
    """

    closed = False

    def __init__(self, stream: BinaryStream, name: str) -> None:
        self.name = name
        self._uncounted = 0
        self._stream = stream
        self._ahead = b""

    def peek(self) -> bytes:
        while len(self._ahead) < _LONGEST_MAGIC and (more := self._read(_LONGEST_MAGIC)):
            self._ahead += more
        return self._ahead

    def read(self, size: int) -> bytes:
        # Arrow would lose what a stream gives beyond the size asked for.
        block = self._ahead or self._read(size)
        self._ahead = block[size:]
        return block[:size]

    def uncounted(self) -> int:
        """Return how many bytes were taken since the last call."""
        count, self._uncounted = self._uncounted, 0
        return count

    def close(self) -> None:
        """Leave the stream open."""

    def _read(self, size: int) -> bytes:
        block = self._stream.read(size)
        if block is None:
            raise BlockingIOError(errno.EAGAIN, f"{self.name} would block; make it blocking")
        if not isinstance(block, bytes):
            raise TypeError(f"{self.name} gives {type(block).__name__}; open it in binary mode")
        self._uncounted += len(block)
        return block


@contextmanager
def _opened(source: Source) -> Iterator[_CountingReader]:
    if not isinstance(source, str | os.PathLike):
        name = getattr(source, "name", None)
        yield _CountingReader(source, name if isinstance(name, str) else "<stream>")
        return
    with open(source, "rb", buffering=0) as file:
        taken = _CountingReader(file, os.fspath(source))
        # The name never tells the format, but no compressed file is empty.
        if taken.name.lower().endswith(_COMPRESSED_SUFFIXES) and not taken.peek():
            raise cut_short(taken.name, 1, "the file is empty, which no compressed file is")
        yield taken


def _decompressed(taken: _CountingReader) -> Iterator[bytes]:
    start = taken.peek()
    read: Callable[[int], bytes] = taken.read
    for magic, codec in _CODECS.items():
        if start.startswith(magic):
            read = pa.CompressedInputStream(pa.PythonFile(taken, mode="r"), codec).read
    while block := read(_BLOCK):
        yield block


def _next_block(blocks: Iterator[bytes], name: str, line: int) -> bytes:
    try:
        return next(blocks, b"")
    except (EOFError, zlib.error, OSError) as error:
        # Arrow tells of damage by a bare OSError; those of the operating system have a number.
        bare = type(error) is OSError and error.errno is None
        if isinstance(error, OSError) and not (bare or isinstance(error, gzip.BadGzipFile)):
            raise
        problem = f"the compressed data is cut short or damaged ({error})"
        raise cut_short(name, line, problem) from error


def _batch(name: str, first: int, text: bytes, ended: bool = True) -> Batch:
    if first == 1:
        text = text.removeprefix(codecs.BOM_UTF8)
    return Batch(name, first, text.split(b"\n"), has_long_digits(text), ended)


def _joined(name: str, first: int, lines: list[bytes]) -> Batch:
    text = b"\n".join(lines)
    return Batch(name, first, [text], has_long_digits(text), ended=True)
