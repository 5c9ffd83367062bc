"""A command loads what it needs, and none of what takes long and only others need."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
import typer.main

from mixpanel_data.cli.app import app
from mixpanel_data.cli.commands import COMMANDS
from tests.support.command_line import Run
from tests.support.processes import environment

LIBRARY = {"duckdb", "sqlalchemy", "mixpanel_data._internal.storage"}
FRAMES = {"numpy", "pandas", "pyarrow"}
# Older ones load it for every help.
TERMINAL = {"rich.console"} if tuple(map(int, typer.__version__.split(".")[:2])) >= (0, 20) else ()
_RUN = """
import json, sys
from mixpanel_data.cli import main
try:
    main()
finally:
    with open(sys.argv.pop(0), "w") as file:
        json.dump(sorted(sys.modules), file)
"""


def _loaded(folder: Path, *arguments: object) -> set[str]:
    """Run a command to a good end, and return the modules that it loaded."""
    modules = folder / "modules.json"
    code = f"import sys; sys.argv[0] = {str(modules)!r}\n{_RUN}"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    # These make DuckDB and rich load more.
    plain = {name: value for name, value in environment().items() if name != "FORCE_COLOR"}
    subprocess.run(command, check=True, capture_output=True, env=plain, timeout=60)
    return set(json.loads(modules.read_text()))


@pytest.mark.slow
def test_the_version_needs_no_terminal_and_no_database(tmp_path: Path) -> None:
    assert _loaded(tmp_path, "--version").isdisjoint({*LIBRARY, *FRAMES, "typer", "rich"})


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["--help"], ["query", "--help"], ["tables", "--help"]])
def test_help_needs_no_database(tmp_path: Path, arguments: list[str]) -> None:
    modules = _loaded(tmp_path, *arguments)
    assert "typer" in modules
    assert modules.isdisjoint({*LIBRARY, *FRAMES, "pydantic", *TERMINAL})


@pytest.mark.slow
@pytest.mark.skipif(
    duckdb.__version__ < "2", reason="rows of DuckDB before 2.0 come through Arrow, with pandas"
)
@pytest.mark.parametrize("form", ["table", "csv", "json", "jsonl"])
def test_a_query_needs_no_frame_and_no_orm(form: str, loaded: Path, tmp_path: Path) -> None:
    modules = _loaded(tmp_path, "query", "FROM events", "--db", loaded, "--format", form)
    assert modules >= LIBRARY
    others = {"alembic", "pydantic", *TERMINAL, "sqlalchemy.orm", "mixpanel_data.reports"}
    assert modules.isdisjoint({*others, *FRAMES})


def test_the_table_of_the_commands_says_what_they_say() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert list(commands) == list(COMMANDS)
    assert {name: text for name, (_, text) in COMMANDS.items()} == {
        name: " ".join(command.help.partition("\n\n")[0].split())
        for name, command in commands.items()
    }


def test_a_mistyped_command_is_told(run: Run) -> None:
    done = run("tabels")
    assert (done.code, "'tabels'" in done.err) == (2, True)
