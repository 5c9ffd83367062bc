"""The README's nightly script and streamed downloads, against an API that fails as the real one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from mixpanel_data import EmptyLoadError, InvalidRecordError, StorageEngine
from tests.support import export_api
from tests.support.export_api import ExportAPI
from tests.support.factories import metadata
from tests.support.processes import ROOT, environment

pytestmark = pytest.mark.slow

(SCRIPT,) = re.findall(
    r"^```bash\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL
)


@pytest.fixture
def api() -> Iterator[ExportAPI]:
    """Yield an export API on the loopback interface."""
    with export_api.export_api() as api:
        yield api


def _night(today: str, api: ExportAPI, folder: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    names = {"MIXPANEL_API": api.url, "MIXPANEL_USER": "u", "MIXPANEL_SECRET": "s"}
    return subprocess.run(
        ["bash", "-c", SCRIPT, "nightly", today],
        cwd=folder,
        env=environment(PATH=path, MIXPANEL_PROJECT="1", **names),
        capture_output=True,
        text=True,
        timeout=300,
    )


def _stored(folder: Path) -> dict[str, list[str]]:
    with StorageEngine.open_existing(folder / "music.db") as storage:
        rows = storage.execute_rows(
            "SELECT event_time::DATE::VARCHAR, list(insert_id ORDER BY insert_id) FROM events"
            " GROUP BY ALL ORDER BY ALL"
        )
        assert storage.coverage("events").missing == []
    return dict(rows)


@pytest.mark.skipif(not shutil.which("curl"), reason="the script calls curl")
def test_three_nights(api: ExportAPI, tmp_path: Path) -> None:
    for day in (1, 2, 3):
        api.add(f"2025-03-0{day}", *(f"{day}-{number}" for number in range(50)))
    api.failures = [export_api.TOO_MANY, export_api.BAD_GATEWAY]
    done = _night("2025-03-04", api, tmp_path)
    assert (done.returncode, api.requests) == (0, 3), done.stderr
    assert _stored(tmp_path) == {day: sorted(ids) for day, ids in api.days.items()}

    # Another day, an event that comes late, one that was deleted, and a broken connection.
    api.add("2025-03-04", "4-0")
    api.add("2025-03-03", "late")
    api.days["2025-03-02"].remove("2-7")
    api.failures = [export_api.CUT]
    done = _night("2025-03-05", api, tmp_path)
    assert (done.returncode, api.requests) == (0, 5), done.stderr
    assert _stored(tmp_path) == {day: sorted(ids) for day, ids in api.days.items()}

    # What looks like a whole answer to curl and is none: nothing changes, until a better night.
    before = _stored(tmp_path)
    api.add("2025-03-05", "5-0")
    api.failures = [export_api.CUT_SILENTLY]
    done = _night("2025-03-06", api, tmp_path)
    assert done.returncode == 1
    assert "export.jsonl.gz" in done.stderr
    assert _stored(tmp_path) == before
    done = _night("2025-03-06", api, tmp_path)
    assert done.returncode == 0, done.stderr
    assert _stored(tmp_path) == {day: sorted(ids) for day, ids in api.days.items()}


def _url(api: ExportAPI) -> str:
    return f"{api.url}/export?from_date=2025-03-01&to_date=2025-03-31"


def test_a_response_is_a_source(api: ExportAPI) -> None:
    api.add("2025-03-01", *map(str, range(500)))
    with StorageEngine.memory() as storage, urlopen(_url(api)) as response:
        assert storage.load_export("events", response, metadata()) == 500


@pytest.mark.parametrize(
    "failure",
    [
        export_api.CUT,
        export_api.CUT_SILENTLY,
        export_api.TERMINATED,
        export_api.ERROR_AS_DATA,
    ],
)
def test_a_response_that_is_not_whole_is_refused(failure: str, api: ExportAPI) -> None:
    api.add("2025-03-01", *map(str, range(500)))
    api.failures = [failure]
    with StorageEngine.memory() as storage:
        with (
            urlopen(_url(api)) as response,
            pytest.raises((InvalidRecordError, EmptyLoadError, OSError)),
        ):
            storage.load_export("events", response, metadata())
        assert storage.list_tables() == []
