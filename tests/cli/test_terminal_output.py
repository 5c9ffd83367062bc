"""What goes to a terminal: tables that fit, progress, and the end of a closed pipe."""

import io
import re
import sys

import pytest
from rich.console import Console

from mixpanel_data.cli.console import console, print_grid, printable
from mixpanel_data.cli.views.progress import load_progress


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


class ClosedPipe(io.StringIO):
    def write(self, _: str) -> int:
        raise BrokenPipeError


def grid(width: int) -> list[str]:
    screen = Console(file=Screen(), width=width, force_terminal=True, color_system=None)
    rows: list[list[str | None]] = [["a" * 60, "1", "x"], [None, "1,000", "\x1b[2J"]]
    print_grid(screen, ["long", "n", "last"], rows, numbers=[False, True, False])
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue().splitlines()


def test_a_table_fits_the_screen_with_every_column_on_it() -> None:
    lines = grid(40)
    assert max(map(len, lines)) <= 40
    assert "…" in lines[2]
    assert lines[2].split()[1:] == ["1", "x"]
    assert r"\x1b[2J" in lines[3]


def test_a_wide_screen_shows_whole_cells() -> None:
    assert "a" * 60 in grid(120)[2]


@pytest.mark.parametrize(
    ("width", "rows", "turned"), [(80, 2, True), (200, 2, False), (80, 10, False)]
)
def test_few_rows_of_many_columns_are_turned_where_they_would_be_cut(
    width: int, rows: int, turned: bool
) -> None:
    names = ["finished", *(f"column_{number}" for number in range(9))]
    cells: list[list[str | None]] = [["2026-11-26 06:50", *"abcdefgh", None]] * rows
    screen = Console(file=Screen(), width=width, force_terminal=True, color_system=None)
    print_grid(screen, names, cells, numbers=[True] * len(names))
    assert isinstance(screen.file, io.StringIO)
    header, _, first, *others = (line.split() for line in screen.file.getvalue().splitlines())
    if turned:
        assert header == ["finished", *["2026-11-26", "06:50"] * rows]
        assert (first, others[-1]) == (["column_0", "a", "a"], ["column_8", "NULL", "NULL"])
    else:
        assert (first[-1], len(others)) == ("NULL", rows - 1)


@pytest.mark.parametrize(
    ("text", "shown"), [("héllo", "héllo"), ("a\tb\r\n", r"a\tb\r\n"), ("\x1b]0;", r"\x1b]0;")]
)
def test_printable(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_closed_pipe_is_left_to_the_caller() -> None:
    with pytest.raises(BrokenPipeError):
        console(ClosedPipe()).print("text")


def stderr_screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """Put a terminal in the place of stderr."""
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("NO_COLOR", "1")
    return screen


def test_progress_of_files_shows_bytes_and_then_that_it_stores(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = stderr_screen(monkeypatch)
    with load_progress(1000, quiet=False) as progress:
        progress.bytes_read(500)
        progress.bytes_read(1000)
    text = screen.getvalue()
    assert "1.0/1.0 kB" in text
    assert "Storing" in text
    assert "rows" not in text


def test_progress_of_a_pipe_has_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = stderr_screen(monkeypatch)
    with load_progress(None, quiet=False) as progress:
        progress.bytes_read(500)
    assert "500" in screen.getvalue()
    assert "Storing" not in screen.getvalue()


def test_progress_leaves_the_rows_and_their_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = stderr_screen(monkeypatch)
    with load_progress(1000, quiet=False) as progress:
        progress.finished(1234)
    assert re.search(r"1,234 rows in \d+\.\d s, [\d,]+/s", screen.getvalue())


@pytest.mark.parametrize("reason", ["quiet", "no terminal", "dumb terminal"])
def test_progress_is_silent(monkeypatch: pytest.MonkeyPatch, reason: str) -> None:
    screen = io.StringIO() if reason == "no terminal" else Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "dumb" if reason == "dumb terminal" else "xterm")
    with load_progress(1000, quiet=reason == "quiet") as progress:
        progress.bytes_read(500)
        progress.finished(10)
    assert screen.getvalue() == ""
