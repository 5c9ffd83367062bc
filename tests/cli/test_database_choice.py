"""Which database a command uses: --db, --project, the environment, or none."""

from pathlib import Path

import pytest

from tests.support.command_line import Run


def test_the_environment_chooses_when_no_option_does(
    run: Run, loaded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIXPANEL_DATA_DB", str(loaded))
    assert run("query", "SELECT count(*) FROM events", "--format", "csv").out.endswith("3\r\n")


def test_an_option_wins_over_the_environment(
    run: Run, loaded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIXPANEL_DATA_DB", str(tmp_path / "other.db"))
    assert run("tables", "--db", loaded).code == 0


def test_a_project_has_a_file_in_the_home_directory(
    run: Run, tmp_path: Path, events_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert run("load", "events", events_file, "--project", "12345").code == 0
    assert (tmp_path / ".mixpanel_data" / "12345.db").is_file()
    assert "events" in run("tables", "--project", "12345").out


def test_a_project_id_cannot_leave_its_directory(run: Run) -> None:
    done = run("tables", "--project", "../other")
    assert (done.code, "project id" in done.err) == (2, True)


def test_none_is_a_usage_error_that_names_the_options(run: Run) -> None:
    done = run("tables")
    assert done.code == 2
    assert all(way in done.err for way in ("--db", "--project", "MIXPANEL_DATA_DB"))


@pytest.mark.parametrize("command", [("tables",), ("schema", "events"), ("query", "SELECT 1")])
def test_reading_creates_no_database(run: Run, db_path: Path, command: tuple[str, ...]) -> None:
    done = run(*command, "--db", db_path)
    assert done.code == 1
    assert "load events FILE" in done.err
    assert not db_path.exists()


def test_a_directory_is_no_database(run: Run, tmp_path: Path) -> None:
    done = run("tables", "--db", tmp_path)
    assert done.code == 1
    assert done.err.startswith("Error: ")
    assert done.err.count("\n") == 1
