"""Loading into a table that is there: --append, --replace, --event and --on-conflict."""

from pathlib import Path

import pytest

from mixpanel_data import StorageEngine
from tests.support.command_line import Run
from tests.support.export_files import event, profile, write_lines

pytestmark = pytest.mark.slow

DAY = 24 * 60 * 60
MARCH_2 = ("--from", "2025-03-02", "--to", "2025-03-02")


def test_append_skips_what_is_there(run: Run, db_path: Path, tmp_path: Path) -> None:
    first = write_lines(tmp_path / "1.jsonl", map(event, range(10)))
    second = write_lines(tmp_path / "2.jsonl", map(event, range(5, 15)))
    run("load", "events", first, "--db", db_path)
    done = run("load", "events", second, "--db", db_path, "--append")
    assert done.out == "events: 5 rows stored, 5 duplicates skipped, 0 collisions kept\n"


def test_an_export_at_another_resolution_is_noted(run: Run, db_path: Path, tmp_path: Path) -> None:
    seconds = '{"event":"play","properties":{"time":1740787200,"distinct_id":"u","$insert_id":"a"}}'
    for number, text in enumerate([seconds, seconds.replace("7200,", "7200137,")]):
        path = tmp_path / f"{number}.jsonl"
        path.write_text(text + "\n")
        done = run("load", "events", path, "--db", db_path, "--append", "--create")
        assert done.code == 0
        assert ("time_in_ms" in done.err) is bool(number)


def test_append_to_profiles(run: Run, db_path: Path, profiles_file: Path, tmp_path: Path) -> None:
    run("load", "profiles", profiles_file, "--db", db_path)
    more = write_lines(tmp_path / "more.jsonl", map(profile, range(3, 8)))
    done = run("load", "profiles", more, "--append", "--db", db_path)
    assert done.out == "profiles: 3 rows stored, 2 duplicates skipped\n"


@pytest.mark.parametrize("option", [["--append"], ["--replace", *MARCH_2]])
def test_it_needs_the_table(run: Run, db_path: Path, events_file: Path, option: list[str]) -> None:
    done = run("load", "events", events_file, "--db", db_path, *option)
    assert done.code == 1
    assert "'events' not found" in done.err


def test_it_needs_the_same_kind(run: Run, loaded: Path, profiles_file: Path) -> None:
    done = run("load", "profiles", profiles_file, "--db", loaded, "--append", "--table", "events")
    assert done.code == 1
    assert "Cannot append profiles to events table" in done.err


@pytest.fixture
def three_days(run: Run, db_path: Path, tmp_path: Path) -> Path:
    """A database with the events 0 to 5 of the first three days of March, two a day."""
    numbers = (day * DAY + n for day in range(3) for n in (0, DAY - 1))
    file = write_lines(tmp_path / "march.jsonl", map(event, numbers))
    run("load", "events", file, "--db", db_path)
    return db_path


def times(db: Path) -> list[str]:
    with StorageEngine(db, read_only=True) as storage:
        sql = "SELECT strftime(event_time, '%d %X') FROM events ORDER BY event_time"
        return [str(row[0]) for row in storage.execute_rows(sql)]


@pytest.mark.parametrize("way", ["file", "stdin"])
def test_replace_puts_new_events_in_the_place_of_the_days(
    run: Run, three_days: Path, tmp_path: Path, way: str
) -> None:
    new = write_lines(tmp_path / "new.jsonl", [event(DAY + 60), event(DAY + 120)])
    source, stdin = (new, None) if way == "file" else ("-", new.read_bytes())
    done = run("load", "events", source, "--db", three_days, "--replace", *MARCH_2, stdin=stdin)
    counts = "2 rows stored, 2 rows replaced, 0 duplicates skipped, 0 collisions kept"
    assert done.out == f"events: {counts}\n"
    assert times(three_days) == [
        *("01 00:00:00", "01 23:59:59"),
        *("02 00:01:00", "02 00:02:00"),
        *("03 00:00:00", "03 23:59:59"),
    ]


def test_replace_of_named_events_leaves_the_others(
    run: Run, three_days: Path, tmp_path: Path
) -> None:
    nothing = write_lines(tmp_path / "nothing.jsonl", [])
    names = ("--event", "play", "--event", "search")
    done = run(
        "load",
        "events",
        nothing,
        "--db",
        three_days,
        "--replace",
        *MARCH_2,
        *names,
        "--allow-empty",
    )
    assert "1 row replaced" in done.out
    assert "02 00:00:00" in times(three_days)  # a skip; the play a second before midnight is gone
    assert "02 23:59:59" not in times(three_days)


def test_a_replacing_load_that_fails_removes_nothing(
    run: Run, three_days: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"event": "play", "prop')
    done = run("load", "events", broken, "--db", three_days, "--replace", *MARCH_2)
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert len(times(three_days)) == 6


def test_named_events_are_kept_with_the_table(run: Run, db_path: Path, events_file: Path) -> None:
    run("load", "events", events_file, "--db", db_path, "--event", "play", "--event", "skip")
    with StorageEngine(db_path, read_only=True) as storage:
        assert storage.get_metadata("events").filter_events == ["play", "skip"]


def seen(day: int, name: str) -> dict[str, object]:
    return {
        "$distinct_id": "u1",
        "$properties": {"$name": name, "$last_seen": f"2025-03-{day:02}T00:00:00"},
    }


@pytest.mark.parametrize("way", ["file", "stdin"])
@pytest.mark.parametrize(
    ("option", "day", "kept"),
    [("update", 9, "new"), ("update", 1, "old"), ("ignore", 9, "old"), (None, 9, "old")],
)
def test_on_conflict_chooses_the_profile(
    run: Run, db_path: Path, tmp_path: Path, way: str, option: str | None, day: int, kept: str
) -> None:
    run("load", "profiles", write_lines(tmp_path / "1.jsonl", [seen(5, "old")]), "--db", db_path)
    new = write_lines(tmp_path / "2.jsonl", [seen(day, "new")])
    source, stdin = (new, None) if way == "file" else ("-", new.read_bytes())
    options = ["--on-conflict", option] if option else []
    run("load", "profiles", source, "--db", db_path, "--append", *options, stdin=stdin)
    with StorageEngine(db_path, read_only=True) as storage:
        assert storage.execute_scalar("SELECT properties->>'$.\"$name\"' FROM profiles") == kept


def test_an_update_is_summed_up(run: Run, db_path: Path, tmp_path: Path) -> None:
    run("load", "profiles", write_lines(tmp_path / "1.jsonl", [seen(5, "old")]), "--db", db_path)
    new = write_lines(tmp_path / "2.jsonl", [seen(6, "new"), profile(2)])
    update = ("--append", "--on-conflict", "update")
    done = run("load", "profiles", new, "--db", db_path, *update)
    assert done.out == "profiles: 2 rows stored, 1 row replaced, 0 duplicates skipped\n"


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--on-conflict", "update"], "--append"),
        (["--append", "--on-conflict", "newest"], "newest"),
        (["--append", "--replace"], "--replace"),
    ],
)
def test_wrong_options_for_profiles_are_usage_errors(
    run: Run, db_path: Path, profiles_file: Path, options: list[str], complaint: str
) -> None:
    done = run("load", "profiles", profiles_file, "--db", db_path, *options)
    assert (done.code, complaint in done.err) == (2, True)
    assert not db_path.exists()
