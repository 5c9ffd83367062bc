"""``python -m tests.support.new_sample``: write the sample export, with what real ones contain.

What is expected of it is counted here from the lines, by Mixpanel's rule and without the library.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("sample")
FIRST = 1_735_862_400  # 2025-01-03, in seconds
NAMES = ("play", "skip", "search", "sign up")
ODD_IDS: list[Any] = [4711, "", None, ["a", 1], {"id": 7}, True, 1.5, "Ünï\u2028ö", "null", "0"]
ODD_PROPERTIES: list[dict[str, Any]] = [
    {"$userName": "a", "userName": "b", "username": "c"},
    {"a.b": {"c.d": [1, None, {"e": []}]}, 'quote"': "'", "": "no name"},
    {"data_group_id": -1405123841946871899, "beyond 64 bits": 2**70},
    {"separators": "\u2028\u2029\u0085\r\n\t", "emoji": "🎧"},
    {"date": "2021-12-16T00:00:00"},
    {"date": 1638298874},
    {"date": "15/08/53895"},
    {"mixed": "1", "list": ["x", "x"], "null": None, "ratio": 0.1, "yes": True},
    {"mp_processing_time_ms": 1735862400123, "$import": True, "mp_lib": "web"},
    {"mp_original_event_name": "play", "mp_original_distinct_id": "u1"},
]


def _event(number: int, name: str = "play", **properties: Any) -> dict[str, Any]:
    common = {
        "time": FIRST + 3_600 * number,
        "distinct_id": f"user-{number % 13}",
        "$insert_id": f"{number:08x}-sample",
        "amount": number % 10,
    }
    return {"event": name, "properties": {**common, **properties}}


def events() -> Iterator[dict[str, Any]]:
    """Yield the 170 lines of events."""
    for number in range(120):
        yield _event(number, NAMES[number % 4])
    for number, distinct_id in enumerate(ODD_IDS, 120):
        yield _event(number, "odd id", distinct_id=distinct_id)
    for number, properties in enumerate(ODD_PROPERTIES, 130):
        yield _event(number, "odd properties", **properties)
    for number in range(140, 145):
        yield _event(number, "milliseconds", time=(FIRST + number) * 1_000 + 250)
    for number in range(145, 150):
        # Sent again with another property: still the same event by name, user, time and id.
        yield _event(
            number - 100, ("play", "skip", "search", "sign up")[(number - 100) % 4], sent=2
        )
    for number in range(150, 155):
        yield _event(number, "reused id", **{"$insert_id": "00000001-sample"})
    for number in range(155, 165):
        line = _event(number // 2 * 2, "no id")  # in pairs that are equal
        del line["properties"]["$insert_id"]
        yield line
    yield {"event": "flat", **_event(165)["properties"]}
    yield _event(166, "")
    yield _event(167, "$hotshard_events", distinct_id="")
    yield _event(168, "long ago", time=31_536_000)
    yield _event(169, "far ahead", time=2_000_000_000)


def profiles() -> Iterator[dict[str, Any]]:
    """Yield the 30 lines of profiles."""
    seen = datetime(2025, 1, 31)
    for number in range(30):
        properties: dict[str, Any] = {
            "$name": f"User {number}",
            "plan": ("free", "pro")[number % 2],
        }
        if number % 5:
            properties["$last_seen"] = (seen - timedelta(hours=number)).isoformat()
        odd_id = {0: 4711, 1: "Ünï\u2028ö"}.get(number)
        yield {"$distinct_id": odd_id or f"user-{number}", "$properties": properties}


def _text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def expected() -> dict[str, Any]:
    """Return what a load of the sample stores: the first of the events that are the same."""
    stored: dict[tuple[Any, ...], dict[str, Any]] = {}
    for number, line in enumerate(events()):
        row = line.get("properties", line)
        seconds = row["time"] / 1_000 if row["time"] > 10**10 else row["time"]
        insert_id = row.get("$insert_id", number)  # without one, none is the same
        identity = (line["event"], seconds, _text(row["distinct_id"]), insert_id)
        stored.setdefault(identity, row)
    return {
        "lines": len(list(events())),
        "rows_stored": len(stored),
        "duplicates": len(list(events())) - len(stored),
        "profiles": len(list(profiles())),
        "by_event": dict(Counter(name for name, *_ in stored)),
        "distinct_ids": len({user for _, _, user, _ in stored}),
        "first_time": min(time for _, time, _, _ in stored),
        "last_time": max(time for _, time, _, _ in stored),
        "sum_of_amount": sum(row["amount"] for row in stored.values()),
    }


def _lines(rows: Iterator[dict[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def contents() -> dict[str, str]:
    """Return the text of each file by its name."""
    return {
        "events.jsonl": _lines(events()),
        "profiles.jsonl": _lines(profiles()),
        "expected.json": json.dumps(expected(), indent=1) + "\n",
    }


if __name__ == "__main__":
    for name, text in contents().items():
        (FOLDER / name).write_text(text, encoding="utf-8", newline="\n")
