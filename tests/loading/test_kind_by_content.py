"""Files loaded without a word about them: what they hold tells kind and days."""

from __future__ import annotations

import gzip
import io
import json
import os
import threading
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest

from mixpanel_data import EmptyLoadError, StorageEngine
from mixpanel_data._internal.formats.text import BinaryStream
from mixpanel_data.exceptions import InvalidRecordError
from mixpanel_data.formats import detect_kind
from tests.support.export_files import event, profile, write_lines

pytestmark = pytest.mark.both_engines

EVENTS = b"".join(json.dumps(event(n)).encode() + b"\n" for n in range(3))
PROFILES = b"".join(json.dumps(profile(n)).encode() + b"\n" for n in range(3))


class Pipe(io.BytesIO):
    def seekable(self) -> bool:
        return False

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size or 0, 50))


@pytest.mark.parametrize(("text", "kind"), [(EVENTS, "events"), (PROFILES, "profiles")])
@pytest.mark.parametrize("encode", [bytes, gzip.compress])
@pytest.mark.parametrize("source", ["path", "stream", "pipe"])
def test_the_kind_is_told_by_the_content(
    text: bytes,
    kind: str,
    encode: Callable[[bytes], bytes],
    source: str,
    tmp_path: Path,
    memory: StorageEngine,
) -> None:
    data = encode(text)
    path = tmp_path / "day"
    path.write_bytes(data)
    streams: dict[str, BinaryStream] = {"stream": io.BytesIO(data), "pipe": Pipe(data)}
    given = streams.get(source, path)
    before = datetime.now(timezone.utc)
    assert memory.load_export("data", given) == 3
    about = memory.get_metadata("data")
    assert about.type == kind
    assert before <= about.fetched_at <= datetime.now(timezone.utc)
    days = ("2025-03-01", "2025-03-01") if kind == "events" else (None, None)
    assert (about.from_date, about.to_date) == days


def test_the_days_are_those_of_the_first_and_last_event(
    tmp_path: Path, memory: StorageEngine
) -> None:
    path = write_lines(tmp_path / "a.jsonl", [event(0), event(3 * 86_400), event(86_400)])
    memory.load_export("data", path)
    about = memory.get_metadata("data")
    assert (about.from_date, about.to_date) == ("2025-03-01", "2025-03-04")
    later = write_lines(tmp_path / "b.jsonl", [event(9 * 86_400)])
    assert memory.load_export("data", later, append=True) == 1
    assert memory.get_metadata("data").to_date == "2025-03-10"
    assert memory.load_history("data")[-1].from_date == "2025-03-10"


def test_a_named_pipe_is_read_once(tmp_path: Path, memory: StorageEngine) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=[EVENTS], daemon=True)
    writer.start()
    kind, sources = detect_kind([pipe])
    assert memory.load_export("data", sources) == 3
    writer.join()
    assert (kind, memory.load_history("data")[0].source) == ("events", str(pipe))


def test_empty_files_before_the_first_record_tell_nothing(
    tmp_path: Path, memory: StorageEngine
) -> None:
    empty, full = tmp_path / "a", tmp_path / "b"
    empty.touch()
    full.write_bytes(PROFILES)
    assert memory.load_export("data", [empty, io.BytesIO(b"\n"), full]) == 3


def test_files_without_a_record_tell_no_kind(tmp_path: Path, memory: StorageEngine) -> None:
    path = tmp_path / "a"
    path.touch()
    with pytest.raises(EmptyLoadError):
        memory.load_export("data", path)
    with pytest.raises(ValueError, match="No record tells whether 'data' is for events or"):
        memory.load_export("data", path, allow_empty=True)
    memory.load_export("data", io.BytesIO(PROFILES))
    assert memory.load_export("data", path, append=True, allow_empty=True) == 0


@pytest.mark.parametrize("suffix", ["json", "json.gz"])
@pytest.mark.parametrize("text", [b"", b"[]", b" [ \n]\n"])
def test_an_empty_list_is_an_empty_file(
    suffix: str, text: bytes, tmp_path: Path, memory: StorageEngine
) -> None:
    path = tmp_path / f"day.{suffix}"
    path.write_bytes(gzip.compress(text) if suffix == "json.gz" else text)
    full = io.BytesIO(EVENTS)
    assert memory.load_export("data", [full, path], allow_empty=True) == 3
    with pytest.raises((EmptyLoadError, InvalidRecordError), match="--allow-empty"):
        memory.load_export("more", path)


def test_the_other_kind_later_on_is_refused_and_nothing_stored(memory: StorageEngine) -> None:
    with pytest.raises(InvalidRecordError, match="it is a profile"):
        memory.load_export("data", [io.BytesIO(EVENTS), io.BytesIO(PROFILES)])
    assert memory.list_tables() == []


def test_a_table_of_the_other_kind_is_left_alone(memory: StorageEngine) -> None:
    memory.load_export("data", io.BytesIO(EVENTS))
    with pytest.raises(ValueError, match="Cannot append profiles to events table"):
        memory.load_export("data", io.BytesIO(PROFILES), append=True)


def test_a_replacement_needs_its_days(memory: StorageEngine) -> None:
    with pytest.raises(ValueError, match="from_date and to_date"):
        memory.load_export("data", io.BytesIO(EVENTS), replace=True)
