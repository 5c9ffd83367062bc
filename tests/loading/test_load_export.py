"""``load_export``: files, patterns and names; progress; all of them or nothing."""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from mixpanel_data import InvalidRecordError, StorageEngine, TableExistsError
from mixpanel_data._internal.loading import export_source
from mixpanel_data._internal.storage import loads
from tests.support.effort import some
from tests.support.exports import ENCODINGS, lines, zstd
from tests.support.factories import dump, metadata
from tests.support.samples import SAMPLES, Sample

pytestmark = pytest.mark.both_engines

COMPRESSED: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".zst": zstd}


def _write(path: Path, count: int = 10, start: int = 0) -> Path:
    text = b"".join(lines(start + count).splitlines(keepends=True)[start:])
    path.write_bytes(COMPRESSED.get(path.suffix, bytes)(text))
    return path


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("name", ["e.jsonl", "e.gz", "e.zst", "a [b] 'c' %d.jsonl", "x*y?.jsonl"])
def test_any_file_by_any_name(
    memory: StorageEngine, tmp_path: Path, encoding: str, name: str
) -> None:
    (tmp_path / name).write_bytes(ENCODINGS[encoding](lines(10)))
    assert memory.load_export("data", tmp_path / name, metadata()) == 10
    assert memory.execute_scalar("SELECT count(DISTINCT insert_id) FROM data") == 10


def test_many_files_and_patterns_are_one_load(memory: StorageEngine, tmp_path: Path) -> None:
    for day in range(3):
        _write(tmp_path / f"day-{day}.jsonl.gz", start=day * 10)
    last = _write(tmp_path / "last.jsonl", start=25)
    assert memory.load_export("data", [tmp_path / "day-*.jsonl.gz", last], metadata()) == 35
    assert memory.get_metadata("data").duplicates == 5
    (load,) = memory.loads()
    assert load.records == 40
    assert "day-1.jsonl.gz" in str(load.source)


def test_a_missing_file_is_named(memory: StorageEngine, tmp_path: Path) -> None:
    for missing in (tmp_path / "nowhere.jsonl", tmp_path / "no-*.jsonl"):
        with pytest.raises(FileNotFoundError, match=missing.name.replace("*", r"\*")):
            memory.load_export("data", missing, metadata())
    assert memory.list_tables() == []


def test_progress_ends_at_the_size(memory: StorageEngine, tmp_path: Path) -> None:
    path = _write(tmp_path / "events.jsonl", 5000)
    seen: list[int] = []
    memory.load_export("data", path, metadata(), progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == path.stat().st_size


@pytest.mark.slow
@pytest.mark.parametrize("suffix", COMPRESSED)
@pytest.mark.parametrize("cut", [0, 1, 9, 10, 200, -1, -4, -8, -9, -100])
def test_a_cut_file_is_refused(
    engine: StorageEngine, tmp_path: Path, cut: int, suffix: str
) -> None:
    good = _write(tmp_path / "good.jsonl", 5)
    bad = _write(tmp_path / f"bad.jsonl{suffix}", 500)
    bad.write_bytes(bad.read_bytes()[:cut])
    before = dump(engine)
    with pytest.raises(InvalidRecordError, match=rf"bad\.jsonl\{suffix}"):
        engine.load_export("data", [good, bad], metadata())
    assert dump(engine) == before


def test_damage_that_only_the_checksum_shows_is_refused(
    engine: StorageEngine, tmp_path: Path
) -> None:
    path = _write(tmp_path / "events.jsonl.gz")
    stored = bytearray(path.read_bytes())
    stored[-8] ^= 1
    path.write_bytes(stored)
    with pytest.raises(InvalidRecordError, match="cut short or damaged"):
        engine.load_export("data", path, metadata())
    assert not engine.table_exists("data")


def test_an_error_names_the_line(engine: StorageEngine, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(lines(7) + b"export terminated early\n")
    with pytest.raises(InvalidRecordError, match=r"events\.jsonl, line 8: export terminated early"):
        engine.load_export("data", path, metadata())
    assert not engine.table_exists("data")


def test_an_error_of_the_callback_leaves_nothing(engine: StorageEngine, tmp_path: Path) -> None:
    path = _write(tmp_path / "events.jsonl")
    mine = RuntimeError("mine")

    def fail(_: int) -> None:
        raise mine

    with pytest.raises(RuntimeError) as caught:
        engine.load_export("data", path, metadata(), progress=fail)
    assert caught.value is mine
    assert not engine.table_exists("data")


def test_appending_skips_what_is_there(engine: StorageEngine, tmp_path: Path) -> None:
    path = _write(tmp_path / "events.jsonl")
    engine.load_export("data", path, metadata())
    with pytest.raises(TableExistsError):
        engine.load_export("data", path, metadata())
    more = _write(tmp_path / "more.jsonl", 20)
    assert engine.load_export("data", more, metadata(), append=True) == 10
    assert engine.load_export("data", more, metadata(), append=True) == 0
    with pytest.raises(ValueError, match="Cannot append profiles"):
        engine.load_export("data", more, metadata("profiles"), append=True)


@pytest.mark.parametrize(("odd", "told"), [(b"", 0), (b'{"event":"A"}\n', 1)])
@pytest.mark.duckdb_only
def test_the_log_names_why_duckdb_did_not_read_the_files(
    memory: StorageEngine,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    odd: bytes,
    told: int,
) -> None:
    path = _write(tmp_path / "events.jsonl", 30_000)
    path.write_bytes(path.read_bytes() + odd)
    with caplog.at_level(logging.INFO, logger="mixpanel_data"), suppress(InvalidRecordError):
        memory.load_export("data", path, metadata())
    assert len([r for r in caplog.records if "line by line" in r.getMessage()]) == told


@pytest.mark.slow
def test_too_many_odd_lines_go_the_other_way(memory: StorageEngine, tmp_path: Path) -> None:
    path = tmp_path / "flat.jsonl"
    row = {"event": "A", "time": 1_700_000_000, "distinct_id": 7, "$insert_id": "i"}
    with path.open("w") as file:
        for n in range(50_001):
            file.write(json.dumps({**row, "$insert_id": f"i{n}"}) + "\n")
    assert memory.load_export("data", path, metadata()) == 50_001


@pytest.mark.parametrize("sample", some(SAMPLES, 1))
def test_a_sample_export(engine: StorageEngine, tmp_path: Path, sample: Sample) -> None:
    events, profiles, expected = sample.events, sample.profiles, sample.expected
    assert engine.load_export("events", events, metadata()) == expected["rows_stored"]
    assert engine.get_metadata("events").duplicates == expected["duplicates"]
    assert engine.load_export("profiles", profiles, metadata("profiles")) == expected["profiles"]
    names = engine.execute_rows("SELECT event_name, count(*) FROM events GROUP BY ALL")
    assert dict(names) == expected["by_event"]
    facts = "SELECT count(DISTINCT distinct_id), min(epoch(event_time)), max(epoch(event_time)),"
    facts += " sum((properties->>'$.amount')::DOUBLE) FROM events"
    assert engine.execute_rows(facts)[0] == (
        expected["distinct_ids"],
        expected["first_time"],
        expected["last_time"],
        expected["sum_of_amount"],
    )
    assert engine.load_export("events", events, metadata(), append=True) == 0
    assert engine.load_export("profiles", profiles, metadata("profiles"), append=True) == 0
    whole = events.read_bytes()
    whole = whole if events.suffix == ".gz" else gzip.compress(whole)
    for place in range(1, 8):
        cut = tmp_path / "cut.jsonl.gz"
        cut.write_bytes(whole[: len(whole) * place // 8])
        with pytest.raises(InvalidRecordError):
            engine.load_export("cut", cut, metadata())
    assert not engine.table_exists("cut")


def test_empty_lists_and_objects_are_nothing_unusual(
    engine: StorageEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines that are out of the ordinary are read in Python, which nobody may do here."""
    monkeypatch.setattr(loads, "READERS", {})
    path = tmp_path / "e.jsonl"
    path.write_text(
        '{"event":"e","properties":{"time":1,"distinct_id":"u","$insert_id":"i",'
        '"a":[],"b":{},"c":[[]],"d":[{}],"e":[ ],"f":{"g":[]},"h":""}}\n'
    )
    assert engine.load_export("data", path, metadata()) == 1


REGULAR = {
    "texts like what JSON forbids": ['"a":"NaN","b":"1e400","c":"\\\\u0041"'],
    "escapes": ['"a":"\\u0026\\/\\"","\\u0062":"é"'],
    "an id in an object": ['"a":{"b":1,"distinct_id":"u","$insert_id":"i"}'],
    "lines of Windows": ['"a":1\r', '"b":2\r'],
    "empty lines": ['"a":1', "", '"b":2', ""],
}


@pytest.mark.duckdb_only
@pytest.mark.parametrize("form", ["time first", "ids first"])
@pytest.mark.parametrize("lines", REGULAR.values(), ids=REGULAR)
def test_what_is_nothing_unusual(
    lines: list[str],
    form: str,
    engine: StorageEngine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loads, "READERS", {})
    monkeypatch.setattr(export_source, "READERS", {})
    path = tmp_path / "e.jsonl"
    ids = '"distinct_id":"u","$insert_id":"i%d"'
    start = '"time":1,' + ids if form == "time first" else ids + ',"time":1'
    text = ""
    for number, line in enumerate(lines):
        if line:
            more, end = line.removesuffix("\r"), "\r" if line.endswith("\r") else ""
            text += '{"event":"e","properties":{' + start % number + f",{more}}}}}{end}"
        text += "\n"
    path.write_text(text, encoding="utf-8", newline="")
    assert engine.load_export("data", path, metadata()) == len([line for line in lines if line])
