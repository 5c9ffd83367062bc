"""Ctrl-C, and what a terminal shows, while a file is changed."""

import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mixpanel_data import maintenance
from tests.support.command_line import Run, Start
from tests.support.files import HEAD, ask, original
from tests.support.terminal import Terminal

pytestmark = pytest.mark.slow

ROWS = 1_050_000  # more than a table with an index may have, so that one revision takes a while


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return original(tmp_path_factory.mktemp("large") / "large.db", {"events": ROWS})


@pytest.fixture
def large(written: Path, db_path: Path) -> Path:
    return Path(shutil.copy(written, db_path))


def wait_for(seen: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not seen():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_ctrl_c_ends_an_upgrade_at_a_whole_revision(large: Path) -> None:
    terminal = Terminal("db", "upgrade", large)
    terminal.read_until("Revision 0004")
    terminal.read_until("%")
    terminal.type("\x03")
    assert terminal.wait() == 130
    assert f"Interrupted; {large} is at revision 0003." in terminal.text
    assert "Traceback" not in terminal.text
    assert maintenance.status(large).revision == "0003"
    assert ask(large, "SELECT count(*) FROM events") == [(ROWS,)]


def test_an_interrupted_upgrade_goes_on_where_it_ended(large: Path, run: Run) -> None:
    terminal = Terminal("db", "upgrade", large)
    terminal.read_until("Revision 0004")
    terminal.type("\x03")
    assert terminal.wait() == 130
    done = run("db", "upgrade", large)
    assert done.out.startswith(f"Upgraded {large} from revision 0003 to {HEAD}.\n")
    assert ask(large, "SELECT count(DISTINCT insert_id) FROM events") == [(ROWS,)]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_the_file_that_was_to_be_compacted(
    start: Start, large: Path, number: signal.Signals, code: int
) -> None:
    before = large.read_bytes()
    process = start("db", "compact", large)
    wait_for(Path(f"{large}.compacting").exists)
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (code, b"Interrupted; nothing was changed.\n")
    assert large.read_bytes() == before
    assert [file.name for file in large.parent.iterdir()] == [large.name]


def test_an_upgrade_shows_the_revision_and_how_far_it_is(large: Path) -> None:
    terminal = Terminal("db", "upgrade", large, "--no-backup")
    assert terminal.wait() == 0
    assert all(text in terminal.text for text in ("Revision 0004", "%", "Upgraded"))


def test_quiet_shows_nothing(large: Path) -> None:
    terminal = Terminal("db", "upgrade", large, "--quiet")
    assert (terminal.wait(), terminal.text) == (0, "")


@pytest.mark.parametrize(
    ("answer", "code", "left"), [("y\n", 0, "0002"), ("n\n", 1, HEAD), ("\x03", 130, HEAD)]
)
def test_a_downgrade_asks(loaded: Path, answer: str, code: int, left: str) -> None:
    terminal = Terminal("db", "downgrade", loaded, "0002")
    terminal.read_until("? [y/N]")
    terminal.type(answer)
    assert terminal.wait() == code
    assert maintenance.status(loaded).revision == left
