"""Sources of any form -> rows, each with its place."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from mixpanel_data._internal.formats import archives, csv_tables, parquet
from mixpanel_data._internal.formats.content import Content, content_of
from mixpanel_data._internal.formats.lines import join_pretty_printed, split_lines, split_members
from mixpanel_data._internal.formats.refusals import Place
from mixpanel_data._internal.formats.rows import Row, rows_of
from mixpanel_data._internal.formats.text import Source, Text, open_text
from mixpanel_data._internal.formats.values import EMPTY_LIST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


def read_rows(
    sources: Iterable[Source],
    progress: Callable[[int], None] | None = None,
    *,
    pages: bool = False,
    allow_empty: bool = False,
) -> Iterator[tuple[Place, Row]]:
    """Yield the JSON objects of all *sources*, and tell *progress* the bytes taken so far.

    With *pages* pretty-printed objects may stand among lines, and long pages are read in parts.
    With *allow_empty* a source may be an empty list.
    """
    total = before = 0

    def consumed(count: int) -> None:
        nonlocal total
        total += count
        if progress and count:
            progress(total)

    for source in sources:
        with open_text(source, consumed) as text:
            yield from _rows(text, pages, allow_empty)
            if text.read_from_end:
                consumed(text.stream.seek(0, 2) - (total - before))
        before = total


def _rows(
    text: Text, pages: bool, allow_empty: bool, nested: bool = False
) -> Iterator[tuple[Place, Row]]:
    content = content_of(text.start, text.name)
    if content is Content.TABLE:
        return csv_tables.rows(text)
    if content is Content.PARQUET:
        return parquet.rows(text)
    if content in (Content.TAR, Content.ZIP):
        archives.refuse_nested(text, nested)
        members = archives.tar(text) if content is Content.TAR else archives.zipped(text)
        return (row for each in members for row in _rows(each, pages, allow_empty, nested=True))
    if content is Content.LIST:
        batches = split_members(text.name, iter(text.next_block, b""))
        if allow_empty:
            batches = (batch for batch in batches if batch.lines != [EMPTY_LIST])
    else:
        batches = split_lines(text, pages)
        if pages or content is Content.PRETTY:
            batches = join_pretty_printed(batches)
    return chain.from_iterable(map(rows_of, batches))
