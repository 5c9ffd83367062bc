"""The demo: its data, what it prints, and that it is a good guest in a directory."""

import gzip
import hashlib
import json
import shlex
from collections import Counter
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from mixpanel_data import StorageEngine
from mixpanel_data.demo import DAYS, MONTH, write_export
from tests.support.command_line import Outcome, Run, invoke
from tests.support.effort import only_thorough
from tests.support.typed_rows import needs_triggers

pytestmark = pytest.mark.slow


def lines(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path) as file:
        return [json.loads(line) for line in file]


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_export(tmp_path_factory.mktemp("demo") / "new")


@pytest.fixture(scope="module")
def month(exports: tuple[Path, Path]) -> list[dict[str, Any]]:
    return lines(exports[0])


@only_thorough
def test_the_data_is_the_same_every_time(exports: tuple[Path, Path], tmp_path: Path) -> None:
    for first, second in zip(exports, write_export(tmp_path)):
        digests = {hashlib.sha256(path.read_bytes()).hexdigest() for path in (first, second)}
        assert len(digests) == 1


def test_it_is_a_month_of_everything(month: list[dict[str, Any]]) -> None:
    names = Counter(event["event"] for event in month)
    assert set(names) == {
        *("play", "skip", "like", "playlist add", "search", "sign up", "subscribe", "purchase")
    }
    assert 20_000 < len(month) < 60_000
    start = MONTH.replace(tzinfo=timezone.utc)
    end = start + timedelta(days=DAYS)
    times = [event["properties"]["time"] for event in month]
    assert start.timestamp() <= min(times) <= max(times) < end.timestamp()


def test_days_and_hours_have_a_rhythm(month: list[dict[str, Any]]) -> None:
    weekdays: Counter[int] = Counter()
    hours: Counter[int] = Counter()
    for event in month:
        seconds = event["properties"]["time"]
        weekdays[seconds // 86400 % 7] += 1
        if event["properties"]["mp_country_code"] == "GB":
            hours[seconds // 3600 % 24] += 1
    saturday, tuesday = weekdays[2], weekdays[5]  # 1970 began on a Thursday
    assert saturday > 1.3 * tuesday
    assert hours[18] > 4 * hours[3]


def test_it_has_the_oddities_of_real_exports(month: list[dict[str, Any]]) -> None:
    ids = Counter(event["properties"].get("$insert_id") for event in month)
    texts = Counter(json.dumps(event) for event in month)
    assert ids[None] == 12
    assert sum(count - 1 for count in texts.values()) == 30
    assert any(isinstance(event["properties"]["distinct_id"], int) for event in month)
    assert any(event["properties"].get("query") == "line\u2028separator" for event in month)


def test_profiles_agree_with_the_events(
    exports: tuple[Path, Path], month: list[dict[str, Any]]
) -> None:
    users = {profile["$distinct_id"]: profile["$properties"] for profile in lines(exports[1])}
    subscribed = [e["properties"]["distinct_id"] for e in month if e["event"] == "subscribe"]
    assert subscribed
    assert all(users[user]["plan"] == "premium" for user in subscribed)
    assert len(users) == 900


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("place")


@pytest.fixture(scope="module")
def demo(place: Path) -> Outcome:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        return invoke("demo")


def test_it_shows_everything_in_plain_text(demo: Outcome) -> None:
    assert (demo.code, demo.err) == (0, "")
    assert "\x1b" not in demo.out
    for part in (
        "events: ",
        "30 duplicates skipped, 1 collision kept",
        "profiles: 900 rows stored",
        "insert_id     VARCHAR     NOT NULL   primary key",
        "Sat 01 Mar",
        "GROUP BY day",
        "storage.execute_rows(",
        "play",
        "properties->>'$.mp_country_code'",
        "$ mixpanel-data segmentation events --measure dau --db ",
        "2025-03-31  159  ",
        "$ mixpanel-data funnel events 'sign up' play like 'playlist add' --db ",
        "2  play              144   64.0%    -36.0%  ",
        "$ mixpanel-data retention events -b 'sign up' -r play -u week -n 4 --db ",
        "2025-03-03    60  73.3%  70.0%  78.3%  46.7%*",
        "export MIXPANEL_DATA_DB=mixpanel-demo/demo.db",
    ):
        assert part in demo.out


def test_a_command_that_it_shows_gives_the_same_numbers(demo: Outcome, place: Path) -> None:
    (command,) = (line for line in demo.out.splitlines() if "$ mixpanel-data funnel" in line)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        again = invoke(*shlex.split(command)[2:], "--format", "json")
    assert [step["count"] for step in json.loads(again.out)["steps"]] == [225, 144, 74, 28]


@pytest.mark.usefixtures("demo")
def test_its_database_is_there_to_be_asked(place: Path) -> None:
    names = {path.name for path in (place / "mixpanel-demo").iterdir()}
    assert names == {"events.jsonl.gz", "profiles.jsonl.gz", "demo.db"}
    with StorageEngine(place / "mixpanel-demo/demo.db", read_only=True) as storage:
        assert storage.get_metadata("events").from_date == "2025-03-01"


@needs_triggers
@pytest.mark.usefixtures("demo")
def test_its_properties_are_typed_columns(place: Path) -> None:
    with StorageEngine(place / "mixpanel-demo/demo.db", read_only=True) as storage:
        for table, column in (("events", "mp_country_code"), ("profiles", "plan")):
            assert column in {c.name for c in storage.typed_columns(table)}


def test_it_runs_again(
    demo: Outcome, place: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    again = run("demo")
    assert again.code == 0
    assert again.out.replace(" ", "")[:500] == demo.out.replace(" ", "")[:500]


def test_it_does_not_touch_a_directory_of_others(run: Run, tmp_path: Path) -> None:
    (tmp_path / "events.jsonl.gz").write_bytes(b"mine")
    done = run("demo", "--dir", tmp_path)
    assert (done.code, "--dir" in done.err) == (2, True)
    assert (tmp_path / "events.jsonl.gz").read_bytes() == b"mine"
