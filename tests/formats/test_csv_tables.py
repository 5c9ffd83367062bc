"""CSV of Mixpanel's own tool, of its reports, and with other separators."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from mixpanel_data import StorageEngine
from mixpanel_data.exceptions import InvalidRecordError
from mixpanel_data.formats import read_export, read_profiles
from tests.support.exports import events, profile_refusal, profiles, refusal
from tests.support.factories import metadata

PROPERTIES: list[dict[str, Any]] = [
    {"time": 1_740_787_200, "distinct_id": "123", "$insert_id": "1e5", "n": 7, "f": 1.5, "b": True},
    {"time": 1_740_787_201, "distinct_id": "u", "$insert_id": "b", "text": 'a,"b"\nc', "f": -0.25},
    {"time": 1_740_787_202, "distinct_id": "", "$insert_id": "c", "list": [1, "x", {"y": None}]},
    {"time": 1_740_787_203, "distinct_id": "é", "$insert_id": "d", "b": False, "big": 10**25},
    {"time": 1_740_787_204, "$insert_id": "e", "zip": "00712", "version": "1.10", "hex": "12e4"},
]
EVENTS = [{"event": f"e{n}", "properties": p} for n, p in enumerate(PROPERTIES)]
# Nobody can tell an empty text from nothing in CSV.
PEOPLE = [
    {"$distinct_id": f"{n}", "$properties": {"$last_seen": "2025-03-04T10:00:00", **p}}
    for n, p in enumerate(PROPERTIES)
    if p.get("distinct_id") != ""
]


def as_table(rows: list[dict[str, Any]], first: str, inner: str) -> bytes:
    """Return rows as Mixpanel's own tool writes them: lists and objects as JSON, the rest plain."""
    names = sorted({name for row in rows for name in row[inner]})
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([first, *names])
    for row in rows:
        cells = (row[inner].get(name, "") for name in names)
        writer.writerow(
            [row[first], *(json.dumps(c) if isinstance(c, (list, dict)) else c for c in cells)]
        )
    return out.getvalue().encode()


def as_lines(rows: list[dict[str, Any]]) -> bytes:
    return "\n".join(map(json.dumps, rows)).encode()


EVENTS_TABLE = as_table(EVENTS, "event", "properties")
PEOPLE_TABLE = as_table(PEOPLE, "$distinct_id", "$properties")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text,
        lambda text: text.replace("\r\n", "\r\r\n"),  # as written by hand on Windows
        lambda text: text.replace("\r\n", "\n"),
        lambda text: "\ufeff" + text,
        lambda text: text.rstrip("\r\n"),
    ],
    ids=["as it is", "CRCRLF", "LF", "mark", "no last line end"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_types_are_those_of_json(change: Any, encoding: str) -> None:
    table = change(EVENTS_TABLE.decode()).encode(encoding)
    expected = events(as_lines(EVENTS))
    if "\r\r\n" in change("\r\n"):
        assert [e["insert_id"] for e in events(table)] == [e["insert_id"] for e in expected]
    else:
        assert events(table) == expected


def test_profiles_too(tmp_path: Path, memory: StorageEngine) -> None:
    assert profiles(PEOPLE_TABLE) == profiles(as_lines(PEOPLE))
    path = tmp_path / "people.csv"
    path.write_bytes(PEOPLE_TABLE)
    assert memory.load_export("people", path) == 4
    assert memory.get_metadata("people").type == "profiles"
    with pytest.raises(InvalidRecordError, match="it is a profile"):
        memory.load_export("events", path, metadata())


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_columns_as_reports_name_them(separator: str) -> None:
    lines = ["Event Name,Time,Distinct ID,Insert ID,City,Amount", "play,%s,u1,i1,Paris,2"]
    for time in ("1740823200", "2025-03-01 10:00:00", "2025-03-01T10:00:00", "2025-03-01T10:00Z"):
        text = "\n".join(lines).replace(",", separator).replace("%s", time)
        (event,) = events(text.encode())
        assert (event["event_name"], event["distinct_id"]) == ("play", "u1")
        assert event["insert_id"] == "i1"
        assert event["event_time"] == datetime(2025, 3, 1, 10)
        assert {"City": "Paris", "Amount": 2}.items() <= event["properties"].items()


def test_people_as_reports_name_them() -> None:
    (profile,) = profiles(b'"Distinct ID","Name","$email"\n"u1","Ann, B.","a@b"\n')
    assert profile == {
        "distinct_id": "u1",
        "properties": {"Name": "Ann, B.", "$email": "a@b"},
        "last_seen": None,
    }


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        *(("1", 1), ("-1", -1), ("1.5", 1.5), ("0", 0), ("1e+20", 1e20), ("1e5", "1e5")),
        *(("007", "007"), ("1.10", "1.10"), ("+1", "+1"), ("1.", "1."), (".5", ".5")),
        *(("12345678901234567890123", 12345678901234567890123), ("1_000", "1_000")),
        *(("true", True), ("True", True), ("False", False), ("TRUE", "TRUE"), ("null", "null")),
        *(("[1]", [1]), ('"{""a"":1}"', {"a": 1}), ("[oops", "[oops"), ("NaN", "NaN")),
        *(("1e400", "1e400"), ("٣", "٣"), (" 1", " 1"), ('"[NaN]"', "[NaN]")),
    ],
)
def test_a_cell_is_what_it_would_be_in_json(cell: str, value: object) -> None:
    table = f"event,time,x\nplay,1740787200,{cell}\n"
    assert events(table.encode())[0]["properties"]["x"] == value


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"event,time\nplay,1740787200,3\n", "line 2: it has 3 cells, and there are 2 columns"),
        (b"event,time\nplay,1\nplay", "line 3: it has 1 cells"),
        (b'event,time\n"play', "line 2: the text ends inside a quoted cell"),
        (b'event,time\n"a"b,1\n', "line 2: it is not CSV"),
        (b"event,time\ncaf\xe9,1740787200\n", "line 2: it is not UTF-8"),
        (b"event,time\nplay,soon\n", "line 2: 'time' must be"),
        (b"event,x\nplay,1\n", "line 2: 'time' must be"),
        (b"event,time\n,1740787200\n", "line 2: 'event' is missing"),
    ],
)
def test_what_is_no_row_is_refused_with_its_line(text: bytes, problem: str) -> None:
    assert problem in refusal(text).message


def test_the_names_of_columns_may_begin_as_other_files_do() -> None:
    for name in ("ORCID", "BZhang", "HTTP/2", "PARENT"):
        assert events(f"{name},event,time\n1,e,1\n".encode())[0]["properties"][name] == 1


@pytest.fixture
def short_cells() -> Iterator[None]:
    """Take cells of Python's own limit alone; the command line raises it for the process."""
    before = csv.field_size_limit(131_072)
    yield
    csv.field_size_limit(before)


@pytest.mark.usefixtures("short_cells")
def test_a_cell_longer_than_python_takes_names_the_limit() -> None:
    error = refusal(b"event,time,x\nplay,1," + b"x" * 200_000 + b"\n")
    assert "csv.field_size_limit()" in error.message


def test_a_person_without_an_id_is_refused() -> None:
    assert "line 2: '$distinct_id' is missing" in profile_refusal(b"$distinct_id,a\n,1\n").message


def test_lines_within_cells_count() -> None:
    error = refusal(b'event,time,x\nplay,1740787200,"a\nb"\nplay,soon,1\n')
    assert error.details["line"] == 4


def test_a_table_without_rows_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "e.csv"
    path.write_text("event,time\n")
    assert list(read_export(path)) == []
    path.write_text("$distinct_id,$email\n")
    assert list(read_profiles(path)) == []
