"""Blocks of text -> lines, in bounded memory."""

from __future__ import annotations

import codecs
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from mixpanel_data._internal.formats.refusals import invalid
from mixpanel_data._internal.formats.text import Text
from mixpanel_data._internal.formats.values import is_page, split_values
from mixpanel_data._internal.json_text import has_long_digits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LONGEST_LINE = 64 << 20
_LONG_PAGE = 8 << 20
_LONG_LINE = 8 << 10
# Blocks or lines: the results of a page follow its first few keys.
_LOOKED_AT = 20


class Batch(NamedTuple):
    """Neighbouring lines of one source, without their line ends."""

    source: str
    first: int
    lines: list[bytes]
    long_digits: bool
    """Whether 19 digits stand in a row somewhere, so that an integer may exceed 64 bits."""
    ended: bool = True
    """False for a last line without a line end, which is then the only one of its batch."""
    unit: str = "line"
    """What is numbered: records of a list have no lines of their own."""


def split_lines(text: Text, pages: bool = False) -> Iterator[Batch]:
    r"""Yield the lines of *text*, split at the byte ``\n`` only, a block at a time.

    A long line that is one of *pages* is yielded as the records in it.

    Raises:
        InvalidRecordError: compressed data is cut short or damaged, or a line never ends.
    """
    number, pending, held = 1, [b""], 0
    while block := text.next_block(number):
        body, newline, rest = block.rpartition(b"\n")
        if newline:
            batch = _batch(text.name, number, b"".join((*pending, body)))
            number += len(batch.lines)
            pending, held = [], 0
            yield batch
        pending.append(rest)
        held += len(rest)
        is_long = pages and held > _LONG_PAGE >= held - len(rest)
        if is_long and is_page(b"".join(pending[:_LOOKED_AT])):
            yield from split_members(text.name, chain(pending, iter(text.next_block, b"")))
            return
        if held > _LONGEST_LINE:
            raise invalid(
                text.name,
                number,
                f"it has no end within {_LONGEST_LINE >> 20} MB",
                "This is not a file of lines; check what it holds.",
            )
    if held:
        yield _batch(text.name, number, b"".join(pending), ended=False)


def split_members(source: str, blocks: Iterator[bytes]) -> Iterator[Batch]:
    """Yield the records in lists and pages.

    Raises:
        InvalidRecordError: the text is cut short, or a record never ends.
    """
    number = 1
    for values in split_values(source, blocks):
        yield Batch(source, number, values, has_long_digits(b" ".join(values)), unit="record")
        number += len(values)


def has_long_lines(start: bytes) -> bool:
    """Return whether the lines of a text are longer than ``_LONG_LINE`` on average."""
    return len(start) > _LONG_LINE * (start.count(b"\n") + 1)


def join_pretty_printed(batches: Iterable[Batch]) -> Iterator[Batch]:
    """Put pretty-printed objects, which open with a line ``{`` and close with ``}``, on one line.

    All *batches* are of one source; each one given holds one line, under the number it starts at.
    """
    held: list[bytes] = []
    size = start = 0
    name = ""
    numbered = ((b, n, line) for b in batches for n, line in enumerate(b.lines, b.first))
    for batch, number, line in numbered:
        name = batch.source
        if not held and line.rstrip() != b"{":
            yield batch._replace(first=number, lines=[line])
            continue
        start = start if held else number
        held.append(line)
        size += len(line)
        if line.rstrip() == b"}" or size > _LONGEST_LINE:
            yield _joined(name, start, held)
            held, size = [], 0
        elif size > _LONG_PAGE and is_page(b"".join(held[:_LOOKED_AT])):
            rest = (line + b"\n" for _, _, line in numbered)
            yield from split_members(name, chain([b"\n".join([*held, b""])], rest))
            return
    if held:
        yield _joined(name, start, held)._replace(ended=False)


def _batch(name: str, first: int, text: bytes, ended: bool = True) -> Batch:
    if first == 1:
        text = text.removeprefix(codecs.BOM_UTF8)
    return Batch(name, first, text.split(b"\n"), has_long_digits(text), ended)


def _joined(name: str, first: int, lines: list[bytes]) -> Batch:
    text = b"\n".join(lines)
    return Batch(name, first, [text], has_long_digits(text))
