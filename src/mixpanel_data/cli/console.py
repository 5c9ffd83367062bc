"""What people see: tables, and no control characters from the data."""

from __future__ import annotations

import json
import sys
from typing import IO, TYPE_CHECKING

import orjson
from rich.cells import cell_len, set_cell_size
from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


_GAP = "   "
_LEAST = 4


class _Console(Console):
    """A Console that leaves a closed pipe to the caller; newer ones exit by themselves."""

    def on_broken_pipe(self) -> None:
        raise  # what rich is handling: the BrokenPipeError


def console(file: IO[str] | None = None) -> Console:
    """Return a console for *file*, or for stdout."""
    return _Console(file=file or sys.stdout, highlight=False, markup=False, soft_wrap=True)


def printable(text: str) -> str:
    """Escape what would move the cursor, change colours or break the line."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def count(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 row``, ``2,000 rows``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def day_range(first: str | None, last: str | None, zone: str | None = None) -> str:
    """Return a stretch of days, and their zone where that is not UTC; of what is known of them."""
    days = f"{first or '…'} to {last or '…'}" if first or last else ""
    return " ".join(filter(None, [days, zone]))


def json_text(value: object) -> str:
    """Return a value as JSON, indented, in ASCII where stdout has no other characters."""
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        # Escaped by the stream it would be no JSON.
        text = json.dumps(json.loads(text), indent=2)
    return text


def print_json(value: object) -> None:
    """Print a value as JSON, indented, to stdout."""
    print(json_text(value))


def print_grid(
    screen: Console,
    columns: Sequence[str],
    rows: Iterable[Sequence[str | None]],
    *,
    numbers: Sequence[bool] | None = None,
) -> None:
    """Print rows of text, one line each; columns that hold *numbers* align right.

    On a terminal the widest cells are cut until the line fits; anything else gets them whole.
    """
    header = [printable(name) for name in columns]
    lines = [["NULL" if cell is None else printable(cell) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(header, *lines)]
    if screen.is_terminal:
        widths = _fit(widths, screen.width)
    right = numbers or [False] * len(header)
    screen.print(_line(header, widths, right), style="bold")
    rule = "─" if "utf" in screen.encoding.lower() else "-"
    for line in ([rule * width for width in widths], *lines):
        # Not by rich, which takes a while for many rows.
        print(_line(line, widths, right), file=screen.file)


def _fit(widths: list[int], available: int) -> list[int]:
    available -= len(_GAP) * (len(widths) - 1)
    widest = min(max(widths), available)
    while widest > _LEAST and sum(min(width, widest) for width in widths) > available:
        widest -= 1
    return [min(width, max(widest, _LEAST)) for width in widths]


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    return _GAP.join(map(_padded, cells, widths, right)).rstrip()


def _padded(cell: str, width: int, right: bool) -> str:
    length = cell_len(cell)
    if length > width:
        return set_cell_size(cell, width - 1) + "…"
    space = " " * (width - length)
    return space + cell if right else cell + space
