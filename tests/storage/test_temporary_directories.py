"""Only what this library made, and a killed process left, is swept from the temp directory."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mixpanel_data import StorageEngine
from tests.support.processes import start

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="nothing is swept there"),
]

_MAKERS = [StorageEngine.memory, StorageEngine.ephemeral]
_LEFT = """
import os, time
from mixpanel_data import StorageEngine
engine = StorageEngine.ephemeral()
print(engine.path.parent, flush=True)
time.sleep(60)
"""


@pytest.fixture
def left(temp_folder: Path) -> Path:
    """Return the directory that a killed process left."""
    process = start(_LEFT, TMPDIR=str(temp_folder))
    assert process.stdout
    folder = Path(process.stdout.readline().strip())
    process.kill()
    process.communicate(timeout=60)
    assert folder.is_dir()
    return folder


@pytest.mark.parametrize("make", _MAKERS)
@pytest.mark.parametrize(
    "name",
    [
        "mixpanel_data_2025_exports",
        "mixpanel_data_12345_x",
        "mixpanel_data_0_",
        "mixpanel_data_1_1",
    ],
)
def test_a_users_folder_stays(
    make: Callable[[], StorageEngine], name: str, temp_folder: Path
) -> None:
    (temp_folder / name).mkdir()
    (temp_folder / name / "ephemeral.db").write_text("my only copy")
    make().close()
    assert (temp_folder / name / "ephemeral.db").read_text() == "my only copy"


@pytest.mark.parametrize("make", _MAKERS)
def test_what_a_killed_process_left_is_swept(make: Callable[[], StorageEngine], left: Path) -> None:
    make().close()
    assert not left.exists()


def test_a_copy_of_it_stays(left: Path) -> None:
    copy = shutil.copytree(left, left.with_name("mixpanel_data_99999999_copy"))
    StorageEngine.memory().close()
    assert copy.is_dir()


def test_a_renamed_one_stays(left: Path) -> None:
    renamed = left.rename(left.with_name("mixpanel_data_99999999_mine"))
    StorageEngine.memory().close()
    assert renamed.is_dir()


def test_one_in_use_stays_whatever_process_its_name_tells(temp_folder: Path) -> None:
    code = "import os; os.getpid = lambda: 99999999\n" + _LEFT
    process = start(code, TMPDIR=str(temp_folder))
    assert process.stdout
    folder = Path(process.stdout.readline().strip())
    try:
        assert "99999999" in folder.name
        StorageEngine.memory().close()
        assert folder.is_dir()
    finally:
        process.kill()
        process.communicate(timeout=60)
