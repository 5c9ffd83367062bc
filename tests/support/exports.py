"""Lines, sources and shortcuts that the tests of ``mixpanel_data.formats`` share."""

from __future__ import annotations

import gzip
import io
import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from mixpanel_data.exceptions import InvalidRecordError
from mixpanel_data.formats import read_export, read_profiles

if TYPE_CHECKING:
    from collections.abc import Callable

    from mixpanel_data.types import EventRecord, ProfileRecord

BASE = {"time": 1_700_000_000, "distinct_id": "u1", "$insert_id": "i1"}


def line(properties: dict[str, Any] | None = None, event: Any = "page view") -> bytes:
    """One nested export line with its line end."""
    row = {"event": event, "properties": BASE if properties is None else properties}
    return json.dumps(row, ensure_ascii=False).encode() + b"\n"


def lines(count: int) -> bytes:
    """Export lines that differ in everything."""
    return b"".join(
        line({"time": 1_700_000_000 + n, "distinct_id": f"u{n}", "$insert_id": f"i{n}", "n": n})
        for n in range(count)
    )


def zstd(text: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(text)
    compressed: bytes = sink.getvalue().to_pybytes()
    return compressed


ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "zstd": zstd,
}


def events(*texts: bytes) -> list[EventRecord]:
    first, *more = map(io.BytesIO, texts)
    return list(read_export(first, *more))


def event(text: bytes) -> EventRecord:
    (record,) = events(text)
    return record


def profiles(text: bytes) -> list[ProfileRecord]:
    return list(read_profiles(io.BytesIO(text)))


def refusal(text: bytes) -> InvalidRecordError:
    with pytest.raises(InvalidRecordError) as caught:
        events(text)
    return caught.value


def profile_refusal(text: bytes) -> InvalidRecordError:
    with pytest.raises(InvalidRecordError) as caught:
        profiles(text)
    return caught.value


class Trickle:
    """A pipe: it cannot seek, and gives only a few bytes at a time."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        self._data = io.BytesIO(data)
        self._sizes = sizes
        self._reads = 0

    def read(self, size: int, /) -> bytes:
        step = self._sizes[self._reads % len(self._sizes)]
        self._reads += 1
        return self._data.read(min(size, step))
