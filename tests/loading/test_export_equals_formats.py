"""The set-based way of loading export files and the readers of ``formats`` agree, row for row."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from mixpanel_data import InvalidRecordError, StorageEngine
from mixpanel_data.formats import read_export, read_profiles
from tests.support.factories import metadata

TEXTS = st.sampled_from(["a", "x\u2028y\x85", "é😀", "", "NaN", ": NaN", ", ]", '"', "\\", "\0"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=5,
)
IDS = st.sampled_from(["u1", "u2", "u3", "", "\0held", 5, 5.5, None, True, ["a"], {"a": 1}, 2**70])
TIMES = st.sampled_from(
    [
        *(1_700_000_000, 1_700_000_001, 1_700_000_000_123, -5, 0, 1.5, "1700000000"),
        *(9_999_999_999, 10_000_000_000, -12_219_292_800_000),
    ]
)
SEEN = st.sampled_from(
    [
        *(None, "", "2024-01-01T00:00:00", "2024-01-01 10:00:00", "2024-01-01T00:00:00.5"),
        *("2024-01-01T00:00:00+05:30", "2024-01-01T00:00:00Z"),
    ]
)
EXTRA = st.dictionaries(
    st.sampled_from(["a", "$b", "", "c.d", 'e"f', "event", "results"]), VALUES, max_size=3
)
EVENT_IDS = st.sampled_from(["i1", "i2", "i3", "", None, 7, "\0held"])
PROPERTIES = st.builds(
    lambda fixed, extra: {**extra, **fixed},
    st.fixed_dictionaries({"time": TIMES}, optional={"distinct_id": IDS, "$insert_id": EVENT_IDS}),
    EXTRA,
)
SPACING = st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : ")])
NAMES = st.sampled_from(["A", "B", ""])
ROWS = st.one_of(
    st.builds(lambda name, inner: {"event": name, "properties": inner}, NAMES, PROPERTIES),
    st.builds(lambda name, inner: {"properties": inner, "event": name}, NAMES, PROPERTIES),
    st.builds(lambda name, inner: {**inner, "event": name}, NAMES, PROPERTIES),
)
LINES = st.builds(
    lambda row, spacing, plain: json.dumps(row, separators=spacing, ensure_ascii=plain),
    ROWS,
    SPACING,
    st.booleans(),
)
# What the readers refuse or take in a way of their own.
ODD_LINES = st.sampled_from(
    [
        "",
        "  \r",
        "terminated early",
        '{"event":"A"',
        "[1]",
        '{"event":"A","properties":{"time":NaN}}',
        '{"event":"A","properties":{"time":1,"distinct_id":"u","$insert_id":"i","x":1e400}}',
        '{"event":"A","properties":{"time":1,"distinct_id":"u","$insert_id":"i",}}',
        '{"event":"A","properties":{"time":5,"time":6,"distinct_id":"u","$insert_id":"i"}}',
        '{"event":"A","properties":{"time":1,"distinct_id":"\\ud800","$insert_id":"i"}}',
        '{"event":"A","properties":{"time":1,"distinct_id":"u"},"stray":1}',
        '{"event":7,"properties":{"time":1,"distinct_id":"u"}}',
        '{"event":"A","properties":{"time":"soon","distinct_id":"u","$insert_id":"i"}}',
        '{"event":"A","properties":{"time":1e20,"distinct_id":"u","$insert_id":"i"}}',
    ]
)
PROFILES = st.fixed_dictionaries(
    {
        "$distinct_id": st.sampled_from(["u1", "u2", "u3", "", 5, True, "\0held"]),
        "$properties": st.builds(
            lambda seen, extra: {**extra, **seen},
            st.fixed_dictionaries({}, optional={"$last_seen": SEEN}),
            EXTRA,
        ),
    }
)
PAGES = st.builds(
    lambda results, indent: json.dumps({"page": 0, "results": results}, indent=indent),
    st.lists(PROFILES, max_size=4),
    st.sampled_from([None, None, 1]),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exports")


def _outcome(engine: StorageEngine, load: Callable[[], int]) -> Any:
    """Return what a load stored, or the message that it was refused with."""
    if engine.table_exists("data"):
        engine.drop_table("data")
    try:
        stored = load()
    except InvalidRecordError as error:
        return str(error)
    counts = engine.get_metadata("data")
    rows = engine.query(sa.select(engine.table("data")))
    return stored, counts.duplicates, counts.collisions, repr(rows)


@given(
    texts=st.lists(LINES, max_size=12),
    odd=st.none() | ODD_LINES,
    end=st.sampled_from(["", "\n"]),
)
def test_events(
    texts: list[str], odd: str | None, end: str, folder: Path, shared: StorageEngine
) -> None:
    path = folder / "events.jsonl"
    path.write_text("\n".join([*texts, *([] if odd is None else [odd])]) + end, newline="")
    meta = metadata("events")
    ours = _outcome(shared, lambda: shared.load_export("data", path, meta, allow_empty=True))
    assert ours == _outcome(
        shared, lambda: shared.create_events_table("data", read_export(path), meta)
    )


@given(texts=st.lists(PROFILES.map(json.dumps) | PAGES, max_size=6))
def test_profiles(texts: list[str], folder: Path, shared: StorageEngine) -> None:
    path = folder / "profiles.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(texts).encode()))
    meta = metadata("profiles")
    ours = _outcome(shared, lambda: shared.load_export("data", path, meta, allow_empty=True))
    assert ours == _outcome(
        shared, lambda: shared.create_profiles_table("data", read_profiles(path), meta)
    )
