"""An older file under the other commands: they read it, or say in one line what to do."""

from pathlib import Path

import pytest

from tests.support.command_line import Run
from tests.support.files import original


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return original(tmp_path / "my old.db", {"events": 5})


def test_writing_to_an_older_file_names_the_command_that_upgrades_it(
    run: Run, old: Path, events_file: Path
) -> None:
    before = old.read_bytes()
    done = run("load", "events", events_file, "--append", "--db", old)
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert f"Error: Database '{old}' is at schema revision 0001" in done.err
    assert done.err.endswith(f"Upgrade it: mixpanel-data db upgrade '{old}'\n")
    assert old.read_bytes() == before


def test_an_older_file_can_be_read(run: Run, old: Path) -> None:
    assert "2024-01-01 to 2024-01-31" in run("tables", "--db", old).out
    assert "insert_id" in run("schema", "events", "--db", old).out
    assert run("query", "SELECT count(*) FROM events", "-f", "csv", "--db", old).out[-3:] == "5\r\n"


def test_after_the_upgrade_the_same_load_works(run: Run, old: Path, events_file: Path) -> None:
    assert run("db", "upgrade", old).code == 0
    assert run("load", "events", events_file, "--append", "--db", old).code == 0
