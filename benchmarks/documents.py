"""Loads of events of other sizes: what a load may use follows the documents that it takes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.measure import measure, timed
from benchmarks.rows import events, metadata


def _sized(count: int, size: int) -> Iterator[Any]:
    """Yield *count* events with *size* bytes of text that no compression makes smaller."""
    for row in events(count):
        yield {**row, "properties": {"text": os.urandom(size // 2).hex()}}


def _load(folder: Path, count: int, size: int) -> float:
    from mixpanel_data import StorageEngine

    with StorageEngine(folder / "ours.db") as storage:
        rows = _sized(count, size)
        return timed(lambda: storage.create_events_table("e", rows, metadata()))


@measure("create, events of 300 bytes")
def small(folder: Path, count: int) -> float:
    return _load(folder, count, 300)


@measure("create, events of 875 bytes", share=0.5)
def usual(folder: Path, count: int) -> float:
    return _load(folder, count, 875)


@measure("create, events of 4 KB", share=0.2)
def long(folder: Path, count: int) -> float:
    return _load(folder, count, 4_000)


@measure("create, events of 100 KB", share=0.002)
def huge(folder: Path, count: int) -> float:
    return _load(folder, count, 100_000)
