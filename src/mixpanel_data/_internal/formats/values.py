"""JSON lists and pages of profiles -> their records, without holding the whole list."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from mixpanel_data._internal.formats.refusals import cut_short, invalid

if TYPE_CHECKING:
    from collections.abc import Iterator

# What is yielded for a list without records.
EMPTY_LIST = b"[]"

_LONGEST_VALUE = 64 << 20
_LONGEST_KEY = 100

_STRING = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
# An object or list of at most some thousand members, which hold no others, or only such as hold
# none, is passed in one step: most records are.
_FLAT = rb'[{\[][^][{}"]*(?:%s[^][{}"]*){0,5000}[]}]'
_NESTED = _FLAT.replace(b"%s", b"(?:" + _STRING + b"|" + _FLAT.replace(b"%s", _STRING) + b")")
_TOKEN = re.compile(_NESTED + rb"|" + _STRING + rb'|[][{},"]', re.DOTALL)
_INNER = re.compile(_STRING + rb'|[][{},"]', re.DOTALL)
_RESULTS = re.compile(rb'(?<!\\)"results"\s*:\s*\[')
_RESULTS_END = re.compile(_RESULTS.pattern + rb"\Z")


def is_page(start: bytes) -> bool:
    """Return whether a text that begins with *start* may be a page of profiles."""
    return start.lstrip()[:1] == b"{" and _RESULTS.search(start) is not None


def split_values(source: str, blocks: Iterator[bytes]) -> Iterator[list[bytes]]:
    """Yield the text of each record of lists and of pages, those that end in a block together.

    Lists and pages may follow each other.

    What is no value is yielded as it is, for the parser to refuse.

    Raises:
        InvalidRecordError: the text ends within a list, or a record never ends.
    """
    scan = _Scan(source)
    for block in blocks:
        yield list(scan.feed(block))
    yield list(scan.finish())


class _Scan:
    """Where the records in a text begin and end, however it comes in blocks."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._text = b""
        self._begin = self._at = 0
        self._depth = 0
        # The depth of the records of the list that is being read; 0 between lists.
        self._level = 0
        self._in_page = False
        self._number = 1
        self._expects = False
        # How much must be there before it is worth looking again.
        self._needed = 0

    def feed(self, block: bytes) -> Iterator[bytes]:
        text = self._text[self._begin :] + block
        if not self._text and not self._begin:
            text = text.removeprefix(codecs.BOM_UTF8)
        self._at -= self._begin
        self._begin, self._text = 0, text
        if len(text) > _LONGEST_VALUE:
            raise invalid(
                self._source,
                self._number,
                f"it has no end within {_LONGEST_VALUE >> 20} MB",
                "Check what this file holds.",
                unit="record",
            )
        if len(text) - self._at >= self._needed:
            yield from self._tokens()

    def _tokens(self) -> Iterator[bytes]:
        text, self._needed = self._text, 0
        while (match := self._pattern().search(text, self._at)) is not None:
            token = match[0]
            if token == b'"':
                # A string that goes on. Not tried again with each block: it may be a long one.
                self._needed = 2 * (len(text) - self._at)
                break
            self._at = match.end()
            # Strings, and what is flat, matter to nobody.
            if len(token) == 1:
                yield from self._step(token, match.start())

    def finish(self) -> Iterator[bytes]:
        yield from self._tokens()
        rest = self._text[self._begin :].strip()
        if self._depth or self._level:
            raise cut_short(
                self._source, self._number, "the text ends before its list does", unit="record"
            )
        if rest or self._number == 1:
            # A list without a record is as good as an empty file.
            yield rest or EMPTY_LIST

    def _pattern(self) -> re.Pattern[bytes]:
        # The list itself may be flat, too: its records are looked for one by one.
        return _TOKEN if self._level and self._depth >= self._level else _INNER

    def _step(self, token: bytes, start: int) -> Iterator[bytes]:
        if token in b"{[":
            yield from self._open(token, start)
        elif token in b"}]":
            yield from self._close(token, start)
        elif self._level and self._depth == self._level:
            yield self._record(start)
            self._expects = True

    def _open(self, bracket: bytes, start: int) -> Iterator[bytes]:
        if self._depth == 0:
            # What stands between the lists is no JSON: "terminated early".
            if gap := self._text[self._begin : start].strip():
                yield gap
            self._begin = start
            if bracket == b"[":
                self._level = 1
                self._begin = self._at
        self._depth += 1
        key_begin = max(self._begin, start - _LONGEST_KEY)
        if ((self._depth, self._level, bracket) == (2, 0, b"[")) and _RESULTS_END.search(
            self._text, key_begin, self._at
        ):
            self._level, self._in_page = 2, True
            self._begin = self._at
        if self._level == self._depth:
            self._expects = False

    def _close(self, bracket: bytes, start: int) -> Iterator[bytes]:
        if self._level and self._depth == self._level:
            if bracket == b"}":
                # No end of a list; with it the record is no JSON.
                yield self._record(self._at)
            if self._text[self._begin : start].strip() or self._expects:
                yield self._record(start)
            self._begin, self._level = self._at, 0
        self._depth -= 1
        if self._depth <= 0:
            self._depth = 0
            if not self._in_page and self._begin < self._at:
                yield self._record(self._at)
            self._begin, self._in_page = self._at, False

    def _record(self, end: int) -> bytes:
        value = self._text[self._begin : end].strip()
        self._begin = self._at
        self._number += 1
        # An empty one stands for a comma too many.
        return value or b","
