"""An export API on the loopback interface that fails as the real one does."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOO_MANY = "429"
BAD_GATEWAY = "502"
CUT = "the connection breaks before the announced length"
CUT_SILENTLY = "the stream ends in the middle, with no length announced"
TERMINATED = "a line of text in the middle of the stream"
ERROR_AS_DATA = "an error as JSON, with status 200"


class ExportAPI:
    """Events by day, and how each of the next requests fails, if it does."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.days: dict[str, list[str]] = {}
        self.failures: list[str] = []
        self.requests = 0

    def add(self, day: str, *ids: str) -> None:
        """Let events of a day be there from now on."""
        self.days.setdefault(day, []).extend(ids)

    def count(self, first: str, last: str) -> int:
        """Return how many events there are of the days."""
        return sum(len(ids) for day, ids in self.days.items() if first <= day <= last)

    def export(self, first: str, last: str) -> bytes:
        """Return the events of the days as the API sends them, uncompressed."""
        lines = []
        for day in sorted(self.days):
            if first <= day <= last:
                time = int(datetime.fromisoformat(day).replace(tzinfo=timezone.utc).timestamp())
                for name in self.days[day]:
                    properties = {"time": time, "distinct_id": "u", "$insert_id": name}
                    lines.append(json.dumps({"event": "play", "properties": properties}))
        return "".join(f"{line}\n" for line in lines).encode()


class _Handler(BaseHTTPRequestHandler):
    api: ExportAPI

    def do_GET(self) -> None:
        self.api.requests += 1
        failure = self.api.failures.pop(0) if self.api.failures else ""
        query = {key: value[0] for key, value in parse_qs(urlsplit(self.path).query).items()}
        body = self.api.export(query["from_date"], query["to_date"])
        if failure in (TOO_MANY, BAD_GATEWAY):
            self._send(int(failure), json.dumps({"error": "try again later"}).encode())
        elif failure == ERROR_AS_DATA:
            self._send(200, b'{"request": "/export", "error": "Query rate limit exceeded"}')
        elif failure == TERMINATED:
            self._send(200, gzip.compress(body[: len(body) // 2] + b"\nterminated early\n"))
        elif failure:
            packed = gzip.compress(body)
            announced = len(packed) if failure == CUT else None
            self._send(200, packed[: len(packed) // 2], announced)
        else:
            self._send(200, gzip.compress(body), len(gzip.compress(body)))

    def _send(self, status: int, body: bytes, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Encoding", "gzip")
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Write nothing to stderr."""


@contextmanager
def export_api() -> Iterator[ExportAPI]:
    """Serve an export API in the block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    api = ExportAPI(f"http://127.0.0.1:{server.server_port}/api/2.0")
    server.RequestHandlerClass = type("Handler", (_Handler,), {"api": api})
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
