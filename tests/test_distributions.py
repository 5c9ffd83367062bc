"""The wheel has its migrations and needs no checkout; the source distribution has its tests."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from tests.support.effort import only_thorough
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


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the source distribution, and return it unpacked."""
    folder = tmp_path_factory.mktemp("source")
    words = ["-m", "hatchling", "build", "-t", "sdist", "-d", str(folder)]
    subprocess.run([sys.executable, *words], cwd=ROOT, check=True)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    return archive.with_name(archive.name.removesuffix(".tar.gz"))


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


def _pytest(folder: Path, *words: str) -> list[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


@only_thorough
def test_the_source_distribution_holds_every_test(source: Path) -> None:
    collected = _pytest(source, "--collect-only")
    assert collected[:-1] == _pytest(ROOT, "--collect-only")[:-1]


def test_the_tests_of_the_source_distribution_run(source: Path) -> None:
    ended = _pytest(source, "-m", "not slow", "tests/unit", "tests/test_readme.py")
    assert " passed" in ended[-1]


def _environment(folder: Path, wheel: Path) -> Path:
    """Make an environment with the wheel, and this one's packages but for an editable install."""
    venv.create(folder, with_pip=False)
    python = next(folder.glob("[bS]*/python*"))
    site = next(folder.rglob("site-packages"))
    zipfile.ZipFile(wheel).extractall(site)
    # A directory named in a .pth file is searched, but its own .pth files are not followed.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return python
