"""Each project has a database of its own under the home directory."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from mixpanel_data import StorageEngine
from mixpanel_data.exceptions import DatabaseNotFoundError
from tests.support.factories import EVENTS, events


def test_a_project_lives_in_the_home_directory(home: Path) -> None:
    with StorageEngine.for_project("12345") as engine:
        assert engine.path == home / ".mixpanel_data" / "12345.db"
        assert engine.path.is_file()


def test_projects_are_apart(home: Path) -> None:
    with StorageEngine.for_project("1") as first, StorageEngine.for_project("2") as second:
        EVENTS.create(first, events(3))
        assert second.list_tables() == []


def test_a_project_can_be_opened_again_for_reading(home: Path) -> None:
    with StorageEngine.for_project("1") as engine:
        EVENTS.create(engine, events(3))
    with StorageEngine.for_project("1", read_only=True) as engine:
        assert engine.read_only
        assert [info.name for info in engine.list_tables()] == ["data"]


def test_reading_an_unknown_project_creates_nothing(home: Path) -> None:
    with pytest.raises(DatabaseNotFoundError, match=r"12345\.db"):
        StorageEngine.for_project("12345", read_only=True)
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    "project_id",
    ["", ".", "..", "../x", "a/b", "a/../../b", "/etc/x", "a\0b", "\\\\host\\x", None],
)
def test_what_is_no_name_of_a_file_in_the_directory_is_refused(project_id: Any, home: Path) -> None:
    with pytest.raises(ValueError, match="project"):
        StorageEngine.for_project(project_id)
    assert list(home.rglob("*")) == []


@pytest.mark.parametrize("umask", [0o000, 0o022], indirect=True)
@pytest.mark.usefixtures("umask")
def test_the_directory_is_its_owners_alone(home: Path) -> None:
    StorageEngine.for_project("1").close()
    assert stat.S_IMODE((home / ".mixpanel_data").stat().st_mode) == 0o700
