"""Help, version and usage."""

import re
from pathlib import Path

import pytest

import mixpanel_data
import mixpanel_data.cli
from tests.support.command_line import Run


def test_version(run: Run) -> None:
    assert run("--version").out == f"mixpanel-data {mixpanel_data.__version__}\n"


@pytest.mark.parametrize(
    "command",
    [
        *("load events", "load profiles", "tables", "schema", "loads", "coverage"),
        *("sample", "summarize", "breakdown", "keys", "values", "column", "properties"),
        *("query", "drop", "demo", "segmentation", "funnel", "retention"),
        *("frequency", "sessions", "flows", "overview", ""),
    ],
)
def test_every_command_explains_itself_with_examples(run: Run, command: str) -> None:
    done = run(*command.split(), "--help")
    assert done.code == 0
    assert "Examples:" in done.out
    assert f"mixpanel-data {command}".strip() in done.out.partition("Examples:")[2]
    assert max(map(len, done.out.splitlines())) <= 100


def test_help_and_the_module_name_the_same_exit_codes(run: Run) -> None:
    helped = re.findall(r"^ +(\d+) ", run("--help").out.partition("Exit codes:")[2], re.MULTILINE)
    documented = re.findall(r"^(\d+) ", mixpanel_data.cli.__doc__ or "", re.MULTILINE)
    assert helped == documented == ["0", "1", "2", "3", "4", "130", "141", "143"]


@pytest.mark.parametrize(
    "arguments",
    [["nope"], ["query"], ["query", "SELECT 1", "--nope"], ["query", "SELECT 1", "-f", "xml"]],
)
def test_wrong_usage_points_to_the_help(run: Run, arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert "--help" in done.err


def test_h_is_short_for_help(run: Run, tmp_path: Path) -> None:
    assert run("load", "-h").out == run("load", "--help").out
