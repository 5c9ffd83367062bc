"""What is different when somebody looks: progress, colours, widths, questions."""

from pathlib import Path

import duckdb
import pytest

from mixpanel_data import StorageEngine
from tests.support.export_files import event, write_lines
from tests.support.terminal import Terminal

pytestmark = pytest.mark.slow


@pytest.fixture
def big_file(tmp_path: Path) -> Path:
    return write_lines(tmp_path / "events.jsonl", map(event, range(5000)))


def test_a_load_shows_its_progress(db_path: Path, big_file: Path) -> None:
    terminal = Terminal("load", "events", big_file, "--db", db_path)
    assert terminal.wait() == 0
    assert "kB" in terminal.text
    assert "5,000 rows in " in terminal.text
    assert "events: 5,000 rows stored" in terminal.text


def test_ctrl_c_stops_the_database_reading_a_file(db_path: Path, big_file: Path) -> None:
    big_file.write_bytes(big_file.read_bytes() * 100)
    terminal = Terminal("load", "events", big_file, "--db", db_path, NO_COLOR="1")
    terminal.read_until_match(r"[1-9][0-9.]*/[0-9.]+ MB")
    terminal.type("\x03", after=0)
    assert terminal.wait() == 130
    assert terminal.text.endswith("Interrupted; nothing was changed.\r\n")
    with StorageEngine(db_path, read_only=True) as storage:
        assert storage.list_tables() == []


def test_quiet_shows_nothing(db_path: Path, big_file: Path) -> None:
    terminal = Terminal("load", "events", big_file, "--db", db_path, "--quiet")
    assert (terminal.wait(), terminal.text) == (0, "")


def test_no_color_is_honoured(loaded: Path) -> None:
    coloured, plain = (
        Terminal("query", "FROM events", "--db", loaded, **environment)
        for environment in ({}, {"NO_COLOR": "1"})
    )
    assert (coloured.wait(), plain.wait()) == (0, 0)
    assert "\x1b[" in coloured.text
    assert "\x1b[3" not in plain.text


def test_long_cells_are_cut_to_the_width(loaded: Path) -> None:
    terminal = Terminal("query", "SELECT repeat('x', 5000) AS long", "--db", loaded)
    terminal.wait()
    assert "…" in terminal.text
    assert "x" * 101 not in terminal.text


def test_parquet_does_not_go_to_a_screen(loaded: Path) -> None:
    terminal = Terminal("query", "FROM events", "--format", "parquet", "--db", loaded)
    assert terminal.wait() == 2
    assert "--output" in terminal.text


@pytest.mark.parametrize(
    ("answer", "code", "left"), [("y\n", 0, 0), ("n\n", 1, 1), ("\x03", 130, 1)]
)
def test_drop_asks(loaded: Path, answer: str, code: int, left: int) -> None:
    terminal = Terminal("drop", "events", "--db", loaded)
    terminal.read_until("Drop table 'events' and its 3 rows?")
    terminal.type(answer)
    assert terminal.wait() == code
    with StorageEngine(loaded, read_only=True) as storage:
        assert len(storage.list_tables()) == left


_ESCAPES = "\x1b]0;title\x07\x9b2J\u202e[/b]"


@pytest.mark.parametrize(
    "command",
    [
        ["tables", "--format", "json"],
        ["loads", "--format", "json"],
        ["schema", _ESCAPES],
        ["schema", f"no{_ESCAPES}"],
        ["query", f"SELECT '{_ESCAPES}' AS a"],
        ["load", "events", f"{_ESCAPES}.jsonl"],
        ["drop", _ESCAPES, "--yes"],
        ["db", "adopt", _ESCAPES],
        ["db", "check"],
    ],
    ids=" ".join,
)
def test_nothing_of_a_name_or_the_data_controls_the_terminal(
    command: list[str], loaded: Path
) -> None:
    with duckdb.connect(str(loaded)) as connection:
        connection.execute(f'CREATE TABLE "{_ESCAPES}" AS FROM events')
        connection.execute("UPDATE _loads SET source = ?", [_ESCAPES])
    terminal = Terminal(*command, "--db", loaded)
    assert terminal.wait() in (0, 1, 2)
    assert "title" in terminal.text or command[0] in ("tables", "schema")
    assert not any(sign in terminal.text for sign in ("\x1b]", "\x07", "\x9b", "\u202e"))
    assert "Traceback" not in terminal.text


def test_what_the_encoding_lacks_is_escaped(loaded: Path) -> None:
    terminal = Terminal("query", "SELECT 'Malmö'", "--db", loaded, PYTHONIOENCODING="ascii")
    assert terminal.wait() == 0
    assert r"Malm\xf6" in terminal.text
