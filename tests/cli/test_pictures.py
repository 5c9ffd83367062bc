"""What a report looks like in a terminal."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from mixpanel_data import StorageEngine
from mixpanel_data.cli.views import pictures
from mixpanel_data.reports import Reports
from tests.support.command_line import Run
from tests.support.factories import metadata
from tests.support.terminal import Terminal

pytestmark = pytest.mark.slow

DAYS: dict[str, Any] = {"from_date": "2025-03-01", "to_date": "2025-03-07"}
HOSTILE = "\x1b[2J\nplay \u202e" + "w" * 50


def records() -> Iterator[dict[str, Any]]:
    """Yield a week: day n has n users, each signs up, and half of them play a day later."""
    number = 0
    for day in range(1, 8):
        for user in range(day):
            moments = [("sign up", 0), ("play", 30)] if user % 2 else [("sign up", 0)]
            for name, hours in moments:
                number += 1
                yield {
                    "distinct_id": f"{day}-{user}",
                    "event_name": name,
                    "event_time": datetime(2025, 3, day, 9) + timedelta(hours=hours),
                    "insert_id": f"{number}",
                    "properties": {"os": HOSTILE if user % 2 else "iOS", "n": day - 3},
                }


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "week.db"
    with StorageEngine(path) as storage:
        storage.create_events_table("events", records(), metadata())  # type: ignore[arg-type]
    return path


@pytest.fixture(scope="module")
def reports(database: Path) -> Iterator[Reports]:
    with StorageEngine(database, read_only=True) as storage:
        yield storage.reports("events")


Draw = Callable[[Console, Any], None]
CASES: dict[str, tuple[Draw, Callable[[Reports], Any]]] = {
    "trend": (pictures.trend, lambda r: r.segmentation("sign up", **DAYS)),
    "numbers": (
        pictures.trend,
        lambda r: r.segmentation("sign up", measure="sum", of="n", **DAYS),
    ),
    "segments": (pictures.trend, lambda r: r.segmentation(on="os", **DAYS)),
    "totals": (pictures.trend, lambda r: r.segmentation(on="os", unit="total", **DAYS)),
    "hours": (pictures.trend, lambda r: r.segmentation(unit="hour", **DAYS)),
    "nothing": (pictures.trend, lambda r: r.segmentation("gone", **DAYS)),
    "funnel": (pictures.funnel, lambda r: r.funnel(["sign up", "play"], **DAYS)),
    "funnels": (
        pictures.funnel,
        lambda r: r.funnel(["sign up", "play"], on="os", unit="day", **DAYS),
    ),
    "no funnel": (pictures.funnel, lambda r: r.funnel(["gone", "play"], **DAYS)),
    "retention": (
        pictures.retention,
        lambda r: r.retention(born_event="sign up", return_event="play", **DAYS),
    ),
    "retentions": (
        pictures.retention,
        lambda r: r.retention(born_event="sign up", on="os", interval_count=30, **DAYS),
    ),
    "frequency": (pictures.frequency, lambda r: r.frequency(**DAYS)),
    "sessions": (pictures.sessions, lambda r: r.sessions(**DAYS)),
    "sessions by os": (pictures.sessions, lambda r: r.sessions(on="os", **DAYS)),
    "flows": (pictures.flows, lambda r: r.flows("sign up", **DAYS)),
    "flows to it": (pictures.flows, lambda r: r.flows("play", reverse=2, forward=0, **DAYS)),
}


def drawn(
    reports: Reports, name: str, encoding: str = "utf-8", width: int = 90, **options: Any
) -> str:
    draw, ask = CASES[name]
    # Strict: what the encoding lacks would be an error here.
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding)
    draw(Console(file=file, width=width, markup=False, highlight=False, **options), ask(reports))
    file.flush()
    return raw.getvalue().decode(encoding)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_a_picture_fits_and_is_safe_in_every_encoding(
    reports: Reports, name: str, encoding: str
) -> None:
    text = drawn(reports, name, encoding)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 90
    assert "\x1b" not in text
    assert all(line.isprintable() for line in lines)
    assert "2025-03-01 to 2025-03-07" in lines[-1]


def test_a_trend_has_bars_to_scale(reports: Reports) -> None:
    lines = drawn(reports, "trend").splitlines()
    assert lines[6] == "2025-03-07  7  " + "█" * 40
    assert lines[0] == "2025-03-01  1  " + "█" * 5 + "▊"
    assert len(drawn(reports, "hours").splitlines()) == 3


def test_a_trend_without_unicode_has_bars_as_well(reports: Reports) -> None:
    assert drawn(reports, "trend", "latin-1").splitlines()[6] == "2025-03-07  7  " + "#" * 40


def test_segments_are_sparklines(reports: Reports) -> None:
    text = drawn(reports, "segments")
    spark = re.search(r"iOS +1 +4 +4  (.*)", text)
    assert spark
    assert spark[1] == "▃▃▅▅▆▆█"
    assert r"\x1b[2J\nplay" in text


def test_a_funnel_has_counts_rates_and_who_dropped_out(reports: Reports) -> None:
    title, first, second, note = drawn(reports, "funnel").splitlines()
    assert title.split() == ["uniques", "of", "all", "drop-off", "time"]
    assert first.split()[:5] == ["1", "sign", "up", "28", "100.0%"]
    assert second.split()[:6] == ["2", "play", "12", "42.9%", "-57.1%", "1"]
    assert " 1 d 6 h  " in second
    assert first.count("█") > 2 * second.count("█") > 0
    assert note.startswith("42.9% converted")


def test_a_funnel_of_nobody_is_zeros(reports: Reports) -> None:
    assert "█" not in (text := drawn(reports, "no funnel"))
    assert "0.0% converted" in text


def test_segments_and_days_of_a_funnel_follow_it(reports: Reports) -> None:
    text = drawn(reports, "funnels")
    assert re.search(r"^iOS +16 +0 +0\.0%$", text, re.MULTILINE)
    assert re.search(r"^2025-03-07 +7 +3 +42\.9%  █+", text, re.MULTILINE)


def test_retention_is_a_triangle(reports: Reports) -> None:
    lines = drawn(reports, "retention").splitlines()
    row = next(line for line in lines if line.startswith("2025-03-02"))
    assert row.split()[:4] == ["2025-03-02", "2", "0.0%", "50.0%"]
    assert len(lines[1]) > len(lines[7])
    assert lines[8].startswith("average")


def test_the_heat_is_a_colour(reports: Reports) -> None:
    text = drawn(reports, "retention", force_terminal=True, color_system="truecolor")
    assert "\x1b[" in text
    assert re.search(r"48;2;\d+;\d+;\d+m +50\.0%", text)


def test_columns_without_room_are_named(reports: Reports) -> None:
    assert re.search(r"\d+ of 31 columns; --format csv", drawn(reports, "retentions"))


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(4.24, "4.2 s"), (59.99, "60.0 s"), (200, "3 min 20 s"), (3600, "1 h"), (187200, "2 d 4 h")],
)
def test_seconds_are_written_as_people_do(seconds: float, shown: str) -> None:
    assert pictures.duration(seconds) == shown


@pytest.mark.slow
def test_a_terminal_gets_the_picture_and_a_pipe_the_table(run: Run, database: Path) -> None:
    days = ("--from", "2025-03-01", "--to", "2025-03-07", "--db", database)
    words = ("funnel", "events", "sign up", "play", *days)
    terminal = Terminal(*words, PYTHONUTF8="1")
    assert terminal.wait() == 0
    assert "█" in terminal.text
    plain = Terminal(*words, PYTHONIOENCODING="ascii")
    assert plain.wait() == 0
    assert "####" in plain.text
    assert plain.text.isascii()
    piped = run(*words).out
    assert piped.startswith("step   event")
    assert "█" not in piped
