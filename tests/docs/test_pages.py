"""Every code block of the documentation runs, in order, against a server that stands in."""

from __future__ import annotations

import gzip
import json
import shutil
import threading
from base64 import b64encode
from collections.abc import Iterator
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from mixpanel_data import StorageEngine, TableMetadata, demo
from tests.support import clickhouse
from tests.support.blocks import Reader, blocks_of
from tests.support.processes import ROOT
from tests.support.typed_rows import needs_triggers

pytestmark = [pytest.mark.slow, pytest.mark.every_variant]

# The page about other tools needs them: tests/neighbours runs it.
PAGES = [page for page in sorted((ROOT / "docs").rglob("*.md")) if page.stem != "neighbours"]
# Typed columns, and ClickHouse.
_MARKS = {"ask": [needs_triggers], "beyond": [pytest.mark.clickhouse]}
WITH_BLOCKS = [
    pytest.param(page, marks=_MARKS.get(page.stem, [])) for page in PAGES if blocks_of(page)
]
ACCOUNT = {"MIXPANEL_USER": "ann", "MIXPANEL_SECRET": "secret", "MIXPANEL_PROJECT": "12345"}
FETCHED = datetime(2025, 4, 1, 12, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with the demo's export, and a database of it."""
    folder = tmp_path_factory.mktemp("pages")
    events, profiles = demo.write_export(folder)
    march = TableMetadata(
        type="events", fetched_at=FETCHED, from_date="2025-03-01", to_date="2025-03-31"
    )
    with StorageEngine(folder / "music.db") as storage:
        storage.load_export("events", events, march)
        storage.load_export(
            "profiles", profiles, TableMetadata(type="profiles", fetched_at=FETCHED)
        )
    return folder


class _Mixpanel(BaseHTTPRequestHandler):
    """The two APIs that exports come from, for the month of the demo."""

    folder: Path

    def do_GET(self) -> None:
        query = self._checked("/api/2.0/export")
        march = query["from_date"] == ["2025-03-01"]
        self._answer(gzip.decompress(self._file("events")) if march else b"")

    def do_POST(self) -> None:
        self._checked("/api/query/engage")
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        number = int(form["page"][0])
        assert number == 0 or form["session_id"] == ["s1"]
        profiles = [
            json.loads(line) for line in gzip.decompress(self._file("profiles")).splitlines()
        ]
        page: dict[str, Any] = {
            "page": number,
            "page_size": 500,
            "session_id": "s1",
            "status": "ok",
        }
        page["results"] = profiles[500 * number : 500 * (number + 1)]
        self._answer(json.dumps(page).encode())

    def _checked(self, path: str) -> dict[str, list[str]]:
        asked = urlsplit(self.path)
        account = b64encode(b"ann:secret").decode()
        assert self.headers["Authorization"] == f"Basic {account}"
        assert asked.path == path
        query = parse_qs(asked.query)
        assert query["project_id"] == ["12345"]
        return query

    def _file(self, name: str) -> bytes:
        return (self.folder / f"{name}.jsonl.gz").read_bytes()

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def host(template: Path) -> Iterator[str]:
    """Yield the address of a server that gives the demo's export."""
    handler = type("Handler", (_Mixpanel,), {"folder": template})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()


@pytest.mark.parametrize("page", WITH_BLOCKS, ids=lambda page: page.stem)
def test_the_blocks_of_a_page_run(
    page: Path, template: Path, host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "mixpanel"
    folder.mkdir()
    for file in template.iterdir():
        # Who starts has no database yet.
        if file.suffix == ".gz" or page.stem != "index":
            shutil.copy(file, folder)
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MIXPANEL_DATA_DB", raising=False)
    for name, value in {**ACCOUNT, "MIXPANEL_QUERY_HOST": host, "HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    if page.stem == "beyond":
        # In memory, a database stays while something is connected.
        clickhouse.new_url()
    reader = Reader(page, host)
    try:
        reader.try_until(len(reader.blocks) - 1)
    finally:
        reader.close()


def test_the_pages_are_found() -> None:
    assert len(WITH_BLOCKS) >= 7
