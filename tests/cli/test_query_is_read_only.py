"""``query`` changes nothing outside of the database either, and sends nothing odd to a terminal."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import pytest

from tests.support.command_line import Run


@pytest.mark.parametrize(
    "sql",
    [
        "COPY (SELECT 'overwritten') TO '{0}/precious.txt' (HEADER false)",
        "COPY events TO '{0}/precious.txt'",
        "EXPORT DATABASE '{0}/copy'",
        "SELECT content FROM read_text('{0}/precious.txt')",
        "SELECT * FROM read_csv('{0}/precious.txt')",
        "FROM '{0}/precious.csv'",
        "SELECT * FROM glob('{0}/*')",
        "ATTACH '{0}/other.db'",
        "INSTALL httpfs",
        "LOAD '{0}/some.duckdb_extension'",
        "SET enable_external_access = true; SELECT content FROM read_text('{0}/precious.txt')",
        "SET temp_directory = '{0}'",
        "DROP TABLE events",
        "UPDATE EXTENSIONS",
        "PREPARE p AS COPY (SELECT 1) TO '{0}/precious.txt'",
        "EXPLAIN ANALYZE COPY events TO '{0}/precious.txt'",
        "FROM json_execute_serialized_sql(json_serialize_sql("
        "'SELECT content FROM read_text(''{0}/precious.txt'')'))",
        "SELECT 1; COPY events TO '{0}/precious.txt'",
    ],
)
def test_a_statement_reaches_nothing_outside(
    run: Run, loaded: Path, tmp_path: Path, sql: str
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("precious.txt", "precious.csv"):
        (folder / name).write_text("a\nsecret\n")
    done = run("query", sql.format(folder), "--db", loaded)
    assert done.code == 1
    assert "secret" not in done.out + done.err
    assert sorted(file.name for file in folder.iterdir()) == ["precious.csv", "precious.txt"]
    assert (folder / "precious.txt").read_text() == "a\nsecret\n"


def test_it_may_when_that_is_allowed(run: Run, loaded: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    sql = f"COPY (SELECT 7 AS a) TO '{target}'"
    done = run("query", sql, "--allow-external", "--db", loaded)
    # DuckDB before 2.0 has no relation for what COPY returns, the number of rows.
    assert done.code == 0 or (duckdb.__version__ < "2" and "gives no rows" in done.err)
    assert target.read_text() == "a\n7\n"


@pytest.mark.parametrize("kind", ["itself", "relative", "link", "log"])
def test_the_output_is_never_the_database(
    run: Run, loaded: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.chdir(loaded.parent)
    link = loaded.with_name("link.csv")
    link.symlink_to(loaded)
    output = {
        "itself": loaded,
        "relative": Path(loaded.name),
        "link": link,
        "log": loaded.with_name(f"{loaded.name}.wal"),
    }[kind]
    before = loaded.read_bytes()
    done = run("query", "SELECT 1", "--db", loaded, "--output", output, "--format", "csv")
    assert (done.code, "the database itself" in done.err) == (2, True)
    assert loaded.read_bytes() == before


@pytest.mark.parametrize("suffix", [".db", ".csv"])
def test_the_output_is_no_other_database(run: Run, loaded: Path, suffix: str) -> None:
    other = Path(shutil.copy(loaded, loaded.with_name(f"other{suffix}")))
    before = other.read_bytes()
    done = run("query", "SELECT 1", "--db", loaded, "--output", other, "--format", "csv")
    assert (done.code, "is a database" in done.err) == (2, True)
    assert other.read_bytes() == before


@pytest.mark.parametrize(
    "document", ['{"a":NaN}', '{"a":-Infinity}', "[1,]", '{"a":nan,"b":"NaN"}']
)
@pytest.mark.parametrize("format_", ["json", "jsonl"])
def test_what_is_no_json_in_the_database_is_json_in_the_output(
    run: Run, loaded: Path, document: str, format_: str
) -> None:
    with duckdb.connect(str(loaded)) as connection:
        connection.execute("CREATE TABLE odd (d JSON)")
        try:
            connection.execute("INSERT INTO odd VALUES (?)", [document])
        except duckdb.Error:
            pytest.skip("this version of DuckDB refuses it")
    out = run("query", "FROM odd", "--db", loaded, "--format", format_).out

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    (row,) = json.loads(out if format_ == "json" else f"[{out}]", parse_constant=refuse)
    assert list(row) == ["d"]


def test_no_control_character_reaches_the_terminal_in_an_error(run: Run, loaded: Path) -> None:
    with duckdb.connect(str(loaded)) as connection:
        connection.execute("UPDATE events SET event_name = '\x1b]0;title\x07'")
    done = run("query", "SELECT event_name::INT FROM events", "--db", loaded)
    assert done.code == 1
    assert "\x1b" not in done.err
    assert "\\x1b]0;title" in done.err
