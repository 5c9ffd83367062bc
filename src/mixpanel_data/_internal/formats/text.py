"""Files and streams of bytes -> blocks of text, with damage told from a clean end."""

from __future__ import annotations

import codecs
import errno
import gzip
import os
import zlib
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from mixpanel_data._internal.deferral import Package
from mixpanel_data._internal.formats.content import encoding_of, is_enough
from mixpanel_data._internal.formats.refusals import cut_short, invalid, wrong_content

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa
else:
    pa = Package("pyarrow")

BLOCK = 1 << 18

_CODECS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_LONGEST_MAGIC = max(map(len, _CODECS))
_COMPRESSED_SUFFIXES = (".gz", ".gzip", ".zst", ".zstd")


@runtime_checkable
class BinaryStream(Protocol):
    """Anything that reads bytes; it need not seek, and may give fewer bytes than asked for."""

    def read(self, size: int, /) -> bytes | None:
        """Return at most *size* bytes, and none only at the end."""


Source = str | os.PathLike[str] | BinaryStream


class Text:
    """The text of one source, decompressed and in UTF-8, a block at a time."""

    def __init__(
        self,
        taken: CountingReader,
        consumed: Callable[[int], None] = lambda _: None,
        stream: Any = None,
    ) -> None:
        self.name = taken.name
        self.read_from_end = False
        self._taken = taken
        self._consumed = consumed
        self._blocks = decompressed(taken)
        self.start = self._look()
        """The first bytes, as many as tell what it is; ``next_block`` gives them, too."""
        self.stream: Any = None if taken.is_compressed else stream
        """What it is read from, for what can only be read from its end."""
        if encoding := encoding_of(self.start):
            self._blocks = self._transcoded(self.start, self._blocks, encoding)
            self.start = self._look()
        self._ahead = self.start

    def next_block(self, line: int = 1) -> bytes:
        """Return the next block, and none at the end.

        Raises:
            InvalidRecordError: the data is damaged or cut short, at *line* or after it.
        """
        if self._ahead:
            block, self._ahead = self._ahead, b""
            return block
        return self._next(line)

    def _next(self, line: int) -> bytes:
        block = _next_block(self._blocks, self.name, line)
        self._consumed(self._taken.uncounted())
        return block

    def _look(self) -> bytes:
        start = b""
        while not is_enough(start) and (block := self._next(1)):
            start += block
        return start

    def _transcoded(self, start: bytes, blocks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
        decoder = codecs.getincrementaldecoder(encoding)()
        line = 1
        try:
            while start or (start := next(blocks, b"")):
                if text := decoder.decode(start):
                    yield text.encode()
                line += text.count("\n")
                start = b""
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            problem = f"it is not {encoding.upper()} ({error.reason})"
            if error.reason in ("truncated data", "unexpected end of data"):
                raise cut_short(self.name, line, problem) from error
            raise invalid(self.name, line, problem, "Save it as UTF-8.") from error


@contextmanager
def open_text(source: Source, consumed: Callable[[int], None]) -> Iterator[Text]:
    """Open a path, or read a stream from where it stands, and leave it open.

    *consumed* is told how many more bytes were taken from the source, before decompression.

    Raises:
        InvalidRecordError: compressed data is cut short or damaged.
    """
    with _opened(source) as taken:
        yield Text(taken, consumed, taken.stream if taken.offset == 0 else None)


def seekable(text: Text) -> Any:
    """Return the file that *text* is read from, for what can only be read from its end.

    Raises:
        InvalidRecordError: it is a pipe, or is within another file.
    """
    stream = text.stream
    try:
        if stream is not None and stream.seekable():
            stream.seek(0)
            text.read_from_end = True
            return stream
    except (AttributeError, OSError):
        pass
    raise wrong_content(
        text.name,
        "a Parquet file or zip archive within another file or from a pipe, where it cannot be read",
        "Load it as a file of its own.",
    )


def start_of(source: Source) -> bytes:
    """Return the first bytes of *source*, a block or two of them."""
    with _opened(source) as taken:
        blocks = decompressed(taken)
        # The first is what was looked at already.
        return _next_block(blocks, taken.name, 1) + _next_block(blocks, taken.name, 1)


def check_whole(source: Source) -> Iterator[None]:
    """Read compressed data to its end and its checksum, pausing after every block.

    Raises:
        InvalidRecordError: it is cut short or damaged.
    """
    with _opened(source) as taken:
        if taken.peek().startswith(tuple(_CODECS)):
            blocks = decompressed(taken)
            while _next_block(blocks, taken.name, 1):
                yield


class CountingReader:
    """A stream whose first bytes can be looked at, and which counts what was taken from it.

    Arrow closes what it reads from; this has nothing to close, the stream is its opener's.
    """

    closed = False

    def __init__(self, stream: Any, name: str) -> None:
        self.name = name
        self.stream = stream
        self.offset: int | None = None
        with suppress(AttributeError, OSError):
            self.offset = stream.tell()
        self.is_compressed = False
        self._uncounted = 0
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
        block = self.stream.read(size)
        if block is None:
            raise BlockingIOError(errno.EAGAIN, f"{self.name} would block; make it blocking")
        if not isinstance(block, bytes):
            raise TypeError(f"{self.name} gives {type(block).__name__}; open it in binary mode")
        self._uncounted += len(block)
        return block


@contextmanager
def _opened(source: Source) -> Iterator[CountingReader]:
    if not isinstance(source, str | os.PathLike):
        name = getattr(source, "name", None)
        yield CountingReader(source, name if isinstance(name, str) else "<stream>")
        return
    with open(source, "rb", buffering=0) as file:
        taken = CountingReader(file, os.fspath(source))
        # The name never tells the format, but no compressed file is empty.
        if taken.name.lower().endswith(_COMPRESSED_SUFFIXES) and not taken.peek():
            raise invalid(
                taken.name,
                1,
                "the file is empty, which no compressed file is",
                "The download is incomplete: fetch it again. If there is nothing for this day, say"
                " so with allow_empty=True (--allow-empty).",
            )
        yield taken


def decompressed(taken: CountingReader) -> Iterator[bytes]:
    """Yield the blocks of a stream, decompressed where its first bytes say that it is."""
    start = taken.peek()
    read: Callable[[int], bytes] = taken.read
    for magic, codec in _CODECS.items():
        if start.startswith(magic):
            taken.is_compressed = True
            read = pa.CompressedInputStream(pa.PythonFile(taken, mode="r"), codec).read
    while block := read(BLOCK):
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
