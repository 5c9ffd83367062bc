"""What a killed process left of a new file goes with the next opening in its folder."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mixpanel_data import StorageEngine, maintenance
from tests.support.processes import start

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="nothing is swept there"),
]

# A process that stops while the new file is not there yet, is whole, or has its name already.
_STOPPED = """
import sys
import duckdb
from mixpanel_data import StorageEngine, maintenance
from mixpanel_data._internal.duckdb import files
from mixpanel_data._internal.maintenance import backup

def stop(*_):
    print(flush=True)
    sys.stdin.readline()

what, path = sys.argv[1:]
if what == "made":
    connect, duckdb.connect = duckdb.connect, stop
elif what == "whole":
    publish, files.publish = files.publish, lambda *args: (stop(), publish(*args))
elif what == "named":
    sync = files.sync
    files.sync = lambda path: stop() if path.is_dir() else sync(path)
else:
    publish, backup.publish = backup.publish, lambda *args: (stop(), publish(*args))
if what == "copied":
    maintenance.backup(path, path + ".bak")
else:
    StorageEngine(path).close()
"""


def _folder(parent: Path) -> Path:
    (found,) = parent.glob(".mixpanel_data_*")
    return found


def _left(what: str, path: Path) -> Path:
    """Return what a process left that was killed at that moment."""
    process = start(_STOPPED, what, path)
    assert process.stdout
    assert process.stdout.readline() == "\n", process.communicate()
    process.kill()
    process.communicate(timeout=60)
    return _folder(path.parent)


@pytest.mark.parametrize("what", ["made", "whole", "named", "copied"])
def test_it_goes_with_the_next_opening(what: str, db_path: Path, tmp_path: Path) -> None:
    if what == "copied":
        StorageEngine(db_path).close()
    left = _left(what, db_path)
    StorageEngine(db_path).close()
    assert not left.exists()
    assert list(tmp_path.iterdir()) == [db_path]


@pytest.mark.parametrize("action", ["create", "backup"])
def test_it_goes_with_whatever_makes_a_file_there(action: str, db_path: Path) -> None:
    StorageEngine(db_path).close()
    left, new = _left("copied", db_path), db_path.with_name("new.db")
    if action == "create":
        StorageEngine(new).close()
    else:
        maintenance.backup(db_path, new)
    assert not left.exists()


def test_what_is_not_ours_stays(db_path: Path, tmp_path: Path) -> None:
    left = _left("whole", db_path)
    copy = shutil.copytree(left, tmp_path / ".mixpanel_data_copy")
    renamed = left.rename(tmp_path / ".mixpanel_data_mine")
    exports = tmp_path / ".mixpanel_data_2025"
    exports.mkdir()
    (exports / "new.db").write_text("my only copy")
    (tmp_path / ".mixpanel_data_link").symlink_to(copy)
    kept = {db_path, copy, renamed, exports, tmp_path / ".mixpanel_data_link"}
    StorageEngine(db_path).close()
    assert set(tmp_path.iterdir()) == kept


def test_what_a_living_process_makes_stays(db_path: Path, tmp_path: Path) -> None:
    process = start(_STOPPED, "whole", db_path)
    assert process.stdout
    process.stdout.readline()
    StorageEngine(tmp_path / "other.db").close()
    assert _folder(tmp_path).is_dir()
    _, errors = process.communicate("go on\n", timeout=60)
    assert process.returncode == 0, errors
    assert {path.name for path in tmp_path.iterdir()} == {"other.db", db_path.name}


@pytest.mark.parametrize("name", ["copy.db.partial", "copy.db.partial.wal", ".copy.db.partial"])
def test_a_backup_deletes_nothing_by_its_name(name: str, db_path: Path, tmp_path: Path) -> None:
    StorageEngine(db_path).close()
    (tmp_path / name).write_text("my only copy")
    maintenance.backup(db_path, tmp_path / "copy.db")
    assert (tmp_path / name).read_text() == "my only copy"


@pytest.mark.parametrize("name", ["tempfile.mkdtemp", "os.fdopen", "shutil.rmtree"])
@pytest.mark.parametrize("makes", [StorageEngine, maintenance.compact])
def test_ctrl_c_at_any_moment_leaves_nothing(
    makes: Callable[[Path], object],
    name: str,
    db_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if makes is not StorageEngine:
        StorageEngine(db_path).close()
    module, _, function = name.rpartition(".")
    real = getattr(sys.modules[module], function)

    def interrupted(*arguments: Any, **options: Any) -> Any:
        result = real(*arguments, **options)
        signal.raise_signal(signal.SIGINT)
        return result

    monkeypatch.setattr(name, interrupted)
    with pytest.raises(KeyboardInterrupt):
        makes(db_path)
    monkeypatch.undo()
    assert {path.name for path in tmp_path.iterdir()} <= {db_path.name}
    StorageEngine(db_path).close()
