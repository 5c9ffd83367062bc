"""The help of the ``db`` commands."""

import pytest

from mixpanel_data import maintenance
from tests.support.command_line import Run

COMMANDS = ["status", "upgrade", "downgrade", "history", "adopt", "backup", "compact", "check"]
COMMANDS += ["recover", "unlock"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_examples(run: Run, command: str) -> None:
    done = run("db", command, "--help")
    assert done.code == 0
    assert f"mixpanel-data db {command}" in done.out.partition("Examples:")[2]
    assert max(map(len, done.out.splitlines())) <= 100


def test_every_function_of_the_library_has_its_command(run: Run) -> None:
    # No file has a lock that would have to be removed: that is StorageEngine's, for servers.
    functions = {name.removesuffix("_sql") for name in maintenance.__all__} | {"unlock"}
    assert functions == set(COMMANDS)
    listed = run("db", "--help").out.partition("Commands:")[2].splitlines()
    assert {line.split()[0] for line in listed if line.strip()} == functions
