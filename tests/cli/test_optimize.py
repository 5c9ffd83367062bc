"""Typed columns from the command line: made by load and optimize, shown by schema."""

from pathlib import Path

import pytest

from mixpanel_data import QueryError, StorageEngine
from tests.support.command_line import Run
from tests.support.typed_rows import needs_triggers

pytestmark = needs_triggers


def columns(run: Run, db: Path) -> list[str]:
    """Return the names that ``schema --typed`` lists."""
    import json

    shown = run("schema", "events", "--typed", "--db", db, "--format", "json")
    return [column["name"] for column in json.loads(shown.out)]


def test_a_load_makes_them(run: Run, db_path: Path, events_file: Path) -> None:
    done = run("load", "events", events_file, "--db", db_path)
    assert (done.code, done.err) == (0, "")
    assert "time" in columns(run, db_path)
    asked = run("query", "SELECT count(time) AS n FROM typed.events", "--db", db_path, "-f", "csv")
    assert asked.out.split() == ["n", "11"]


def test_a_load_without(run: Run, db_path: Path, events_file: Path) -> None:
    run("load", "events", events_file, "--db", db_path, "--no-optimize")
    assert columns(run, db_path) == []
    shown = run("schema", "events", "--typed", "--db", db_path)
    assert "mixpanel-data optimize events" in shown.err


def test_some_properties_and_none(run: Run, db_path: Path, events_file: Path) -> None:
    run("load", "events", events_file, "--db", db_path)
    loaded = db_path
    done = run("optimize", "events", "--property", "time", "--db", loaded)
    assert done.out == "events: 1 typed column\n"
    assert columns(run, loaded)[4:] == ["time"]
    assert run("optimize", "events", "--limit", "0", "--db", loaded).code == 0
    assert columns(run, loaded) == []
    assert run("optimize", "missing", "--db", loaded).code == 1


def test_a_load_that_cannot_be_optimized_is_stored(
    run: Run, db_path: Path, events_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise QueryError("out of memory")

    monkeypatch.setattr(StorageEngine, "optimize", fail)
    done = run("load", "events", events_file, "--db", db_path)
    assert (done.code, done.out.startswith("events: 11 rows stored")) == (0, True)
    assert "was not optimized: out of memory" in done.err


def test_interrupted_after_the_load(
    run: Run, db_path: Path, events_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(StorageEngine, "optimize", interrupt)
    done = run("load", "events", events_file, "--db", db_path)
    assert done.code == 130
    assert "11 rows stored" in done.err
    with StorageEngine(db_path, read_only=True) as storage:
        assert storage.execute_scalar("SELECT count(*) FROM events") == 11
