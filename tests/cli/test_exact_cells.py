"""What becomes of DuckDB's values: exact in every format, on every version."""

import csv
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.support.command_line import Run

pytestmark = pytest.mark.slow

BIG = 2**127 - 1

CELLS: list[tuple[str, str, str]] = [
    # SQL, as text, as JSON
    ("1", "1", "1"),
    (f"{BIG}::HUGEINT", str(BIG), str(BIG)),
    ("(2::UHUGEINT + 340282366920938463463374607431768211453)", str(2**128 - 1), str(2**128 - 1)),
    ("1.50::DECIMAL(10, 4)", "1.5000", "1.5000"),
    ("0::DECIMAL(38, 20)", "0." + "0" * 20, "0." + "0" * 20),
    ("0.1::DOUBLE", "0.1", "0.1"),
    ("0.1::FLOAT", "0.1", "0.1"),
    ("'nan'::DOUBLE", "nan", "null"),
    ("'-inf'::DOUBLE", "-inf", "null"),
    ("true", "true", "true"),
    ("NULL", "", "null"),
    ("'é\U0001f3b5'", "é\U0001f3b5", '"é\U0001f3b5"'),
    ("DATE '2025-03-01'", "2025-03-01", '"2025-03-01"'),
    ("TIMESTAMP '2025-03-01 10:00:00.5'", "2025-03-01T10:00:00.5", '"2025-03-01T10:00:00.5"'),
    ("'infinity'::TIMESTAMP", "infinity", '"infinity"'),
    (
        "TIMESTAMP_NS '2025-03-01 10:00:00.123456789'",
        "2025-03-01T10:00:00.123456789",
        '"2025-03-01T10:00:00.123456789"',
    ),
    (
        "TIMESTAMPTZ '2025-03-01 10:00:00+05:30'",
        "2025-03-01T04:30:00+00:00",
        '"2025-03-01T04:30:00+00:00"',
    ),
    ("'infinity'::TIMESTAMPTZ", "infinity", '"infinity"'),
    ("TIME '24:00:00'", "24:00:00", '"24:00:00"'),
    ("INTERVAL '1 month 2 days'", "1 month 2 days", '"1 month 2 days"'),
    ("'\\x00\\xFF'::BLOB", "AP8=", '"AP8="'),
    ("'101'::BIT", "101", '"101"'),
    ("'{\"a\": 1.10}'::JSON", '{"a": 1.10}', '{"a": 1.10}'),
    ("'null'::JSON", "null", "null"),
    ("[1, 2]", "[1,2]", "[1,2]"),
    ("['nan'::DOUBLE, 1]", "[null,1.0]", "[null,1.0]"),
    (
        "{'a': '\"NaN', 'b': [{'c': NULL}]}",
        '{"a":"\\"NaN","b":[{"c":null}]}',
        '{"a":"\\"NaN","b":[{"c":null}]}',
    ),
    ("MAP {'k': 1}", '{"k":1}', '{"k":1}'),
]
TEXT = [(sql, text) for sql, text, _ in CELLS]
JSON = [(sql, value) for sql, _, value in CELLS]


@pytest.mark.parametrize(("sql", "text"), TEXT, ids=[sql for sql, _ in TEXT])
def test_csv(run: Run, loaded: Path, sql: str, text: str) -> None:
    out = run("query", f"SELECT {sql} AS x, 1 AS y", "--format", "csv", "--db", loaded).out
    header, row = csv.reader(io.StringIO(out, newline=""))
    assert (header, row) == (["x", "y"], [text, "1"])


@pytest.mark.parametrize(("sql", "value"), JSON, ids=[sql for sql, _ in JSON])
def test_jsonl(run: Run, loaded: Path, sql: str, value: str) -> None:
    out = run("query", f"SELECT {sql} AS x", "--format", "jsonl", "--db", loaded).out
    assert out == f'{{"x":{value}}}\n'


def test_csv_quotes_what_needs_it_and_ends_lines_with_crlf(run: Run, loaded: Path) -> None:
    sql = """SELECT 'a,b' AS "x ""y" , E'line\\nbreak' AS z, 'say "hi"' AS q"""
    done = run("query", sql, "--format", "csv", "--db", loaded)
    assert done.raw == b'"x ""y",z,q\r\n"a,b","line\nbreak","say ""hi"""\r\n'


def test_properties_are_values_in_json_and_text_in_csv(run: Run, loaded: Path) -> None:
    [row] = json.loads(
        run("query", "SELECT properties FROM events LIMIT 1", "-f", "json", "--db", loaded).out
    )
    assert row == {"properties": {"country": "DE", "amount": 10**20, "note": 'a,"b"\nc'}}
    out = run("query", "SELECT properties FROM events LIMIT 1", "-f", "csv", "--db", loaded).out
    _, [cell] = csv.reader(io.StringIO(out, newline=""))
    assert json.loads(cell) == row["properties"]


def test_json_with_line_breaks_stays_on_its_line(run: Run, loaded: Path) -> None:
    sql = """SELECT E'{\\n"a": "b\\\\nc"\\r\\n}'::JSON AS x FROM range(2)"""
    done = run("query", sql, "--format", "jsonl", "--db", loaded)
    assert done.rows == [{"x": {"a": "b\nc"}}] * 2


@pytest.mark.parametrize(("rows", "text"), [(0, "[]\n"), (2, '[\n{"n":0},\n{"n":1}\n]\n')])
def test_json_is_one_array(run: Run, loaded: Path, rows: int, text: str) -> None:
    sql = f"SELECT range AS n FROM range({rows})"
    assert run("query", sql, "--format", "json", "--db", loaded).out == text


@pytest.mark.parametrize(("format_", "text"), [("csv", "n\r\n"), ("jsonl", "")])
def test_no_rows(run: Run, loaded: Path, format_: str, text: str) -> None:
    sql = "SELECT range AS n FROM range(0)"
    assert run("query", sql, "--format", format_, "--db", loaded).out == text


@pytest.mark.parametrize("format_", ["csv", "json", "jsonl"])
def test_many_rows_come_in_order(run: Run, loaded: Path, format_: str) -> None:
    sql = "SELECT range AS n FROM range(20000) ORDER BY n"
    out = run("query", sql, "--format", format_, "--db", loaded).out
    if format_ == "csv":
        numbers = [int(line) for line in out.split()[1:]]
    else:
        objects = json.loads(out) if format_ == "json" else map(json.loads, out.splitlines())
        numbers = [row["n"] for row in objects]
    assert numbers == list(range(20000))


def test_columns_named_alike_are_numbered(run: Run, loaded: Path) -> None:
    sql = "SELECT 1 AS a, 2 AS a, 3 AS a_1, 4 AS a"
    done = run("query", sql, "--format", "jsonl", "--db", loaded)
    assert done.rows == [{"a": 1, "a_2": 2, "a_1": 3, "a_3": 4}]


def parquet(run: Run, db: Path, sql: str, path: Path) -> list[dict[str, Any]]:
    done = run("query", sql, "--output", path, "--db", db)
    assert (done.code, done.err) == (0, "")
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


def test_parquet_keeps_types_and_digits(run: Run, loaded: Path, tmp_path: Path) -> None:
    sql = f"""
        SELECT {10**37}::HUGEINT AS huge, 1.50::DECIMAL(10, 4) AS money, 1 AS a, 2 AS a,
               INTERVAL '1 month' AS span, '101'::BIT AS bits, event_time, properties,
               union_value(n := 1) AS u, NULL AS nothing
        FROM events LIMIT 1"""
    [row] = parquet(run, loaded, sql, tmp_path / "result.parquet")
    assert row["huge"] == Decimal(10**37)
    assert row["money"] == Decimal("1.5000")
    assert (row["a"], row["a_1"]) == (1, 2)
    assert (row["span"], row["bits"], row["u"]) == ("1 month", "101", '{"n":1}')
    assert row["event_time"].isoformat() == "2025-03-02T10:00:00"
    assert json.loads(row["properties"])["amount"] == 10**20
    assert row["nothing"] is None


def test_parquet_without_rows_has_its_columns(run: Run, loaded: Path, tmp_path: Path) -> None:
    path = tmp_path / "result.parquet"
    assert parquet(run, loaded, "SELECT * FROM events WHERE false", path) == []
    assert pq.read_schema(path).names[0] == "event_name"


def test_parquet_goes_into_a_pipe(run: Run, loaded: Path) -> None:
    done = run("query", "FROM events", "--format", "parquet", "--db", loaded)
    assert pq.read_table(io.BytesIO(done.raw)).num_rows == 3


@pytest.mark.parametrize(
    ("sql", "complaint"),
    [
        (f"SELECT {BIG}::HUGEINT AS x", "Conversion Error"),
        ("SELECT [INTERVAL '1 month'] AS x", "CAST"),
    ],
)
def test_what_parquet_cannot_hold_is_an_error(
    run: Run, loaded: Path, tmp_path: Path, sql: str, complaint: str
) -> None:
    path = tmp_path / "result.parquet"
    done = run("query", sql, "--output", path, "--db", loaded)
    assert (done.code, complaint in done.err, path.exists()) == (1, True, False)
