"""A file that is no database of ours, or none that this DuckDB can read: said, and left alone."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from mixpanel_data import StorageEngine, maintenance
from mixpanel_data.exceptions import DatabaseNotFoundError
from tests.support.files import ASSETS

pytestmark = [pytest.mark.slow, pytest.mark.every_value]

Act = Callable[[Path], object]


def _text(path: Path) -> Path:
    path.write_text("event,time\n" * 100)
    return path


def _empty(path: Path) -> Path:
    path.touch()
    return path


def _encrypted(path: Path) -> Path:
    """Copy a file written with a key, by DuckDB 1.4."""
    return Path(shutil.copy(Path(__file__).parent / "encrypted.db", path))


def _newer(path: Path) -> Path:
    """Write a file of a storage version that no DuckDB has yet, its checksum right."""
    content = bytearray((ASSETS / "0001.db").read_bytes())
    content[12:20] = struct.pack("<Q", 9999)
    checksum = 5381
    for (word,) in struct.iter_unpack("<Q", content[8:4096]):
        checksum ^= word * 0xBF58476D1CE4E5B9 % 2**64
    content[:8] = struct.pack("<Q", checksum)
    path.write_bytes(content)
    return path


STRANGE = [
    (_text, "is not a DuckDB database file.*load FILE --db PATH"),
    (_empty, "is empty, and not a DuckDB database file"),
    (_encrypted, "encrypted.*COPY FROM DATABASE"),
    (_newer, "version number 9999.*[Uu]pdate DuckDB"),
]
ACTS: list[Act] = [
    StorageEngine,
    lambda path: StorageEngine.open_existing(path, upgrade=True),
    maintenance.status,
    maintenance.upgrade,
    maintenance.check,
    maintenance.compact,
    lambda path: maintenance.backup(path, path.with_name("copy.db")),
]


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize(("make", "reason"), STRANGE)
def test_a_strange_file_is_named_with_the_reason_and_left_alone(
    make: Callable[[Path], Path], reason: str, act: Act, tmp_path: Path
) -> None:
    path = make(tmp_path / "strange.db")
    before = path.read_bytes()
    with pytest.raises(OSError, match=f"(?s)strange.db.*{reason}"):
        act(path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {"strange.db": before}


@pytest.mark.parametrize("act", ACTS[1:])
def test_a_missing_file_is_missing(act: Act, tmp_path: Path) -> None:
    with pytest.raises(DatabaseNotFoundError):
        act(tmp_path / "none.db")
    assert list(tmp_path.iterdir()) == []


def test_the_status_of_a_strangers_database_is_the_truth(tmp_path: Path) -> None:
    path = tmp_path / "mine.db"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE b AS SELECT 1 AS x")
        connection.execute("CREATE VIEW a AS FROM b")
    before = path.read_bytes()
    status = maintenance.status(path)
    assert (status.revision, status.pending, status.tables) == (None, [], [])
    assert (status.others, status.unregistered) == (["a", "b"], {})
    assert status.size == len(before)
    assert status.is_known
    assert maintenance.upgrade(path).after is None
    assert maintenance.upgrade_sql(path) == ""
    assert path.read_bytes() == before
