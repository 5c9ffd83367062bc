"""Exports as other tools left them: lists, UTF-16, archives, pretty-printed."""

from __future__ import annotations

import codecs
import gzip
import io
import json
import random
from pathlib import Path
from typing import Any

import pytest

from mixpanel_data import StorageEngine
from mixpanel_data.exceptions import InvalidRecordError
from mixpanel_data.formats import read_export, read_profiles
from tests.support.exports import Trickle, lines, profiles, zstd
from tests.support.factories import metadata
from tests.support.packed import tar, zipped

ODD = {"s": 'a"b\\{[é,\u2028', "n": {"x": [1, {"y": "]"}], "e": []}, "big": 10**25, "z": 1.0}
EVENTS: list[dict[str, Any]] = [
    {
        "event": f"e{n % 3}",
        "properties": {"time": 1_740_787_200 + n, "distinct_id": "u", "$insert_id": f"i{n}", **ODD},
    }
    for n in range(20)
]
PROFILES = [
    {"$distinct_id": f"u{n}", "$properties": {"$last_seen": "2025-03-04T10:00:00", **ODD}}
    for n in range(20)
]


def dump(rows: list[dict[str, Any]], end: str = "\n", indent: int | None = None) -> bytes:
    return b"".join((json.dumps(row, indent=indent) + end).encode() for row in rows)


def utf(text: bytes, encoding: str) -> bytes:
    return text.decode().encode(encoding)


def forms(rows: list[dict[str, Any]]) -> dict[str, bytes]:
    whole, first, rest = dump(rows), dump(rows[:7]), dump(rows[7:])
    listed = json.dumps(rows).encode()
    return {
        "list": listed,
        "list, pretty": json.dumps(rows, indent=2).encode(),
        "list, with a mark and a line end": codecs.BOM_UTF8 + listed + b"\r\n",
        "lists, appended": json.dumps(rows[:7]).encode() + json.dumps(rows[7:]).encode(),
        "list, gzip": gzip.compress(listed),
        "list, zstd": zstd(listed),
        "objects, pretty": dump(rows, indent=2),
        "UTF-16": utf(whole, "utf-16"),
        "UTF-16, CRLF": utf(dump(rows, "\r\n"), "utf-16"),
        "UTF-16, big-endian": codecs.BOM_UTF16_BE + utf(whole, "utf-16-be"),
        "UTF-16, no mark": utf(whole, "utf-16-le"),
        "UTF-16, list": utf(json.dumps(rows, indent=1).encode(), "utf-16"),
        "UTF-16, gzip": gzip.compress(utf(whole, "utf-16")),
        "UTF-32": utf(whole, "utf-32"),
        "tar": tar({"d/a.jsonl": first, "d/._a.jsonl": b"\0", "d/b": rest}),
        "tar.gz": tar({"a.jsonl": first, "b.jsonl.gz": gzip.compress(rest)}, "w:gz"),
        "tar.zst": zstd(tar({"a.json": json.dumps(rows).encode()})),
        "zip": zipped({"d/": b"", "d/a.jsonl": first, "__MACOSX/d": b"\0", "b": rest}),
        "zip of gzip and UTF-16": zipped({"a": gzip.compress(first), "b": utf(rest, "utf-16")}),
    }


FORMS = forms(EVENTS)
CUT = ["list", "list, pretty", "lists, appended", "UTF-16", "tar.gz", "zip", "list, gzip"]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_holds_the_same_events(form: str) -> None:
    expected = list(read_export(io.BytesIO(dump(EVENTS))))
    assert list(read_export(io.BytesIO(FORMS[form]))) == expected
    for size in (1, 7, 600):
        if not form.startswith("zip"):
            assert list(read_export(Trickle(FORMS[form], [size, 3]))) == expected


@pytest.mark.parametrize("form", FORMS)
def test_every_form_holds_the_same_profiles(form: str) -> None:
    assert profiles(forms(PROFILES)[form]) == profiles(dump(PROFILES))


@pytest.mark.parametrize("rows", [PROFILES, [{"page": n, "results": PROFILES} for n in range(2)]])
@pytest.mark.parametrize("indent", [None, 1])
def test_a_list_may_hold_profiles_and_pages(rows: list[Any], indent: int | None) -> None:
    assert profiles(json.dumps(rows, indent=indent).encode()) == profiles(dump(rows))


@pytest.mark.parametrize("form", FORMS)
def test_the_set_based_way_takes_the_same_forms(
    form: str, tmp_path: Path, memory: StorageEngine
) -> None:
    path = tmp_path / "day"
    path.write_bytes(FORMS[form])
    assert memory.load_export("events", path, metadata()) == 20
    expected = list(read_export(path))
    columns = ("event_name", "event_time", "distinct_id", "insert_id")
    assert memory.execute_rows(f"SELECT {', '.join(columns)} FROM events ORDER BY event_time") == [
        tuple(record[column] for column in columns)  # type: ignore[literal-required]
        for record in expected
    ]


@pytest.mark.parametrize("form", CUT)
def test_no_cut_looks_complete(form: str) -> None:
    whole = FORMS[form]
    complete = list(read_export(io.BytesIO(whole)))
    for cut in random.Random(form).sample(range(1, len(whole) - 1), 60):
        try:
            found = list(read_export(io.BytesIO(whole[:cut])))
        except InvalidRecordError:
            continue
        # At a line end of plain lines, and where one list follows another.
        assert form in ("UTF-16", "lists, appended")
        assert found == complete[: len(found)]


def test_a_tar_without_its_end_may_lack_files() -> None:
    whole = tar({"a": dump(EVENTS[:7]), "b": dump(EVENTS[7:])})
    end = len(whole.rstrip(b"\0"))
    for cut in range(1, end, 97):
        with pytest.raises(InvalidRecordError):
            list(read_export(io.BytesIO(whole[:cut])))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"[%s,]", "not JSON"),
        (b"[,%s]", "not JSON"),
        (b"[%s,,%s]", "not JSON"),
        (b"[%s]]", "not JSON"),
        (b"[%s}", "not JSON"),
        (b"[%s", "ends before its list"),
        (b"[%s,", "ends before its list"),
        (b"[%s] terminated early", "terminated early"),
        (b"[%s]\nterminated early\n", "terminated early"),
        (b"[%s],[%s]", "not JSON"),
        (b"[1,%s]", "not a JSON object"),
        (b"[[%s]]", "not a JSON object"),
        (b"[%s %s]", "not JSON"),
        (b'[{"event":"a"]', "ends before its list"),
        (b"[NaN]", "not JSON"),
        (b"[]", "an empty list"),
        (b" [ ] \n", "an empty list"),
    ],
)
def test_what_is_no_list_is_refused(text: bytes, problem: str) -> None:
    row = dump(EVENTS[:1], "")
    with pytest.raises(InvalidRecordError, match=problem):
        list(read_export(io.BytesIO(text.replace(b"%s", row))))


def test_the_record_of_a_list_is_named_not_its_line() -> None:
    rows = [*EVENTS[:4], {"event": "e", "properties": {}}]
    with pytest.raises(InvalidRecordError, match=r"<stream>, record 5: 'time' must be") as caught:
        list(read_export(io.BytesIO(json.dumps(rows).encode())))
    assert caught.value.details["record"] == 5


def test_damage_inside_an_archive_is_found() -> None:
    data = bytearray(zipped({"a.jsonl": lines(50)}))
    data[200] ^= 255
    with pytest.raises(InvalidRecordError, match=r"<stream>/a\.jsonl, line \d+: .*damaged"):
        list(read_export(io.BytesIO(bytes(data))))
    with pytest.raises(InvalidRecordError, match=r"a\.jsonl, line 2"):
        list(read_export(io.BytesIO(tar({"a.jsonl": lines(1) + b"{"}))))


def test_the_bytes_of_an_archive_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "day.zip"
    path.write_bytes(FORMS["zip"])
    seen: list[int] = []
    plain = io.BytesIO(lines(1))
    assert len(list(read_export(path, plain, progress=seen.append))) == 21
    assert seen[-1] == path.stat().st_size + len(lines(1))


def test_streams_stay_open() -> None:
    for form in ("zip", "tar", "list"):
        stream = io.BytesIO(FORMS[form])
        list(read_export(stream))
        assert not stream.closed


def test_read_profiles_takes_archives(tmp_path: Path) -> None:
    path = tmp_path / "people.zip"
    path.write_bytes(zipped({"1.json": dump([{"results": PROFILES[:5]}]), "2": dump(PROFILES[5:])}))
    assert list(read_profiles(path)) == profiles(dump(PROFILES))
