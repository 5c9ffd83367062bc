"""Which kind of records files and streams hold, by the first one in them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mixpanel_data._internal.formats.reading import read_rows
from mixpanel_data._internal.formats.refusals import incorrect
from mixpanel_data._internal.formats.spellings import kind_of, not_of_kind
from mixpanel_data._internal.formats.text import BinaryStream
from mixpanel_data.types import TableKind


def detect_kind(
    sources: Iterable[Path | BinaryStream],
) -> tuple[TableKind | None, list[Path | BinaryStream]]:
    """Return the kind of the first record in *sources*, and the sources to read after that.

    Those are the same, but pipes, which cannot be read twice: they are replaced by streams that
    begin again. The kind is None where there is no record at all.

    Raises:
        InvalidRecordError: the first source that is not empty holds no record of either kind.
    """
    kind: TableKind | None = None
    left: list[Path | BinaryStream] = []
    for source in sources:
        if kind is not None:
            left.append(source)
        else:
            kind, source = _look(source)
            left.append(source)
    return kind, left


def _look(source: Path | BinaryStream) -> tuple[TableKind | None, Path | BinaryStream]:
    stream: Any = source
    if isinstance(source, Path):
        if source.is_file():
            return (None if source.stat().st_size == 0 else _kind(source)), source
        stream = source.open("rb", buffering=0)
    elif getattr(stream, "seekable", bool)():
        at = stream.tell()
        try:
            return _kind(source), source
        finally:
            stream.seek(at)
    rewound = _Rewound(stream, source if isinstance(source, Path) else None)
    kind = _kind(rewound)
    rewound.rewind()
    return kind, rewound


def _kind(source: Path | BinaryStream) -> TableKind | None:
    for place, row in read_rows([source], pages=True, allow_empty=True):
        kind = kind_of(row)
        if kind is None:
            problem = "neither 'event' nor '$distinct_id' is in it"
            raise incorrect(place, not_of_kind(row, "events", problem))
        return kind
    return None


class _Rewound:
    """A stream that gives once more what was read from it to look at it."""

    def __init__(self, stream: Any, path: Path | None) -> None:
        self.path = path
        self.name = getattr(stream, "name", None) if path is None else str(path)
        self._stream = stream
        self._kept: list[bytes] = []
        self._looking, self._ended = True, False

    def read(self, size: int, /) -> bytes | None:
        if not self._looking and self._kept:
            block = self._kept.pop()
            if len(block) > size:
                self._kept.append(block[size:])
            return block[:size]
        if self._ended:
            return b""
        read: bytes | None = self._stream.read(size)
        if self._looking and read:
            self._kept.append(read)
        if read == b"":
            self._ended = True
            self._close()
        return read

    def rewind(self) -> None:
        self._looking = False
        self._kept.reverse()

    def _close(self) -> None:
        # A stream of the caller's stays open.
        if self.path is not None:
            self._stream.close()

    __del__ = _close
