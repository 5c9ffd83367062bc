"""The blocks of a database file, each of which carries a checksum of its content.

Reading rows reads neither the indexes nor what is in no table, so a check of a file reads the file.
The layout is DuckDB's since version 0.10: three headers of 4 KiB, then blocks of one size.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mixpanel_data._internal.duckdb.files import open_shared, read_at

_HEADER = 4096
_FIRST_BLOCK = 3 * _HEADER
# A metadata block is one of 64 equal parts of a block.
_PARTS = 64
_FACTOR = 0xBF58476D1CE4E5B9
_NO_BLOCK = (1 << 64) - 1


class _Layout(NamedTuple):
    iteration: int
    meta_block: int
    free_list: int
    block_count: int
    block_size: int


def checksum(data: bytes) -> int:
    """Return DuckDB's checksum of *data*."""
    # numpy is loaded only where a file or its log is checked.
    import numpy as np

    words = np.frombuffer(data, dtype="<u8", count=len(data) // 8)
    found = int(np.bitwise_xor.reduce(words * np.uint64(_FACTOR), initial=np.uint64(0))) ^ 5381
    rest = data[len(words) * 8 :]
    return found ^ _checksum_of_rest(rest) if rest else found


def _checksum_of_rest(data: bytes) -> int:
    """Return the checksum of fewer than 8 bytes: the end of MurmurHash64A."""
    factor, mask = 0xC6A4A7935BD1E995, (1 << 64) - 1
    found = 0xE17A1465 ^ (len(data) * factor & mask) ^ int.from_bytes(data, "little")
    found = found * factor & mask
    found = (found ^ found >> 47) * factor & mask
    return found ^ found >> 47


def damage(path: Path) -> Iterator[str]:
    """Read all of a file that DuckDB has opened, and yield what is wrong with it."""
    opened = open_shared(path)
    headers = [read_at(opened, _HEADER, _HEADER * number) for number in range(3)]
    if not all(map(_is_whole, headers)):
        yield "a header of the file is damaged"
        return
    layout = max(_Layout(*struct.unpack_from("<5Q", header, 8)) for header in headers[1:])
    free = _free_blocks(opened, layout)
    for number in range(layout.block_count):
        block = _block(opened, layout, number)
        unused = number in free
        # The space of blocks that are not used any more may have been given back.
        if _is_whole(block, layout.block_size) or (unused and not any(block)):
            continue
        what = "damaged" if len(block) == layout.block_size else "missing: the file was cut"
        use = ", though nothing uses it now" if unused else ""
        yield f"block {number} of {layout.block_count} is {what}{use}"


def _is_whole(block: bytes, size: int = _HEADER) -> bool:
    return len(block) == size and int.from_bytes(block[:8], "little") == checksum(block[8:])


def _block(opened: int, layout: _Layout, number: int) -> bytes:
    return read_at(opened, layout.block_size, _FIRST_BLOCK + number * layout.block_size)


def _free_blocks(opened: int, layout: _Layout) -> set[int]:
    """Return the blocks that nothing uses, as far as their list can be read."""
    words = _metadata(opened, layout, layout.free_list)
    return {next(words, 0) for _ in range(min(next(words, 0), layout.block_count))}


def _metadata(opened: int, layout: _Layout, pointer: int) -> Iterator[int]:
    """Yield the words of a chain of metadata blocks."""
    size = (layout.block_size - 8) // _PARTS // 8 * 8
    seen: set[int] = set()
    while pointer != _NO_BLOCK and pointer not in seen:
        seen.add(pointer)
        block = _block(opened, layout, pointer & ((1 << 56) - 1))
        if not _is_whole(block, layout.block_size):
            return
        start = 8 + (pointer >> 56) * size
        pointer, *words = struct.unpack(f"<{size // 8}Q", block[start : start + size])
        yield from words
