"""A database is its owner's alone, whatever the umask."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from mixpanel_data import StorageEngine
from tests.support.factories import EVENTS, events


def _modes(folder: Path) -> dict[str, int]:
    return {
        path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077], indirect=True)
@pytest.mark.usefixtures("umask")
def test_a_new_file_is_private_while_open_and_after(db_path: Path, tmp_path: Path) -> None:
    with StorageEngine(db_path) as engine:
        EVENTS.create(engine, events(10))
        assert set(_modes(tmp_path).values()) == {0o600}
    assert _modes(tmp_path) == {db_path.name: 0o600}


@pytest.mark.parametrize("umask", [0o000], indirect=True)
@pytest.mark.usefixtures("umask")
def test_a_temporary_database_is_private(temp_folder: Path) -> None:
    with StorageEngine.ephemeral() as engine:
        EVENTS.create(engine, events(10))
        assert set(_modes(temp_folder).values()) == {0o600}


def test_a_file_keeps_the_mode_its_owner_gave_it(db_path: Path) -> None:
    StorageEngine(db_path).close()
    db_path.chmod(0o640)
    StorageEngine(db_path).close()
    assert stat.S_IMODE(db_path.stat().st_mode) == 0o640
