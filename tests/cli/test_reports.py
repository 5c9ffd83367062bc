"""The reports on the command line: the library's answers as JSON, tables, files and SQL."""

from __future__ import annotations

import csv
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from mixpanel_data import EventRecord, StorageEngine, TableMetadata
from tests.support.command_line import Run
from tests.support.factories import metadata
from tests.support.terminal import Terminal

pytestmark = pytest.mark.slow

VECTORS = {
    vector["id"]: vector
    for vector in json.loads(
        (Path(__file__).parents[1] / "reports/vectors.json").read_text(encoding="utf-8")
    )
}
DAYS = ("--from", "2025-03-01", "--to", "2025-03-03")
# The options that are not the name of the parameter.
OPTIONS = {
    "from_date": "--from",
    "to_date": "--to",
    "holding_constant": "--hold",
    "born_event": "-b",
    "return_event": "-r",
    "interval_count": "-n",
    "retention_type": "--type",
    "where": "-w",
    "unit": "-u",
}


def store(path: Path, rows: list[list[Any]]) -> None:
    records: list[EventRecord] = [
        {
            "distinct_id": user,
            "event_name": name,
            "event_time": time,
            "insert_id": f"id-{number:06}",
            "properties": rest[0] if rest else {},
        }
        for number, (user, name, time, *rest) in enumerate(rows)
    ]
    with StorageEngine(path) as storage:
        storage.create_events_table("events", records, metadata())


@pytest.fixture
def users(db_path: Path) -> Path:
    """A database of three users: two of them play, one of these likes it."""
    rows = [
        ["ann", "sign up", "2025-03-01T09:00:00", {"$os": "iOS"}],
        ["ann", "play", "2025-03-01T10:00:00", {"$os": "iOS"}],
        ["ann", "like", "2025-03-02T09:00:00", {"$os": "iOS"}],
        ["bob", "sign up", "2025-03-01T09:00:00", {"$os": "Android"}],
        ["bob", "play", "2025-03-02T10:00:00", {"$os": "Android"}],
        ["eve", "sign up", "2025-03-03T09:00:00", {"$os": "iOS"}],
    ]
    store(db_path, rows)
    return db_path


def options(asked: dict[str, Any]) -> list[str]:
    """Return the parameters of a call as the arguments of a command."""
    words: list[str] = []
    if asked.pop("mode", None) == "total":
        asked["unit"] = "total"
    for name, value in asked.items():
        if name in ("event", "steps"):
            words += [value] if isinstance(value, str) else value or []
            continue
        flag = OPTIONS.get(name, f"--{name.replace('_', '-')}")
        if name in ("window", "timeout"):
            value = f"{value}s"
        if name == "exclusions":
            flag, value = "--exclude", [end["event"] for end in value]
        if value is True:
            words.append(flag)
        elif name == "brackets":
            words += [flag, ",".join(map(str, value))]
        elif value is not None:
            for item in value if isinstance(value, list) else [value]:
                words += [flag, str(item)]
    return words


def compared(report: str, answer: dict[str, Any]) -> dict[str, Any]:
    """Return the parts of a report's JSON that the examples look at."""
    if report == "segmentation":
        points = answer["series"]
        if answer["unit"] == "total":
            points = {name: next(iter(values.values())) for name, values in points.items()}
        return {"values": points}
    if report == "funnel":
        return {
            "counts": [step["count"] for step in answer["steps"]],
            "avg_time": [step["avg_time"] for step in answer["steps"]],
            "avg_time_from_start": [step["avg_time_from_start"] for step in answer["steps"]],
            "segments": {
                name: [step["count"] for step in steps]
                for name, steps in answer["segments"].items()
            },
        }
    if report == "retention":
        return {
            "cohorts": {
                cohort["date"]: {"first": cohort["size"], "counts": cohort["counts"]}
                for cohort in answer["cohorts"]
            }
        }
    return {"data": answer["data"]}


@pytest.mark.parametrize(
    "name",
    [
        *("seg-unique-per-interval", "seg-breakdown-list-explodes", "seg-project-zone-days"),
        *("seg-where-with-cast", "seg-per-user-sum-then-average", "seg-first-time-ever-ties"),
        *("seg-all-events", "seg-rolling-uses-days-before", "seg-mau-weekly-point"),
        *("funnel-window-in-seconds", "funnel-exclusion-totals", "funnel-time-to-convert"),
        *("funnel-breakdown-of-a-held-property", "funnel-any-order", "funnel-sessions"),
        *("ret-calendar-week", "ret-filters", "ret-brackets", "ret-compounded", "ret-streak"),
        *("freq-hours-in-project-zone", "freq-days-of-a-week"),
    ],
)
def test_the_answer_is_the_documented_one(run: Run, db_path: Path, name: str) -> None:
    vector = VECTORS[name]
    store(db_path, vector["events"])
    words = options(dict(vector["parameters"]))
    done = run(vector["report"], "events", *words, "--db", db_path, "--format", "json")
    assert done.err == ""
    found = compared(vector["report"], json.loads(done.out))
    assert {key: found[key] for key in vector["expected"]} == vector["expected"]


QUESTIONS = [
    ("segmentation", "play"),
    ("funnel", "sign up", "play", "like"),
    ("retention", "-b", "sign up", "-r", "play", "-n", "2"),
    ("frequency", "play"),
    ("sessions", "--on", "$os"),
    ("flows", "sign up"),
]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question[0])
def test_json_is_the_result_and_the_other_formats_are_its_frame(
    run: Run, users: Path, question: tuple[str, ...], tmp_path: Path
) -> None:
    command = (question[0], "events", *question[1:], *DAYS, "--db", users)
    answer = json.loads(run(*command, "--format", "json").out)
    assert (answer["from_date"], answer["to_date"]) == ("2025-03-01", "2025-03-03")
    lines = run(*command, "--format", "jsonl").rows
    cells = list(csv.DictReader(run(*command, "--format", "csv").out.splitlines()))
    shown = run(*command).out.splitlines()
    assert run(*command, "--output", tmp_path / "answer.parquet").code == 0
    stored = pq.read_table(tmp_path / "answer.parquet")
    assert lines
    assert len(lines) == len(cells) == len(shown) - 2 == stored.num_rows
    assert list(lines[0]) == list(cells[0]) == shown[0].split() == stored.column_names


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question[0])
def test_sql_is_what_gives_the_rows(run: Run, users: Path, question: tuple[str, ...]) -> None:
    sql = run(question[0], "events", *question[1:], *DAYS, "--db", users, "--sql").out
    assert run("query", sql, "--db", users, "--format", "jsonl").rows


def test_the_options_reach_the_report(run: Run, users: Path) -> None:
    words = ("events", "play", "like", *DAYS, "--db", users, "--format", "json")
    answer = json.loads(run("segmentation", *words, "--cumulative", "--limit", "1").out)
    assert answer["series"] == {
        "play": {"2025-03-01": 1, "2025-03-02": 2, "2025-03-03": 2},
        "$other": {"2025-03-01": 0, "2025-03-02": 1, "2025-03-03": 1},
    }


def test_a_step_has_a_filter_of_its_own(run: Run, users: Path) -> None:
    words = ("funnel", "events", "sign up", "play", *DAYS, "--db", users, "--format", "json")
    ios = ("--step-where", '1=properties["$os"] == "iOS"', "--step-where", '2=properties["x"] == 1')

    def counts(*options: str) -> list[int]:
        return [step["count"] for step in json.loads(run(*words, *options).out)["steps"]]

    assert counts() == [3, 2]
    assert counts(*ios[:2]) == [2, 1]
    assert counts(*ios) == [2, 0]


def test_events_are_left_out_and_the_data_end_when_they_are_said_to(run: Run, users: Path) -> None:
    words = ("segmentation", "events", *DAYS, "--db", users, "--format", "json", "-u", "total")
    without = ("--excluded-events", "sign up", "--excluded-events", "like")
    assert json.loads(run(*words).out)["total"] == 6
    assert json.loads(run(*words, *without).out)["total"] == 2
    command = ("retention", "events", *DAYS, "--db", users, "--format", "json", "-n", "1")
    for end, complete in [
        ("2025-03-03", [True, True]),
        ("2025-03-03T23:59:00Z", [True, False]),
        ("2025-03-01", [False, False]),
    ]:
        cohorts = json.loads(run(*command, "--as-of", end).out)["cohorts"]
        assert cohorts[0]["complete"] == complete, end


def test_identity_says_how_many_people_there_are(run: Run, db_path: Path) -> None:
    rows = [
        ["$device:d1", "visit", "2025-03-01T09:00:00", {"$device_id": "d1"}],
        ["ann", "play", "2025-03-01T10:00:00", {"$device_id": "d1", "$user_id": "ann"}],
    ]
    store(db_path, rows)
    command = ("funnel", "events", "visit", "play", *DAYS, "--db", db_path)
    done = run(*command, "--identity", "simplified")
    assert done.err == "Identity simplified: ids 2, people 1\n"
    answer = json.loads(run(*command, "--identity", "simplified", "--format", "json").out)
    assert [step["count"] for step in answer["steps"]] == [1, 1]
    assert answer["identity"] == {"rules": "simplified", "ids": 2, "people": 1}


def test_profiles_are_joined(run: Run, users: Path) -> None:
    profile_metadata = TableMetadata(type="profiles", fetched_at=datetime(2025, 4, 1))
    with StorageEngine(users) as storage:
        records: list[Any] = [{"distinct_id": "ann", "properties": {"plan": "premium"}}]
        storage.create_profiles_table("people", records, profile_metadata)
    command = ("segmentation", "events", "play", *DAYS, "--db", users, "-u", "total")
    done = run(*command, "--profiles", "people", "--on", 'user["plan"]', "--format", "csv")
    assert done.out.splitlines()[1:] == ["2025-03-01,premium,1", "2025-03-01,undefined,1"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-w", 'properties["a"] = 1'], 'at position 16: properties["a"] <-- HERE = 1'),
        (["-w", "1 ==\n foo(2)"], "at position 6: 1 == <-- HERE foo(2)"),
        (["--on", "brwser"], "no event of 'play' has a property 'brwser'."),
        (["--on", "$oss"], "no event of 'play' has a property '$oss'; did you mean '$os'?"),
        (["--identity", "gone"], "Table 'gone' not found."),
        (["--profiles", "events"], "Table 'events' is no table of profiles:"),
    ],
)
def test_an_error_is_one_line(run: Run, users: Path, arguments: list[str], message: str) -> None:
    done = run("segmentation", "events", "play", *DAYS, "--db", users, *arguments)
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert message in done.err


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["segmentation", "ply"], "Note: No event of table 'events' is named 'ply'; did you mean"),
        (["funnel", "play", "lik"], "is named 'lik'; did you mean 'like'?"),
        (["funnel", "play", "of tomorrow"], ""),
        (["segmentation", "play"], ""),
    ],
)
@pytest.mark.parametrize("format_", ["table", "json", "csv"])
def test_an_event_that_is_not_there_is_noted(
    run: Run, users: Path, command: list[str], told: str, format_: str
) -> None:
    name, *events = command
    done = run(name, "events", *events, *DAYS, "--db", users, "--format", format_)
    assert (done.code, done.err.count("\n")) == (0, bool(told))
    assert told in done.err


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["segmentation", "--measure", "nope"], "measure must be one of total, unique"),
        (["segmentation", "--measure", "sum"], "needs of="),
        (["segmentation", "--timezone", "Mars/Base"], "Unknown time zone 'Mars/Base'"),
        (["funnel", "play", "like", "--window", "7 days"], "'7 days' is no time"),
        (["funnel", "play", "like", "--attribution", "9"], "attribution must be"),
        (["retention", "--brackets", "1,b"], "'1,b' are no numbers"),
        (["retention", "-u", "hour"], "unit must be"),
        (["sessions", "--timeout", "soon"], "'soon' is no time"),
        (["flows", "play", "--count", "nope"], "count must be"),
        (["funnel", "play", "like", "--step-where", "3=true"], "N from 1 to 2"),
        (["funnel", "play", "like", "--step-where", "true"], "N from 1 to 2"),
        (["funnel", "play", *("--step-where", "1=true") * 2], "step 1 has one already"),
        (["sessions", "--as-of", "soon"], "'soon' is no day and no time"),
        (["frequency", "--from", "1 March"], "from_date must be a date"),
        (["segmentation", "--to", "9999-12-31"], "to_date must be from 1900-01-01 to 2199-12-31"),
        (["segmentation", "--format", "parquet", "--output", "x.txt", "--db", "gone.db"], "gone"),
    ],
)
def test_wrong_options_are_told(run: Run, users: Path, command: list[str], message: str) -> None:
    done = run(command[0], "events", *DAYS, "--db", users, *command[1:])
    assert done.code == (1 if message == "gone" else 2)
    assert message in " ".join(done.err.split())


@pytest.mark.slow
def test_ctrl_c_ends_a_long_report_at_once(db_path: Path) -> None:
    start = datetime(2025, 3, 1)
    rows = [["bot", "AB"[n % 2], start + timedelta(seconds=5 * n)] for n in range(100_000)]
    store(db_path, rows)
    words = ("events", *"ABAB", "--from", "2025-03-01", "--to", "2025-03-31", "--db", db_path)
    # Each attempt of so many is a round of the query; the modules' names show when it begins.
    options = ("--order", "any", "--count", "totals")
    terminal = Terminal("funnel", *words, *options, PYTHONPROFILEIMPORTTIME="1")
    terminal.read_until_match(r"\| +mixpanel_data\.reports\r")
    terminal.type("\x03", after=1)
    assert terminal.wait() == 130
    assert terminal.text.endswith("Interrupted; nothing was changed.\r\n")
