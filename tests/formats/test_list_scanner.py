"""Lists are cut into their records exactly, however they come."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixpanel_data._internal.formats import lines as line_splitting
from mixpanel_data._internal.formats import values
from mixpanel_data.exceptions import InvalidRecordError
from tests.support.effort import only_thorough
from tests.support.exports import Trickle, events, profiles
from tests.support.json_strategies import values as json_values

OBJECTS = st.dictionaries(st.text(max_size=5), json_values, max_size=4)


@given(
    rows=st.lists(OBJECTS, min_size=1, max_size=6),
    indent=st.sampled_from([None, 0, 2]),
    ascii_only=st.booleans(),
    size=st.integers(1, 200),
    wrap=st.sampled_from(["list", "page"]),
)
def test_the_records_are_those_of_the_parser(
    rows: list[Any], indent: int | None, ascii_only: bool, size: int, wrap: str
) -> None:
    whole = rows if wrap == "list" else {"page": 0, "results": rows, "x": [{"results": [1]}]}
    text = json.dumps(whole, indent=indent, ensure_ascii=ascii_only).encode()
    blocks = (text[at : at + size] for at in range(0, len(text), size))
    found = [value for batch in values.split_values("x", blocks) for value in batch]
    assert list(map(json.loads, found)) == rows


PEOPLE = [{"$distinct_id": f"u{n}", "$properties": {"results": ["x" * 50] * n}} for n in range(40)]


@pytest.mark.parametrize("indent", [None, 1])
def test_a_long_page_is_read_in_parts(indent: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    page = {"page": 0, "session_id": "s", "results": PEOPLE, "status": "ok"}
    text = json.dumps(page, indent=indent).encode() + b"\n"
    expected = profiles(text)
    monkeypatch.setattr(line_splitting, "_LONG_PAGE", 2_000)
    monkeypatch.setattr(line_splitting, "_LONGEST_LINE", 10_000)
    monkeypatch.setattr(values, "_LONGEST_VALUE", 10_000)
    assert len(text) > 20_000
    stream = Trickle(text * 2 + json.dumps(PEOPLE[0]).encode(), [1_000])
    assert list(map(str, profiles_of(stream))) == list(map(str, [*expected * 2, expected[0]]))


def profiles_of(stream: Trickle) -> list[Any]:
    from mixpanel_data.formats import read_profiles

    return list(read_profiles(stream))


@pytest.mark.parametrize("start", ["[", '{"page":0,"results":['])
def test_a_record_that_never_ends_is_refused(start: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_splitting, "_LONG_PAGE", 2_000)
    monkeypatch.setattr(values, "_LONGEST_VALUE", 10_000)
    text = start + json.dumps(PEOPLE[3]) + ',{"$distinct_id":"' + "x" * 300_000
    with pytest.raises(InvalidRecordError, match=r"record 2: it has no end within"):
        profiles_of(Trickle(text.encode(), [1_000]))


def test_a_long_page_that_is_cut_short_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_splitting, "_LONG_PAGE", 2_000)
    text = json.dumps({"results": PEOPLE}).encode()
    for cut in range(8_000, len(text), 611):
        with pytest.raises(InvalidRecordError, match="ends before its list"):
            profiles_of(Trickle(text[:cut], [1_000]))


def test_a_long_event_is_no_page() -> None:
    row = {"event": "e", "properties": {"time": 1, "results": [{"a": "x" * 9_000_000}]}}
    assert len(events(json.dumps(row).encode())) == 1


@only_thorough
@pytest.mark.slow
def test_a_page_of_more_than_the_longest_line() -> None:
    people = [{"$distinct_id": f"u{n}", "$properties": {"a": "x" * 700_000}} for n in range(100)]
    text = json.dumps({"page": 0, "results": people}).encode()
    assert len(text) > 64 << 20
    assert [p["distinct_id"] for p in profiles(text)] == [f"u{n}" for n in range(100)]
