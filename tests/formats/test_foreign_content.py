"""What is no export is named, with what to do; no advice to remove a line that is the file."""

from __future__ import annotations

import gzip
import io
import json
import sqlite3
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest

from mixpanel_data import StorageEngine
from mixpanel_data._internal.formats.text import BinaryStream
from mixpanel_data.exceptions import InvalidRecordError
from mixpanel_data.formats import detect_kind, read_export, read_profiles
from tests.support.exports import line, lines, profile_refusal, refusal
from tests.support.factories import metadata
from tests.support.packed import tar, zipped

PROFILE = b'{"$distinct_id":"u","$properties":{}}'
EVENT = line().strip()


def encrypted_zip() -> bytes:
    data = bytearray(zipped({"a.jsonl": lines(1)}))
    data[6] |= 1  # the flag in the local header, and in the directory
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def office() -> bytes:
    return zipped({"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<x/>"})


def sqlite(path: Path) -> bytes:
    database = sqlite3.connect(path / "x.sqlite")
    database.execute("CREATE TABLE t (a)")
    database.commit()
    database.close()
    return (path / "x.sqlite").read_bytes()


FOREIGN = {
    "HTML": (b"<!DOCTYPE html>\n<html><body>502 Bad Gateway</body></html>\n", "an HTML page"),
    "HTML, indented": (b"\n  <html><head></head></html>", "an HTML page"),
    "XML": (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "XML"),
    "HTML, gzip": (gzip.compress(b"<html></html>"), "an HTML page"),
    "zip, encrypted": (encrypted_zip(), "encrypted with a password"),
    "Excel": (office(), "an Excel or Office file"),
    "Excel, old": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an old Excel"),
    "7z": (b"7z\xbc\xaf\x27\x1c" + bytes(600), "a 7z archive"),
    "RAR": (b"Rar!\x1a\x07\x01\x00" + bytes(600), "a RAR archive"),
    "xz": (b"\xfd7zXZ\0" + bytes(600), "compressed by xz"),
    "bzip2": (b"BZh91AY&SY" + bytes(600), "compressed by bzip2"),
    "age": (b"age-encryption.org/v1\n-> X25519", "encrypted by age"),
    "PGP": (b"-----BEGIN PGP MESSAGE-----\n\n", "encrypted by PGP"),
    "OpenSSL": (b"Salted__" + bytes(600), "encrypted by OpenSSL"),
    "PDF": (b"%PDF-1.7\n" + bytes(600), "a PDF file"),
    "PNG": (b"\x89PNG\r\n\x1a\n" + bytes(600), "a binary file"),
    "Avro": (b"Obj\x01" + bytes(600), "an Avro file"),
    "DuckDB": (bytes(8) + b"DUCK" + bytes(600), "a DuckDB database"),
    "Git LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a pointer of Git"),
    "zip in zip": (zipped({"b.zip": zipped({"a": lines(1)})}), "an archive within an archive"),
    "zip in tar": (tar({"b.zip": zipped({"a": lines(1)})}), "an archive within an archive"),
    "zip, gzip": (gzip.compress(zipped({"a": lines(1)})), "within another file"),
    "Parquet, gzip": (gzip.compress(b"PAR1" + bytes(600)), "within another file"),
    "Parquet, damaged": (b"PAR1" + bytes(600) + b"PAR1", "the Parquet file is cut short, damaged"),
    "Parquet, cut": (b"PAR1", "the Parquet file is cut short, damaged"),
    "zip, cut": (b"PK\x03\x04", "the archive is damaged or cut short"),
    "plain text": (b"Unable to authenticate request\n", "'Unable to authenticate request'"),
    "plain text, cut": (b"to_date cannot be later than today", "'to_date cannot be later"),
    "plain text, commas": (b"sorry, come back later; please\n", "'sorry, come back later"),
    "error": (b'{"error":"Query rate limit exceeded","status":"error"}\n', "exceeded"),
    "gzip, twice": (gzip.compress(gzip.compress(lines(1))), "compressed twice"),
    "headers": (b"HTTP/2 200\r\ncontent-type: text/plain\r\n\r\n" + lines(1), "HTTP headers"),
    "error, object": (b'{"error": {"code": 403, "message": "forbidden"}}', "forbidden"),
    "error, pretty": (b'{\n  "error": "Invalid secret"\n}\n', "'Invalid secret'"),
    "error, list": (b'[{"error": "Timeout"}]', "error of Mixpanel's API, 'Timeout'"),
}


@pytest.mark.parametrize(("data", "what"), FOREIGN.values(), ids=FOREIGN)
def test_it_is_named(data: bytes, what: str, tmp_path: Path, memory: StorageEngine) -> None:
    path = tmp_path / "day.json"
    path.write_bytes(data)
    for error in (refusal(data), profile_refusal(data)):
        assert what in error.message
        assert "remove" not in error.message
        assert error.details["suggestion"].endswith(".")
    for load in (
        lambda: memory.load_export("events", path, metadata()),
        lambda: memory.load_export("events", path),
        lambda: memory.load_export("events", io.BytesIO(data)),
        lambda: list(read_profiles(path)),
    ):
        with pytest.raises(InvalidRecordError) as caught:
            load()
        assert what in caught.value.message
    assert memory.list_tables() == []


def test_a_database_of_sqlite_is_named(tmp_path: Path) -> None:
    data = sqlite(tmp_path)
    assert "<stream> is a SQLite database, not an export" in refusal(data).message


def test_a_zip_of_an_unknown_method_is_named() -> None:
    data = bytearray(zipped({"a.jsonl": lines(1)}))
    directory = data.index(b"PK\x01\x02")
    data[8] = data[directory + 10] = 97
    with pytest.raises(NotImplementedError):
        zipfile.ZipFile(io.BytesIO(bytes(data))).read("a.jsonl")
    assert "an archive that cannot be read" in refusal(bytes(data)).message


class Pipe(io.BytesIO):
    def seekable(self) -> bool:
        return False


@pytest.mark.parametrize(
    "data", [zipped({"a": lines(1)}), b"PAR1" + bytes(600)], ids=["a ZIP", "Parquet"]
)
def test_what_needs_to_seek_is_no_use_in_a_pipe(data: bytes) -> None:
    with pytest.raises(InvalidRecordError, match="from a pipe, where it cannot be read"):
        list(read_export(Pipe(data)))


@pytest.mark.parametrize("wrap", [b"%s\n", b"[%s]", b'{"results":[%s]}\n'])
def test_profiles_given_as_events_are_named(wrap: bytes) -> None:
    message = refusal(wrap.replace(b"%s", PROFILE)).message
    assert "it is a profile" in message or "it is a page of profiles" in message
    assert "load profiles" in message


@pytest.mark.parametrize("wrap", [b"%s\n", b"[%s]", b'{"results":[%s]}\n'])
def test_events_given_as_profiles_are_named(wrap: bytes) -> None:
    message = profile_refusal(wrap.replace(b"%s", EVENT)).message
    assert "it is an event" in message
    assert "load events" in message


def test_an_error_of_the_api_among_events_is_found() -> None:
    error = refusal(lines(2) + b'{"error": "Query rate limit exceeded"}\n')
    assert error.details["line"] == 3
    assert "wait until it is over" in error.details["suggestion"]


def test_a_bad_line_among_others_may_be_removed() -> None:
    assert "Correct or remove this line" in refusal(lines(2) + b"nonsense\n").message
    assert "remove" not in refusal(b"nonsense\n" + lines(2)).message


@pytest.mark.parametrize("text", [b"\xff\xfe{\x00\x00\xd8}\x00", b"\xff\xfe{\x00\x22\x00\x41"])
def test_utf_16_that_is_damaged_is_refused(text: bytes) -> None:
    assert "UTF-16" in refusal(text).message


@pytest.mark.parametrize("kind", ["events", "profiles"])
def test_an_empty_file_of_a_compressed_kind_says_how_to_go_on(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "day.json.gz"
    path.touch()
    read = read_export if kind == "events" else read_profiles
    with pytest.raises(InvalidRecordError, match="--allow-empty"):
        next(iter(read(path)))


def test_a_parquet_file_of_other_columns_is_named(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": [1], "b": [2]}), path)
    with pytest.raises(InvalidRecordError, match=r"x\.parquet is a table of the columns a, b"):
        next(read_export(path))


@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        ([{"event": "e", "properties": {"time": 1}}], "events"),
        ([{"event_name": "e", "time": 1}], "events"),
        ([{"$distinct_id": "u", "$properties": {}}], "profiles"),
        ([{"results": []}], "profiles"),
        ([{"distinct_id": "u", "properties": {}}], "profiles"),
        ([], None),
    ],
)
def test_the_kind_is_that_of_the_first_record(rows: list[object], kind: str | None) -> None:
    data = "\n".join(map(json.dumps, rows)).encode()
    for stream in (io.BytesIO(data), Pipe(data)):
        found, (same,) = detect_kind([stream])
        assert found == kind
        assert isinstance(same, BinaryStream)
        assert b"".join(iter(lambda: same.read(1000) or b"", b"")) == data  # noqa: B023
