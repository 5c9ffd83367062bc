"""Export files for the command line: their lines, and how they get into a file."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

MARCH = int(datetime(2025, 3, 1, tzinfo=timezone.utc).timestamp())


def event(number: int, **properties: Any) -> dict[str, Any]:
    """One line of a raw export; *number* makes it different from others."""
    common = {"time": MARCH + number, "distinct_id": f"u{number % 7}", "$insert_id": f"id-{number}"}
    return {"event": "play" if number % 3 else "skip", "properties": common | properties}


def profile(number: int) -> dict[str, Any]:
    return {"$distinct_id": f"u{number}", "$properties": {"$name": f"User {number}"}}


def write_lines(path: Path, lines: Iterable[dict[str, Any]]) -> Path:
    text = "".join(json.dumps(line) + "\n" for line in lines).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path
