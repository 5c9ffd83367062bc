"""Ids as Mixpanel's exports have them, and ids for events that came without one."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Any


class InsertIds:
    """Ids for events that came without one: the same for the same events in the same order."""

    def __init__(self) -> None:
        self._repeats: dict[bytes, int] = {}

    def make(self, name: str, distinct_id: str, properties: dict[str, Any]) -> str:
        """Return the id of the next event with this content."""
        # Not orjson: ids must stay the same for years, and hold integers of any length.
        content = json.dumps([name, distinct_id, properties], sort_keys=True, separators=(",", ":"))
        digest = blake2b(content.encode("ascii"), digest_size=16).digest()
        ordinal = self._repeats.get(digest, 0)
        self._repeats[digest] = ordinal + 1
        # 36 characters of [a-z0-9-]: as long as Mixpanel accepts.
        return "gen-" + blake2b(digest + b"%d" % ordinal, digest_size=16).hexdigest()


def id_text(value: Any) -> str:
    """Return an id as text: JSON text where it is no string, "" where there is none."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
