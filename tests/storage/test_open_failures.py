"""A file that cannot be a database is refused, named and left alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from mixpanel_data import StorageEngine
from mixpanel_data.exceptions import DatabaseLockedError, DatabaseNotFoundError


def _directory(path: Path) -> Path:
    path.mkdir()
    return path


def _text_file(path: Path) -> Path:
    path.write_text("event,time\n" * 2000)
    return path


def _sqlite_file(path: Path) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.commit()
    return path


def _under_a_file(path: Path) -> Path:
    path.write_text("not a directory")
    return path / "warehouse.db"


OBSTACLES = [_directory, _text_file, _sqlite_file, _under_a_file]


def _contents(folder: Path) -> dict[str, bytes | None]:
    return {str(p): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_an_impossible_file_is_an_oserror_that_names_it(
    obstacle: Callable[[Path], Path], db_path: Path, tmp_path: Path
) -> None:
    path = obstacle(db_path)
    before = _contents(tmp_path)
    with pytest.raises(OSError, match=r"^Failed to create database at ") as caught:
        StorageEngine(path)
    assert str(path) in str(caught.value)
    assert not isinstance(caught.value, (DatabaseLockedError, DatabaseNotFoundError))
    assert _contents(tmp_path) == before


@pytest.mark.parametrize("obstacle", [_directory, _text_file, _sqlite_file])
def test_a_reader_gets_the_same_error(obstacle: Callable[[Path], Path], db_path: Path) -> None:
    with pytest.raises(OSError, match=r"^Failed to create database at "):
        StorageEngine(obstacle(db_path), read_only=True)


def test_a_sqlite_file_sets_off_no_download(db_path: Path, home: Path) -> None:
    with pytest.raises(OSError, match=r"^Failed to create database at "):
        StorageEngine(_sqlite_file(db_path))
    assert list(home.rglob("*")) == []


def test_a_failure_does_not_hold_the_path(db_path: Path) -> None:
    _text_file(db_path)
    with pytest.raises(OSError, match=r"^Failed to create database at "):
        StorageEngine(db_path)
    db_path.unlink()
    with StorageEngine(db_path) as engine:
        assert engine.list_tables() == []
