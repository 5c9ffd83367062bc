"""``load FILE…`` without a kind, what ``query --output`` wrote, and JSON for programs."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from mixpanel_data import StorageEngine
from tests.support.command_line import Run
from tests.support.export_files import event, profile, write_lines

pytestmark = pytest.mark.slow


def rows(db: Path, table: str) -> list[tuple[Any, ...]]:
    with StorageEngine(db, read_only=True) as storage:
        return list(storage.execute_rows(f"FROM {table} ORDER BY ALL"))


def test_files_tell_what_they_hold(
    run: Run, db_path: Path, events_file: Path, profiles_file: Path
) -> None:
    done = run("load", events_file, "--db", db_path)
    assert (done.code, done.out) == (
        *(0, "events: 11 rows stored, 1 duplicate skipped, 1 collision kept\n"),
    )
    assert run("load", "--db", db_path, profiles_file).out.startswith("profiles: 5 rows stored")
    done = run(
        "load", "-q", events_file, "--append", "--create", "--table", "more", "--db", db_path
    )
    assert (done.code, done.out, len(rows(db_path, "more"))) == (0, "", 11)
    done = run("load", profiles_file, "--append", "--on-conflict", "replace", "--db", db_path)
    assert "5 duplicates skipped" in done.out


def test_so_does_stdin(run: Run, db_path: Path, events_file: Path, profiles_file: Path) -> None:
    packed = gzip.compress(events_file.read_bytes())
    assert run("load", "-", "--db", db_path, stdin=packed).out.startswith("events: 11 rows")
    out = run("load", "-", "--db", db_path, stdin=profiles_file.read_bytes()).out
    assert out.startswith("profiles: 5 rows")


def test_days_are_those_that_were_given(run: Run, db_path: Path, events_file: Path) -> None:
    run("load", events_file, "--db", db_path)
    days = ("--from", "2025-03-01", "--to", "2025-03-01")
    done = run("load", events_file, "--replace", *days, "--event", "play", "--db", db_path)
    assert (done.code, "of other days or events" in done.err) == (1, True)
    with StorageEngine(db_path, read_only=True) as storage:
        assert storage.get_metadata("events").from_date is None
    done = run("load", events_file, "--replace", *days, "--db", db_path)
    assert "11 rows replaced" in done.out


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("EVENTS --on-conflict update --append", "for profiles, not for events"),
        ("EVENTS --create", "needs --append or --replace"),
        ("EVENTS --replace", "--from and --to"),
        ("PROFILES --event play", "for events, not for profiles"),
        ("PROFILES --replace", "for events, not for profiles"),
        ("PROFILES --create", "needs --append"),
        ("PROFILES --table _x", "underscore"),
        ("missing.jsonl", "does not exist"),
        ("EMPTY --allow-empty", "`load events` or `load profiles`"),
        ("", "Usage"),
        ("--nope EVENTS", "--nope"),
    ],
)
def test_wrong_options_are_usage_errors(
    run: Run,
    db_path: Path,
    events_file: Path,
    profiles_file: Path,
    words: str,
    complaint: str,
) -> None:
    empty = events_file.with_name("empty.jsonl")
    empty.touch()
    files = {"EVENTS": events_file, "PROFILES": profiles_file, "EMPTY": empty}
    arguments = [files.get(word, word) for word in words.split()]
    done = run("load", *arguments, *(["--db", db_path] if words else []))
    assert (done.code, complaint in done.err + done.out) == (2, True)
    assert not db_path.exists()


def test_nothing_at_all_is_refused(run: Run, db_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "empty.jsonl"
    path.touch()
    done = run("load", path, "--db", db_path)
    assert (done.code, "not a single record" in done.err) == (1, True)


@pytest.mark.parametrize("format_", ["parquet", "csv", "json", "jsonl"])
@pytest.mark.parametrize("table", ["events", "profiles"])
def test_what_was_written_is_loaded_as_it_was(
    run: Run, db_path: Path, tmp_path: Path, table: str, format_: str
) -> None:
    odd = {"n": 10**25, "s": 'a,"b"\n\u2028é', "list": [1, {"x": None}], "f": 1.5, "b": True}
    events = [event(n, **odd) for n in range(5)]
    taken = event(7, **{"$insert_id": "id-1", "distinct_id": ""})
    people = [{**profile(n), "$properties": {**odd}} for n in range(5)]
    people[0]["$properties"]["$last_seen"] = "2025-03-04T10:00:00"
    path = write_lines(
        tmp_path / "in.jsonl", [*events, taken] if table == "events" else [*people, profile(9)]
    )
    run("load", table, path, "--db", db_path)
    out = tmp_path / f"out.{format_}"
    assert run("query", f"FROM {table}", "--db", db_path, "--output", out).code == 0
    for words in (("load", table), ("load",)):
        again = tmp_path / f"again{len(words)}.db"
        assert run(*words, out, "--db", again).code == 0
        assert rows(again, table) == rows(db_path, table)
        done = run("load", table, out, "--append", "--db", db_path)
        assert "0 rows stored" in done.out


def test_a_load_as_json(run: Run, db_path: Path, events_file: Path) -> None:
    done = run("load", "events", events_file, "--db", db_path, "--format", "json")
    (listed,) = json.loads(run("loads", "--db", db_path, "-f", "json").out)
    assert (done.code, done.err, json.loads(done.out)) == (0, "", listed)
    assert (listed["stored"], listed["duplicates"], listed["collisions"]) == (11, 1, 1)
    done = run("load", events_file, "-q", "--table", "more", "--db", db_path, "-f", "json")
    assert (done.code, done.out) == (0, "")


@pytest.mark.parametrize(
    ("words", "number", "code"),
    [
        ("load events FILE --db LOADED --format json", 1, "TABLE_EXISTS"),
        ("load events BAD --db NEW --format=json", 1, "INVALID_RECORD"),
        ("load BAD --db NEW -f json", 1, "INVALID_RECORD"),
        ("load EMPTY --db NEW -fjson", 1, "EMPTY_LOAD"),
        ("load events FILE --append --table nope --db LOADED --format json", 1, "TABLE_NOT_FOUND"),
        ("load events FILE --replace --db NEW --format json", 2, "USAGE"),
        ("load events FILE --nope --db NEW --format json", 2, "USAGE"),
        ("load events none.jsonl --db NEW --format json", 2, "USAGE"),
        ("load events FILE --db FILE --format json", 1, "OS_ERROR"),
        ("schema nope --db LOADED --format json", 1, "TABLE_NOT_FOUND"),
        ("tables --db NEW --format json", 1, "DATABASE_NOT_FOUND"),
        ("query FROM(nope) --db LOADED --format json", 1, "QUERY_FAILED"),
    ],
)
def test_an_error_as_json(
    run: Run,
    loaded: Path,
    tmp_path: Path,
    events_file: Path,
    words: str,
    number: int,
    code: str,
) -> None:
    bad, empty = tmp_path / "bad.jsonl", tmp_path / "empty.jsonl"
    bad.write_text("nonsense é\n")
    empty.touch()
    names = {"FILE": events_file, "LOADED": loaded, "NEW": tmp_path / "new.db"}
    names |= {"BAD": bad, "EMPTY": empty}
    done = run(*(names.get(word, word) for word in words.split()))
    assert (done.code, done.out, done.err.count("\n")) == (number, "", 1)
    error = json.loads(done.err)
    assert error["code"] == code
    assert error["message"]
    if code == "INVALID_RECORD":
        assert error["details"]["line"] == 1


def test_a_file_called_json_is_a_file(run: Run, db_path: Path, tmp_path: Path) -> None:
    done = run("load", "events", "json", "--db", db_path)
    assert (done.code, done.err.startswith("{")) == (2, False)
