"""Loading files: one load of them all, counted, and nothing when it fails."""

from pathlib import Path

import pytest

from mixpanel_data import StorageEngine
from tests.support.command_line import Run


def count(db: Path, table: str) -> int:
    with StorageEngine(db, read_only=True) as storage:
        return int(storage.execute_scalar(f"SELECT count(*) FROM {table}"))


def test_a_load_is_summed_up_in_one_line(run: Run, db_path: Path, events_file: Path) -> None:
    done = run("load", "events", events_file, "--db", db_path)
    assert done.out == "events: 11 rows stored, 1 duplicate skipped, 1 collision kept\n"
    assert (done.code, done.err) == (0, "")
    assert count(db_path, "events") == 11


def test_profiles_load_from_gzip(run: Run, db_path: Path, profiles_file: Path) -> None:
    done = run("load", "profiles", profiles_file, "--db", db_path)
    assert done.out == "profiles: 5 rows stored, 0 duplicates skipped\n"


def test_quiet_prints_nothing(run: Run, db_path: Path, events_file: Path) -> None:
    done = run("load", "events", events_file, "--db", db_path, "--quiet")
    assert (done.code, done.out, done.err) == (0, "", "")


def test_a_bad_line_in_the_second_file_stores_nothing(
    run: Run, db_path: Path, events_file: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"event": "play", "prop')
    done = run("load", "events", events_file, broken, "--db", db_path)
    assert done.code == 1
    assert done.err.count("\n") == 1
    assert "broken.jsonl" in done.err
    assert run("tables", "--db", db_path, "--format", "json").out == "[]\n"


def test_an_existing_table_is_left_alone(run: Run, loaded: Path, events_file: Path) -> None:
    done = run("load", "events", events_file, "--db", loaded)
    assert done.code == 1
    assert "already exists" in done.err
    assert "--append" in done.err
    assert count(loaded, "events") == 3


def test_days_are_kept_with_the_table(run: Run, db_path: Path, events_file: Path) -> None:
    days = ("--from", "2025-03-01", "--to", "2025-03-31")
    run("load", "events", events_file, "--db", db_path, *days)
    with StorageEngine(db_path, read_only=True) as storage:
        about = storage.get_metadata("events")
    assert (about.from_date, about.to_date) == ("2025-03-01", "2025-03-31")


def test_days_are_not_guessed(run: Run, db_path: Path, events_file: Path) -> None:
    run("load", "events", events_file, "--db", db_path)
    with StorageEngine(db_path, read_only=True) as storage:
        about = storage.get_metadata("events")
    assert (about.from_date, about.to_date) == (None, None)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--from", "2025-3-1"], "YYYY-MM-DD"),
        (["--from", "20250301"], "YYYY-MM-DD"),
        (["--to", "2025-02-30"], "YYYY-MM-DD"),
        (["--from", "2025-03-02", "--to", "2025-03-01"], "after"),
        (["--table", "_metadata"], "underscore"),
        (["--project", "12345"], "not both"),
        (["--replace"], "--from and --to"),
        (["--replace", "--from", "2025-03-01"], "--from and --to"),
    ],
)
def test_wrong_options_are_usage_errors(
    run: Run, db_path: Path, events_file: Path, options: list[str], complaint: str
) -> None:
    done = run("load", "events", events_file, "--db", db_path, *options)
    assert done.code == 2
    assert complaint in done.err
    assert not db_path.exists()
