"""Queries: which format, how many rows, where to, and what errors look like."""

import json
from pathlib import Path

import pytest

from mixpanel_data import StorageEngine
from tests.support.command_line import Run
from tests.support.factories import EVENTS, event


@pytest.fixture
def query(run: Run, loaded: Path) -> Run:
    """Run a query on the loaded database."""

    def call(*arguments: object, stdin: bytes | None = None) -> object:
        return run("query", "--db", loaded, *arguments, stdin=stdin)

    return call  # type: ignore[return-value]


def test_a_table_is_the_default(query: Run) -> None:
    done = query("SELECT event_name, count(*) AS n FROM events GROUP BY 1 ORDER BY 2 DESC")
    lines = [line.rstrip() for line in done.out.splitlines()]
    assert lines == [
        "event_name   n",
        "──────────   ─",
        "play         2",
        "skip         1",
        "",
        "2 rows",
    ]


def test_a_table_counts_the_rows_it_left_out(query: Run) -> None:
    lines = query("SELECT range AS n FROM range(12345)").out.splitlines()
    assert len(lines) == 2 + 50 + 2
    assert lines[-1].startswith("50 of 12,345 rows; --max-rows 0")


@pytest.mark.parametrize(("limit", "shown"), [(0, 9000), (3, 3), (5000, 5000)])
def test_max_rows(query: Run, limit: int, shown: int) -> None:
    lines = query("SELECT range AS n FROM range(9000)", "--max-rows", limit).out.splitlines()
    assert len(lines) == 2 + shown + 2
    assert lines[1 + shown].strip() == str(shown - 1)


def test_a_pipe_gets_whole_cells(query: Run) -> None:
    assert "x" * 5000 in query("SELECT repeat('x', 5000) AS long").out


def test_cells_cannot_break_the_table_or_move_the_cursor(query: Run) -> None:
    lines = query(r"SELECT E'a\n\x1b[31mb' AS x, NULL AS y").out.splitlines()
    assert r"a\n\x1b[31mb" in lines[2]
    assert "NULL" in lines[2]


def test_explain_keeps_its_drawing(query: Run) -> None:
    assert len(query("EXPLAIN SELECT * FROM events").out.splitlines()) > 5


def test_sql_may_come_from_stdin(query: Run) -> None:
    assert query("-", "--format", "csv", stdin=b"SELECT 1 AS a\n").out == "a\r\n1\r\n"


@pytest.mark.parametrize("suffix", ["csv", "json", "jsonl", "parquet"])
def test_the_suffix_of_the_output_chooses_the_format(
    query: Run, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"result.{suffix}"
    done = query("FROM events", "--output", path)
    assert (done.code, done.out, done.err) == (0, "", "")
    again = query(f"SELECT count(*) AS n FROM '{path}'", "--format", "csv", "--allow-external")
    assert again.out == "n\r\n3\r\n"


def test_the_format_wins_over_the_suffix(query: Run, tmp_path: Path) -> None:
    path = tmp_path / "result.txt"
    query("SELECT 1 AS a", "--output", path, "--format", "jsonl")
    assert path.read_text() == '{"a":1}\n'


def test_a_table_can_go_to_a_file(query: Run, tmp_path: Path) -> None:
    path = tmp_path / "result.txt"
    assert query("SELECT 'é' AS a", "--output", path, "--format", "table").code == 0
    assert path.read_text(encoding="utf-8").splitlines()[2].strip() == "é"


def test_an_unknown_suffix_is_a_usage_error(query: Run, tmp_path: Path) -> None:
    done = query("SELECT 1", "--output", tmp_path / "result.xls")
    assert (done.code, "--format" in done.err) == (2, True)


def test_a_failed_query_leaves_the_old_output(query: Run, tmp_path: Path) -> None:
    path = tmp_path / "result.csv"
    path.write_text("old")
    done = query("SELECT CAST(x AS INT) FROM (VALUES ('1'), ('b')) t(x)", "--output", path)
    assert done.code == 1
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.glob("*result*")] == ["result.csv"]


def test_output_follows_a_link_and_keeps_it(query: Run, tmp_path: Path) -> None:
    target, link = tmp_path / "target.csv", tmp_path / "link.csv"
    target.write_text("old")
    link.symlink_to(target)
    assert query("SELECT 1 AS a", "--output", link).code == 0
    assert link.is_symlink()
    assert target.read_bytes() == b"a\r\n1\r\n"


def test_a_device_is_written_to_not_replaced(query: Run) -> None:
    assert query("SELECT 1", "--output", "/dev/null", "--format", "csv").code == 0
    assert Path("/dev/null").is_char_device()


def test_an_error_in_sql_is_one_line(query: Run) -> None:
    done = query("SELECT *\nFROM events WHER x")
    assert done.code == 1
    assert done.err.startswith("Error: ")
    assert done.err.count("\n") == 1
    assert done.err.rstrip().endswith("(line 2)")


def test_an_error_in_the_middle_of_the_rows(query: Run) -> None:
    sql = "SELECT CASE WHEN range = 90000 THEN error('boom') ELSE 'fine' END FROM range(100000)"
    done = query(sql, "--format", "jsonl")
    assert done.code == 1
    assert done.err == "Error: Invalid Input Error: boom\n"


@pytest.mark.parametrize(
    "sql", ["DROP TABLE events", "DELETE FROM events", "CREATE TABLE x (i INT)"]
)
def test_a_query_cannot_write(query: Run, sql: str) -> None:
    done = query(sql)
    assert done.code == 1
    assert "read-only" in done.err
    assert query("SELECT count(*) AS n FROM events", "--format", "csv").out == "n\r\n3\r\n"


@pytest.mark.parametrize("sql", ["", "/* nothing */"])
def test_no_statement_is_an_error(query: Run, sql: str) -> None:
    done = query(sql)
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)


def test_a_statement_without_rows_is_an_error(query: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    # What DuckDB before 2.0 gives for SET and its like.
    monkeypatch.setattr(StorageEngine, "execute", lambda *_: None)
    done = query("SET threads = 1")
    assert (done.code, "gives no rows" in done.err) == (1, True)


def test_names_are_tables_not_variables_of_the_program(query: Run) -> None:
    done = query("SELECT * FROM relation")
    assert (done.code, "relation" in done.err) == (1, True)


SUGGESTED = {
    "FROM event": 'Did you mean "events"?',
    "SELECT properties->>'$source' FROM events": """in a path: '$."$source"'.""",
    "DELETE FROM events": "A query only reads; to change the database use Python:",
    "COPY events TO 'x.csv'": "--allow-external lets it.",
}


@pytest.mark.parametrize(("sql", "told"), SUGGESTED.items(), ids=SUGGESTED)
def test_a_refused_statement_says_what_to_do(run: Run, loaded: Path, sql: str, told: str) -> None:
    done = run("query", sql, "--db", loaded)
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert told in done.err
    assert "read_only=False" not in done.err


def test_an_unknown_table_is_named_with_the_one_that_is_meant(run: Run, loaded: Path) -> None:
    done = run("schema", "evens", "--db", loaded)
    assert done.err == "Error: Table 'evens' not found. Did you mean 'events'?\n"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        *(("41", 41), ("4.5", 4.5), ("true", True), ("null", None), ('"41"', "41")),
        *(("play", "play"), ("[1]", "[1]"), ("a=b", "a=b"), ("", "")),
    ],
)
def test_a_parameter_is_a_number_or_text(query: Run, value: str, told: object) -> None:
    done = query("SELECT $it AS it", "-p", f"it={value}", "--format", "json")
    assert json.loads(done.out) == [{"it": told}]


@pytest.mark.parametrize("words", [["-p", "it"], ["-p", "=1"], ["--param", "a b=1"]])
def test_a_parameter_needs_a_name_and_a_value(query: Run, words: list[str]) -> None:
    done = query("SELECT 1", *words)
    assert done.code == 2
    assert "NAME=VALUE" in done.err


@pytest.mark.parametrize("format_", ["table", "csv", "json", "jsonl"])
def test_a_limit_holds_for_every_format(query: Run, format_: str) -> None:
    done = query("SELECT range AS n FROM range(9000)", "--limit", 3, "--format", format_)
    assert done.code == 0
    assert "2" in done.out
    assert "3" not in done.out.replace("3 rows", "")


def test_max_rows_is_not_ignored_in_silence(query: Run) -> None:
    done = query("SELECT range AS n FROM range(9)", "--max-rows", 3, "--format", "csv")
    assert done.out.count("\n") == 10
    assert "--limit" in done.err


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("SELECT plan FROM events", """"plan" is a property: properties->>'$."plan"' reads it."""),
        ("FROM nothing_like_it", "does not exist! The tables are events"),
        ("FROM evnts", 'Did you mean "events"?'),
        ("SELECT $user", "-p NAME=VALUE gives $NAME"),
        ("SELECT :user", "-p NAME=VALUE gives $NAME"),
    ],
)
def test_an_error_says_what_may_have_been_meant(
    run: Run, db_path: Path, sql: str, told: str
) -> None:
    with StorageEngine(db_path) as storage:
        EVENTS.create(storage, [event(0, properties={"plan": "pro"})], "events")
    done = run("query", sql, "--db", db_path)
    assert (done.code, told in done.err, "_typed" in done.err) == (1, True, False)


def test_a_parameter_has_one_value(run: Run, loaded: Path) -> None:
    done = run("query", "SELECT $a", "-p", "a=1", "-p", "a=2", "--db", loaded)
    assert (done.code, "more than once" in done.err) == (2, True)
