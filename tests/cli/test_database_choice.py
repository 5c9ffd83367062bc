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


@pytest.mark.parametrize(
    "words",
    [
        *(["status"], ["check"], ["compact"], ["recover"], ["upgrade", "--dry-run"]),
        *(["downgrade", "0003", "--dry-run"], ["backup", "copy.db"]),
    ],
)
@pytest.mark.parametrize("way", ["argument", "option", "both", "environment"])
def test_a_file_is_named_by_the_argument_the_option_or_the_environment(
    run: Run, loaded: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], way: str
) -> None:
    monkeypatch.chdir(loaded.parent)
    name, *others = words
    if way == "environment":
        monkeypatch.setenv("MIXPANEL_DATA_DB", str(loaded))
    path = [loaded] if way in ("argument", "both") else []
    option = ["--db", loaded.name] if way in ("option", "both") else []
    done = run("db", name, *path, *others, *option)
    assert done.code == 0, done.err


@pytest.mark.parametrize(
    "words", [["status"], ["backup", "copy.db"], ["downgrade", "0003"], ["adopt", "others"]]
)
def test_two_files_are_an_error(run: Run, loaded: Path, tmp_path: Path, words: list[str]) -> None:
    name, *others = words
    done = run("db", name, loaded, *others, "--db", tmp_path / "other.db")
    assert (done.code, "--db" in done.err, done.out) == (2, True, "")


@pytest.mark.parametrize(
    "words", [["backup", "copy.db"], ["downgrade", "0003"], ["adopt", "events"]]
)
def test_a_missing_argument_is_not_the_path(run: Run, words: list[str]) -> None:
    done = run("db", *words)
    assert (done.code, "Missing argument" in done.err) == (2, True)


@pytest.mark.parametrize("words", [["tables"], ["overview"]])
@pytest.mark.parametrize("way", ["argument", "option", "both", "environment"])
def test_a_command_without_another_argument_takes_the_database(
    run: Run, loaded: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], way: str
) -> None:
    monkeypatch.chdir(loaded.parent)
    if way == "environment":
        monkeypatch.setenv("MIXPANEL_DATA_DB", str(loaded))
    path = [loaded] if way in ("argument", "both") else []
    option = ["--db", loaded] if way in ("option", "both") else []
    done = run(*words, *path, *option)
    assert done.code == 0, done.err


def test_two_databases_are_an_error(run: Run, loaded: Path) -> None:
    done = run("tables", loaded, "--db", "other.db")
    assert (done.code, "give one of them" in done.err) == (2, True)


@pytest.mark.parametrize("target", ["data.db", "./data.db", "../{}/data.db"])
def test_a_copy_goes_to_another_database(
    run: Run, loaded: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    monkeypatch.chdir(loaded.parent)
    place = target.format(loaded.parent.name).replace("data.db", loaded.name)
    done = run("copy", "--from", loaded, "--to", place)
    assert (done.code, "the same database" in done.err) == (2, True)


@pytest.mark.parametrize("way", ["argument", "option", "environment"])
def test_a_server_is_no_file(run: Run, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    url = "clickhousedb://localhost/music"
    if way == "environment":
        monkeypatch.setenv("MIXPANEL_DATA_DB", url)
    words: list[str] = {"argument": [url], "option": ["--db", url]}.get(way, [])
    done = run("db", "status", *words)
    assert (done.code, "no file" in done.err) == (2, True)
