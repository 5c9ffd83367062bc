"""Loads that look like a mistake are refused, and leave the table as it was."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Literal

import pytest

from mixpanel_data import EmptyLoadError, InvalidRecordError, StorageEngine, TableNotFoundError
from tests.support.factories import dump, events, metadata

pytestmark = [pytest.mark.slow, pytest.mark.both_engines]

MARCH = datetime(2025, 3, 1, tzinfo=timezone.utc)
DAY = {"from_date": "2025-03-02", "to_date": "2025-03-02"}


def line(day: int, n: int = 0, name: str = "play") -> dict[str, Any]:
    time = int((MARCH + timedelta(days=day - 1, seconds=n)).timestamp())
    ids = {"distinct_id": "u", "$insert_id": f"{day}-{n}-{name}"}
    return {"event": name, "properties": {"time": time, **ids}}


def write(path: Path, lines: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(each) + "\n" for each in lines))
    return path


@pytest.fixture
def days(memory: StorageEngine, tmp_path: Path) -> StorageEngine:
    """Return an engine with three days of two events each."""
    lines = [line(day, n) for day in (1, 2, 3) for n in (0, 1)]
    memory.load_export("data", write(tmp_path / "days.jsonl", lines), metadata())
    return memory


EMPTY: dict[str, Callable[[Path], Any]] = {
    "file": lambda folder: write(folder / "empty.jsonl", []),
    "blank lines": lambda folder: _text(folder / "blank.jsonl", "\n \n\n"),
    "two files": lambda folder: [write(folder / f"{n}.jsonl", []) for n in (1, 2)],
    "stream": lambda _: io.BytesIO(b""),
    "list of streams": lambda _: [io.BytesIO(b"\n"), io.BytesIO(b"")],
    "list": lambda folder: _text(folder / "list.json", "[\n]"),
    "streams of lists": lambda _: [io.BytesIO(b"[]"), io.BytesIO(b" [ ]\n")],
    "compressed list": lambda _: io.BytesIO(gzip.compress(b"[]")),
    "archive": lambda folder: _tar(folder / "none.tar", "w"),
    "compressed archive": lambda folder: io.BytesIO(_tar(folder / "none.tgz", "w:gz").read_bytes()),
}


def _tar(path: Path, mode: Literal["w", "w:gz"]) -> Path:
    tarfile.open(path, mode).close()
    return path


def _text(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize("source", EMPTY.values(), ids=EMPTY)
@pytest.mark.parametrize("options", [{}, {"append": True}, {"replace": True}], ids=str)
def test_a_source_without_a_record_is_refused(
    days: StorageEngine,
    tmp_path: Path,
    source: Callable[[Path], Any],
    options: dict[str, Any],
) -> None:
    before = dump(days)
    table = "data" if options else "new"
    with pytest.raises(EmptyLoadError, match="allow_empty") as raised:
        days.load_export(table, source(tmp_path), metadata(**DAY), **options)
    assert raised.value.table_name == table
    assert isinstance(raised.value, ValueError)
    assert dump(days) == before


@pytest.mark.parametrize("source", EMPTY.values(), ids=EMPTY)
def test_it_is_loaded_when_that_is_meant(
    days: StorageEngine, tmp_path: Path, source: Callable[[Path], Any]
) -> None:
    options: dict[str, Any] = {"replace": True, "allow_empty": True}
    assert days.load_export("data", source(tmp_path), metadata(**DAY), **options) == 0
    done = days.load_history()[-1]
    assert (done.records, done.replaced, done.from_date) == (0, 2, "2025-03-02")


def test_a_compressed_file_of_no_bytes_may_be_a_day_without_events(
    days: StorageEngine, tmp_path: Path
) -> None:
    empty = tmp_path / "empty.jsonl.gz"
    empty.touch()
    with pytest.raises(InvalidRecordError, match="the file is empty"):
        days.load_export("data", empty, metadata(), append=True)
    full = write(tmp_path / "full.jsonl", [line(4)])
    assert days.load_export("data", [empty, full], metadata(), append=True, allow_empty=True) == 1


def test_an_iterable_replaces_by_nothing_only_when_that_is_meant(days: StorageEngine) -> None:
    before = dump(days)
    with pytest.raises(EmptyLoadError):
        days.append_events_table("data", [], metadata(**DAY), replace=True)
    assert dump(days) == before
    assert days.append_events_table("data", [], metadata(**DAY)) == 0
    days.append_events_table("data", [], metadata(**DAY), replace=True, allow_empty=True)
    assert days.load_history()[-1].replaced == 2


@pytest.mark.parametrize(
    ("meta", "lines", "outside", "first"),
    [
        (DAY, [line(2, 5), line(1, 9), line(3, 9)], 2, 1),
        (DAY, [line(3)], 1, 0),
        (DAY | {"filter_events": ["play"]}, [line(2, 5), line(2, 6, "skip")], 1, 1),
        ({"from_date": "2025-03-01", "to_date": "2025-03-03"}, [line(0), line(4)], 2, 0),
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_a_replacement_by_other_days_or_events_is_refused(
    days: StorageEngine,
    tmp_path: Path,
    meta: dict[str, Any],
    lines: list[dict[str, Any]],
    outside: int,
    first: int,
    streamed: bool,
) -> None:
    before = dump(days)
    path = write(tmp_path / "other.jsonl", lines)
    source: Any = io.BytesIO(path.read_bytes()) if streamed else path
    with pytest.raises(InvalidRecordError, match=f"record {first + 1}: ") as raised:
        days.load_export("data", source, metadata(**meta), replace=True)
    assert raised.value.details["outside"] == outside
    assert raised.value.details["position"] == first
    assert dump(days) == before


def test_an_iterable_of_other_days_does_not_replace_either(days: StorageEngine) -> None:
    before = dump(days)
    with pytest.raises(InvalidRecordError, match="2025-03-02 to 2025-03-02"):
        days.append_events_table("data", events(1), metadata(**DAY), replace=True)
    assert dump(days) == before


def test_the_edges_of_the_days_are_within(days: StorageEngine, tmp_path: Path) -> None:
    edges = write(tmp_path / "edges.jsonl", [line(2, 0), line(2, 86_399)])
    assert days.load_export("data", edges, metadata(**DAY), replace=True) == 2


def test_a_missing_table_is_made_where_that_is_asked_for(
    memory: StorageEngine, tmp_path: Path
) -> None:
    path = write(tmp_path / "day.jsonl", [line(2)])
    options: dict[str, Any] = {"replace": True, "if_missing": "create"}
    with pytest.raises(TableNotFoundError):
        memory.load_export("data", path, metadata(**DAY), replace=True)
    other = write(tmp_path / "other.jsonl", [line(3)])
    with pytest.raises(InvalidRecordError):
        memory.load_export("data", other, metadata(**DAY), **options)
    for action in ("create", "replace"):
        assert memory.load_export("data", path, metadata(**DAY), **options) == 1
        assert memory.load_history()[-1].action == action
    with pytest.raises(ValueError, match="if_missing"):
        memory.load_export("data", path, metadata(**DAY), if_missing="maybe")  # type: ignore[arg-type]


@pytest.mark.parametrize("names", [["a.jsonl", "*.jsonl"], ["a.jsonl", "./a.jsonl"], ["a*", "*"]])
def test_a_file_that_is_named_twice_is_read_once(
    memory: StorageEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    plain = {"event": "a", "properties": {"time": 1, "distinct_id": "x"}}
    write(tmp_path / "a.jsonl", [plain])
    assert memory.load_export("data", names, metadata()) == 1


def test_a_link_to_a_file_is_that_file(memory: StorageEngine, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [{"event": "a", "properties": {"time": 1}}])
    (tmp_path / "b.jsonl").symlink_to(path)
    assert memory.load_export("data", tmp_path / "*.jsonl", metadata()) == 1


@pytest.mark.parametrize("on_conflict", ["update", "replace"])
def test_events_have_no_later_version(
    days: StorageEngine, tmp_path: Path, on_conflict: Any
) -> None:
    path = write(tmp_path / "more.jsonl", [line(4)])
    with pytest.raises(ValueError, match="for profiles"):
        days.load_export("data", path, metadata(), append=True, on_conflict=on_conflict)
