"""Pictures of reports, and the overview of a database, in files."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mixpanel_data import StorageEngine, TableMetadata
from tests.support.command_line import Run
from tests.support.export_files import event, write_lines
from tests.support.factories import metadata

pytestmark = pytest.mark.slow

DAYS = ("--from", "2025-03-01", "--to", "2025-03-31")
COMMANDS = [
    ("segmentation", "events", "play"),
    ("funnel", "events", "play", "skip"),
    ("retention", "events", "-b", "play"),
    ("frequency", "events"),
    ("sessions", "events"),
    ("flows", "events", "play"),
]
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
CLICK = """<script>addEventListener("load", () => setTimeout(() => {
  document.querySelectorAll("summary, nav a").forEach(part => part.click());
  document.title = [document.querySelectorAll(".chart svg").length,
    document.querySelectorAll("details[open]").length, location.hash,
    document.documentElement.scrollWidth <= innerWidth].join(" ");
}, 1000))</script></body>"""


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
@pytest.mark.parametrize(
    ("suffix", "start"), [("html", b"<!doctype html>"), ("svg", b"<svg"), ("PNG", b"\x89PNG")]
)
def test_a_report_as_a_picture(
    run: Run, loaded: Path, tmp_path: Path, words: tuple[str, ...], suffix: str, start: bytes
) -> None:
    if suffix == "PNG" and words[0] != "funnel":
        pytest.skip("one of them is enough: the pictures are those of the svg")
    target = tmp_path / f"report.{suffix}"
    done = run(*words, *DAYS, "--db", loaded, "--output", target)
    assert (done.code, done.out) == (0, "")
    assert target.read_bytes().startswith(start)


@pytest.mark.parametrize("name", ["report.pdf", "report"])
def test_no_other_suffix_draws(run: Run, loaded: Path, tmp_path: Path, name: str) -> None:
    done = run(*COMMANDS[0], *DAYS, "--db", loaded, "--output", tmp_path / name)
    assert (done.code, "Pictures end in .html, .png or .svg" in done.err) == (2, True)


@pytest.mark.parametrize("name", ["page.png", "page.pdf", "none/page.html"])
def test_the_overview_is_html_in_a_folder(
    run: Run, loaded: Path, tmp_path: Path, name: str
) -> None:
    done = run("overview", "--db", loaded, "--output", tmp_path / name)
    assert (done.code, "--output" in done.err, list(tmp_path.glob("page*"))) == (2, True, [])


def test_a_format_that_was_asked_for_comes_before_the_suffix(
    run: Run, loaded: Path, tmp_path: Path
) -> None:
    target = tmp_path / "report.html"
    run(*COMMANDS[0], *DAYS, "--db", loaded, "--output", target, "--format", "csv")
    assert target.read_text().startswith("date,segment,count")


def test_without_the_packages_the_extra_is_named(
    run: Run, loaded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    target = tmp_path / "report.svg"
    for words in ([*COMMANDS[0], *DAYS], ["overview"]):
        done = run(*words, "--db", loaded, "--output", target)
        assert done.code == 3
        assert "pip install 'mixpanel-data[plot]'" in done.err
        assert not target.exists()


@pytest.fixture
def several(loaded: Path) -> Path:
    """A database with events of some weeks but one, profiles, and an empty table."""
    metadata = TableMetadata(type="events", fetched_at="2025-04-01T00:00:00Z")  # type: ignore[arg-type]
    with StorageEngine(loaded) as storage:
        for first, last in (("01", "07"), ("15", "21")):
            days = {"from_date": f"2025-01-{first}", "to_date": f"2025-01-{last}"}
            records = [
                {
                    "event_name": f"<b>event {day % 3}</b>",
                    "event_time": f"2025-01-{day:02}T23:30:00Z",
                    "distinct_id": f"u{day % 4}",
                    "insert_id": f"i{day}",
                    "properties": {"</script>": day, "nested": {"a": [1]}},
                }
                for day in range(int(first), int(last))
            ]
            write = storage.append_events_table if first != "01" else storage.create_events_table
            write("january", records, metadata.model_copy(update=days))  # type: ignore[arg-type]
        storage.create_events_table("nothing", [], metadata)
        profiles = metadata.model_copy(update={"type": "profiles"})
        storage.create_profiles_table(
            "people", [{"distinct_id": "u1", "properties": {"plan": "free"}}], profiles
        )
    return loaded


def test_the_overview_is_a_page_of_its_own(run: Run, several: Path, tmp_path: Path) -> None:
    target = tmp_path / "overview.html"
    done = run("overview", "--db", several, "--output", target, "--timezone", "Europe/Berlin")
    assert (done.code, done.err.strip()) == (0, f"Wrote {target}: 4 tables")
    page = target.read_text()
    body = page.partition("<script")[0]
    assert "7 days loaded" not in body
    assert "14 days loaded, 7 missing" in body
    assert "missing 2025-01-08 to 2025-01-14 (7 days)" in body
    assert "nothing: no events" in body
    assert "people: properties" in body
    assert body.count("<summary>SQL</summary>") == 2 * 6 + 1
    assert "<b>event" not in page
    assert not re.search(r"<(script|img|link|iframe)[^>]+(src|href)=", body)
    assert "default-src 'none'" in body


def test_the_days_are_those_of_the_zone_that_a_table_was_loaded_with(
    run: Run, db_path: Path, tmp_path: Path
) -> None:
    tokyo = metadata("events", from_date="2025-03-02", to_date="2025-03-02", time_zone="Asia/Tokyo")
    with StorageEngine(db_path) as storage:
        lines = [event(1, time=1740910000 + 60 * n, **{"$insert_id": f"i{n}"}) for n in range(3)]
        storage.load_export("events", write_lines(tmp_path / "events.jsonl", lines), tokyo)
    target = tmp_path / "overview.html"
    assert run("overview", "--db", db_path, "--output", target).code == 0
    assert "2025-03-02 to 2025-03-02, days of Asia/Tokyo" in target.read_text()


def test_an_overview_of_nothing(run: Run, db_path: Path, tmp_path: Path) -> None:
    StorageEngine(db_path).close()
    target = tmp_path / "overview.html"
    assert run("overview", "--db", db_path, "--output", target).code == 0
    assert "0 tables · 0 rows" in target.read_text()
    wrong = run("overview", "--db", db_path, "--output", target, "--timezone", "Mars/Olympus")
    assert wrong.code == 2


@pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium here to look at the page with")
@pytest.mark.parametrize("width", [1200, 500])
def test_a_browser_draws_every_picture(run: Run, several: Path, tmp_path: Path, width: int) -> None:
    target = tmp_path / "overview.html"
    run("overview", "--db", several, "--output", target)
    page = target.read_text()
    # The last one: the scripts have such text, too.
    target.write_text(CLICK.join(page.rsplit("</body>", 1)))
    command = [
        CHROMIUM,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--window-size={width},900",
    ]
    command += ["--virtual-time-budget=20000", "--dump-dom", target.as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout
    title = re.search(r"<title>(.*?)</title>", shown)
    assert title
    charts = page.count('class="chart"')
    opened = page.partition("<script")[0].count("<summary>")
    drawn, folded, last, fits = title[1].split()
    assert (int(drawn), int(folded), fits) == (charts, opened, "true")
    assert last == "#part14"
