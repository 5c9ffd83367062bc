"""What people see: tables, and no control characters from the data."""

from __future__ import annotations

import json
import os
import shutil
import sys
from typing import IO, TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


_GAP = "   "
_LEAST = 4
_READABLE = 12  # a cell that is cut to fewer tells no time and no name


class Screen(Protocol):
    """What prints for people: rich's Console, or a plain one."""

    @property
    def file(self) -> IO[str]:
        """Where it prints."""

    @property
    def is_terminal(self) -> bool:
        """Whether someone looks at it, line by line, in colours."""

    @property
    def encoding(self) -> str:
        """The encoding of the file."""

    @property
    def width(self) -> int:
        """The characters of a line."""

    def print(self, *objects: object, style: str | None = None) -> object:
        """Print a line of text, or a rich Text."""


class _Plain:
    """Prints text as it is, into a file or a pipe; rich would take as long as all else to load."""

    is_terminal = False

    def __init__(self, file: IO[str]) -> None:
        self.file = file
        self.encoding = getattr(file, "encoding", None) or "utf-8"
        self.width = shutil.get_terminal_size().columns

    def print(self, *objects: object, style: str | None = None) -> None:
        print(*objects, file=self.file)


def console(file: IO[str] | None = None) -> Screen:
    """Return what prints for people to *file*, or to stdout."""
    file = file or sys.stdout
    if not file.isatty() and os.environ.keys().isdisjoint(["FORCE_COLOR", "TTY_COMPATIBLE"]):
        return _Plain(file)
    from rich.console import Console

    class LeavingBrokenPipes(Console):
        """Leaves a closed pipe to the caller; newer ones exit by themselves."""

        def on_broken_pipe(self) -> None:
            raise  # what rich is handling: the BrokenPipeError

    options = {"highlight": False, "markup": False, "emoji": False, "soft_wrap": True}
    return cast("Screen", LeavingBrokenPipes(file=file, **options))  # type: ignore[arg-type]


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
    """Return a value as JSON, indented, in ASCII where stdout has no other characters.

    And on a terminal where one of them would control it.
    """
    import orjson

    text = orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    try:
        text.encode(sys.stdout.encoding or "ascii")
        if not sys.stdout.isatty() or all(map(str.isprintable, text.split("\n"))):
            return text
    except (UnicodeEncodeError, LookupError):
        pass
    # Escaped by the stream it would be no JSON.
    return json.dumps(json.loads(text), indent=2)


def print_json(value: object) -> None:
    """Print a value as JSON, indented, to stdout."""
    print(json_text(value))


def print_grid(
    screen: Screen,
    columns: Sequence[str],
    rows: Iterable[Sequence[str | None]],
    *,
    numbers: Sequence[bool] | None = None,
) -> None:
    """Print rows of text, one line each; columns that hold *numbers* align right.

    On a terminal the widest cells are cut until the line fits, or a few rows of many columns are
    turned, a column each; anything else gets them whole.
    """
    header = [printable(name) for name in columns]
    lines = [["NULL" if cell is None else printable(cell) for cell in row] for row in rows]
    right = numbers or [False] * len(header)
    widths = _widths(header, lines)
    if screen.is_terminal:
        cut = max(_fit(widths, screen.width), default=0)
        if cut < min(_READABLE, max(widths, default=0)) and len(lines) < len(header):
            header, *lines = map(list, zip(header, *lines))
            right = [False] * len(header)
        widths = _fit(_widths(header, lines), screen.width)
    screen.print(_line(header, widths, right), style="bold")
    rule = "─" if "utf" in screen.encoding.lower() else "-"
    for line in ([rule * width for width in widths], *lines):
        # Not by rich, which takes a while for many rows.
        print(_line(line, widths, right), file=screen.file)


def _widths(header: list[str], lines: list[list[str]]) -> list[int]:
    return [max(map(cell_len, column)) for column in zip(header, *lines)]


def cell_len(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from rich import cells

    return cells.cell_len(text)


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
        from rich.cells import set_cell_size

        return set_cell_size(cell, width - 1) + "…"
    space = " " * (width - length)
    return space + cell if right else cell + space
