"""Every command answers in JSON when asked, with one document on stdout, and so does its error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from mixpanel_data.cli.app import app
from tests.support.command_line import Run
from tests.support.typed_rows import needs_triggers


def _commands(group: Any, *names: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in getattr(group, "commands", {}).items():
        yield from _commands(command, *names, name)
    if not hasattr(group, "commands"):
        yield names, group


COMMANDS = dict(_commands(typer.main.get_command(app)))


@pytest.mark.parametrize("names", COMMANDS, ids=" ".join)
def test_every_command_takes_the_format_and_the_database(names: tuple[str, ...]) -> None:
    options = {option for param in COMMANDS[names].params for option in param.opts}
    assert "--format" in options
    assert "--db" in options or names in [("copy",), ("demo",), ("db", "history")]


@pytest.mark.parametrize(
    ("command", "keys"),
    [
        ("drop events --yes", {"table_name", "row_count"}),
        pytest.param(*("optimize events", {"table_name", "properties"}), marks=needs_triggers),
        ("overview --output PAGE", {"output", "tables"}),
        ("db upgrade", {"before", "after", "backup"}),
        ("db upgrade --dry-run", {"sql"}),
        ("db downgrade 0003 --yes --no-backup", {"before", "after", "backup"}),
        ("db downgrade 0003 --dry-run", {"sql"}),
        ("db backup COPY", {"path", "copy", "size"}),
        ("db compact", {"path", "before", "after"}),
        ("db adopt others", {"name", "type", "row_count", "fetched_at"}),
        ("db recover", {"copy", "cut", "lost_transactions", "lost_loads"}),
    ],
)
def test_the_answer_is_one_document(
    run: Run, loaded: Path, tmp_path: Path, command: str, keys: set[str]
) -> None:
    from mixpanel_data import StorageEngine

    if "adopt" in command:
        with StorageEngine(loaded) as storage:
            storage.connection.execute("CREATE TABLE others AS FROM events LIMIT 1")
    words = {"PAGE": tmp_path / "page.html", "COPY": tmp_path / "copy.db"}
    arguments = [words.get(word, word) for word in command.split()]
    done = run(*arguments, "--db", loaded, "--format", "json")
    assert done.code == 0, done.err
    assert json.loads(done.out).keys() == keys


@pytest.mark.parametrize(
    "command",
    [
        *("drop none --yes", "optimize none", "sample none", "coverage none", "query nonsense"),
        *("db adopt none", "db backup .", "db downgrade 9999 --yes", "load events none.jsonl"),
        *("funnel none a b --from 2025-03-01 --to 2025-03-02", "db status --nonsense"),
        *("query SELEC --max-rows 2", "db downgrade 0003", "overview --output none/page.html"),
        *("tables none.db", "db backup none/copy.db", "query FROM.events --output none/x.csv"),
        *("overview --output page.png", "segmentation events --from 2025-03-01"),
    ],
)
def test_the_error_is_one_document(run: Run, loaded: Path, command: str) -> None:
    done = run(*command.split(), "--db", loaded, "--format", "json")
    assert (done.code in (1, 2), done.out) == (True, "")
    (line,) = done.err.splitlines()
    assert json.loads(line).keys() == {"code", "message", "details"}


def test_what_was_said_before_an_error_is_in_its_details(run: Run, loaded: Path) -> None:
    done = run("query", "SELEC", "--max-rows", 2, "--db", loaded, "--format", "json")
    assert json.loads(done.err)["details"]["notes"][0].startswith("Note: --max-rows is for tables")
    done = run("db", "downgrade", loaded, "0003", "--format", "json")
    assert "0003 removes" in json.loads(done.err)["details"]["notes"][0]


def test_what_is_said_beside_an_answer_follows_it(run: Run, loaded: Path) -> None:
    done = run("query", "SELECT 1 AS a", "--max-rows", 2, "--db", loaded, "--format", "json")
    assert (done.code, json.loads(done.out)) == (0, [{"a": 1}])
    assert done.err.startswith("Note: --max-rows")


def test_a_missing_package_is_an_error_like_others(
    run: Run, loaded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    page = tmp_path / "page.html"
    done = run("overview", "--db", loaded, "--output", page, "--format", "json")
    assert (done.code, json.loads(done.err)["code"]) == (3, "MISSING_PACKAGE")
