"""A path means one file, from the opening on and in every call."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mixpanel_data import StorageEngine, maintenance
from mixpanel_data.exceptions import DatabaseLockedError, DatabaseNotFoundError
from tests.support.factories import EVENTS, events

pytestmark = pytest.mark.slow

_OPENERS: list[Callable[[str], Any]] = [
    StorageEngine,
    StorageEngine.open_existing,
    maintenance.status,
    maintenance.check,
    maintenance.compact,
    maintenance.recover,
]
_COUNT = "SELECT count(*) FROM data"


@pytest.mark.parametrize("name", ["data.db", "./data.db", "../a/data.db"])
def test_an_engine_stays_with_its_file_when_the_directory_changes(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        with StorageEngine(tmp_path / folder / "data.db") as engine:
            EVENTS.create(engine, events(1))
    monkeypatch.chdir(tmp_path / "a")
    with StorageEngine(name) as engine:
        monkeypatch.chdir(tmp_path / "b")
        assert EVENTS.append(engine, events(5, start=10)) == 5
        assert engine.path is not None
        assert engine.path.is_absolute()
    with StorageEngine.open_existing(tmp_path / "a" / "data.db") as engine:
        assert engine.execute_scalar(_COUNT) == 6


@pytest.mark.parametrize("opens", _OPENERS)
def test_a_tilde_is_the_home_directory(
    opens: Callable[[str], Any], home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    StorageEngine("~/music.db").close()
    opened = opens("~/music.db")
    if isinstance(opened, StorageEngine):
        opened.close()
    assert [path.name for path in home.iterdir()] == ["music.db"]
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


@pytest.mark.parametrize("opens", _OPENERS)
@pytest.mark.parametrize("path", [":memory:", ":memory:mine", ""])
def test_what_is_no_path_is_refused(opens: Callable[[str], Any], path: str) -> None:
    with pytest.raises(ValueError, match=r"StorageEngine\.memory\(\)"):
        opens(path)


@pytest.mark.parametrize("opens", _OPENERS)
@pytest.mark.parametrize("path", ["~music.db", "~nobody here/music.db"])
def test_an_unknown_home_is_a_typed_error(opens: Callable[[str], Any], path: str) -> None:
    with pytest.raises(OSError, match=r"no such home directory.*\./~"):
        opens(path)


def test_a_name_with_a_tilde_opens_as_the_error_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    StorageEngine("./~music.db").close()
    StorageEngine(Path("~music.db").absolute()).close()
    assert [path.name for path in tmp_path.iterdir()] == ["~music.db"]


@pytest.mark.parametrize("opens", _OPENERS)
@pytest.mark.parametrize("path", ["duckdb:///data.db", Path("s3://bucket/data.db"), "file:/a.db"])
def test_a_url_is_no_path(
    opens: Callable[[Any], Any], path: str | Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"StorageEngine\.connect"):
        opens(path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("opens", _OPENERS)
@pytest.mark.parametrize("path", ["folder", "pipe", "/dev/null"])
def test_what_is_no_file_is_refused_at_once(
    opens: Callable[[str], Any], path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match=r"(Is a directory|device or pipe), and no file"):
        opens(path)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("opens", _OPENERS)
def test_a_circle_of_links_is_a_typed_error(opens: Callable[[Path], Any], tmp_path: Path) -> None:
    (tmp_path / "a.db").symlink_to("b.db")
    (tmp_path / "b.db").symlink_to("a.db")
    with pytest.raises((OSError, DatabaseNotFoundError), match=r"database|Database"):
        opens(tmp_path / "a.db")
    assert len(list(tmp_path.iterdir())) == 2


def test_a_user_without_a_home_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", none)
    with pytest.raises(OSError, match="HOME"):
        StorageEngine.for_project("1")


def test_a_missing_file_below_the_home_is_named(home: Path) -> None:
    with pytest.raises(DatabaseNotFoundError, match=str(home)):
        StorageEngine("~/missing.db", read_only=True)


def test_a_symbolic_link_is_the_file(db_path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    with StorageEngine(db_path) as first:
        link.symlink_to(db_path)
        with StorageEngine(link) as second:
            EVENTS.create(second, events(3))
        assert first.execute_scalar(_COUNT) == 3


def test_a_second_name_of_an_open_file_is_refused(engine: StorageEngine, tmp_path: Path) -> None:
    assert engine.path is not None
    os.link(engine.path, tmp_path / "second.db")
    with pytest.raises(DatabaseLockedError, match="this process"):
        StorageEngine(tmp_path / "second.db")
    assert EVENTS.create(engine, events(3)) == 3


@pytest.mark.parametrize("name", ["x" * 241, "x" * 252, "x" * 256, "é" * 121])
def test_a_name_that_leaves_no_room_for_the_log_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="longer than 240 bytes"):
        StorageEngine(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_the_longest_name_works(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 240)
    with StorageEngine(path) as engine:
        EVENTS.create(engine, events(1))
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
