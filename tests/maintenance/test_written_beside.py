"""A backup, a copy before an upgrade and a new database get their name when they are whole."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mixpanel_data import StorageEngine, maintenance
from tests.maintenance.files import filled, run
from tests.support.effort import some

pytestmark = pytest.mark.slow

ASSETS = Path(__file__).parent / "assets"
# SIGKILL while the second chunk of a file is read, or when the copy is whole but has no name yet.
KILLED = """
from mixpanel_data._internal.maintenance import backup

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[1] == "copy":
    backup._CHUNK, real = 1 << 16, backup.read_at
    backup.read_at = lambda opened, size, at: die() if at else real(opened, size, at)
else:
    backup.publish = die
"""


@pytest.mark.parametrize("moment", some(["copy", "publish"], 1))
def test_a_killed_backup_leaves_no_backup_and_can_be_repeated(moment: str, tmp_path: Path) -> None:
    path, copy = filled(tmp_path / "a.db"), tmp_path / "copy.db"
    code = KILLED + "maintenance.backup(sys.argv[2], sys.argv[3])"
    assert run(code, moment, path, copy) == -9
    assert not copy.exists()
    assert maintenance.backup(path, copy) == copy
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.db", "copy.db"]
    assert maintenance.check(copy) == []


@pytest.mark.parametrize("moment", some(["publish", "copy"], 1))
def test_a_killed_copy_before_an_upgrade_is_not_counted(moment: str, tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    shutil.copy(ASSETS / "0002.db", path)
    assert run(KILLED + "maintenance.upgrade(sys.argv[2])", moment, path) == -9
    assert not (tmp_path / "a.db.0002.bak").exists()
    done = maintenance.upgrade(path)
    assert done.backup == tmp_path / "a.db.0002.bak"
    names = ["a.db", "a.db.0002.bak"]
    assert sorted(file.name for file in tmp_path.iterdir()) == names
    assert maintenance.status(done.backup).revision == "0002"


def test_a_new_database_is_never_half_made(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    code = """
import mixpanel_data._internal.duckdb.files as files
files.publish = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
StorageEngine(sys.argv[1])
"""
    assert run(code, path) == -9
    assert not path.exists()
    with StorageEngine(path) as storage:
        assert storage.list_tables() == []


def test_a_full_disk_leaves_no_file_that_never_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.db"

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("mixpanel_data._internal.duckdb.files.publish", full)
        with pytest.raises(OSError, match="No space left on device"):
            StorageEngine(path)
    assert list(tmp_path.iterdir()) == []
    StorageEngine(path).close()
