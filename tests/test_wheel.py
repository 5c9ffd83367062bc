"""The installed wheel brings its migrations along, and needs no checkout."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.support.files import HEAD, REVISIONS, asset
from tests.support.processes import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel."""
    folder = tmp_path_factory.mktemp("dist")
    words = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", str(ROOT)]
    subprocess.run([sys.executable, *words, "--wheel-dir", str(folder)], check=True)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_every_revision(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    held = [name for name in names if name.startswith("mixpanel_data/migrations/versions/0")]
    assert len(held) == len(REVISIONS)
    assert {"mixpanel_data/migrations/env.py", "mixpanel_data/migrations/script.py.mako"} <= {
        *names
    }
    assert not [name for name in names if "__pycache__" in name]


def test_the_installed_wheel_upgrades_a_file(wheel: Path, tmp_path: Path) -> None:
    python = _environment(tmp_path / "elsewhere", wheel)
    code = (
        "import sys, mixpanel_data; from mixpanel_data import maintenance;"
        "print(mixpanel_data.__file__, maintenance.upgrade(sys.argv[1]).after)"
    )
    words = [str(python), "-I", "-c", code, str(asset(REVISIONS[0], tmp_path))]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    place, revision = done.stdout.split()
    assert Path(place).is_relative_to(tmp_path / "elsewhere")
    assert revision == HEAD


def _environment(folder: Path, wheel: Path) -> Path:
    """Make an environment with the wheel, and this one's packages but for an editable install."""
    venv.create(folder, with_pip=False)
    python = next(folder.glob("[bS]*/python*"))
    site = next(folder.rglob("site-packages"))
    zipfile.ZipFile(wheel).extractall(site)
    # A directory named in a .pth file is searched, but its own .pth files are not followed.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return python
