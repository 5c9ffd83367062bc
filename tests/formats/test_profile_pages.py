"""Engage results: pages, pretty-printed pages, one profile a line."""

from __future__ import annotations

import gzip
import json
from datetime import datetime
from typing import Any

import pytest

from tests.support.exports import profile_refusal, profiles


def profile(distinct_id: Any = "u1", /, **properties: Any) -> dict[str, Any]:
    return {"$distinct_id": distinct_id, "$properties": properties}


def page(*members: Any, **more: Any) -> dict[str, Any]:
    return {"page": 0, "session_id": "s", "status": "ok", "results": list(members), **more}


def dump(*rows: Any, indent: int | None = None) -> bytes:
    return b"".join(json.dumps(row, indent=indent).encode() + b"\n" for row in rows)


MEMBERS = [profile(f"u{n}", n=n, nested={"list": [{}, {"a": [1]}]}) for n in range(5)]
RECORDS = [
    {"distinct_id": m["$distinct_id"], "properties": m["$properties"], "last_seen": None}
    for m in MEMBERS
]


def test_a_profile_keeps_its_properties_untouched() -> None:
    row = profile("u1", **{"$last_seen": "2024-05-06T07:08:09", "$name": "Ann", "distinct_id": 7})
    assert profiles(dump(row)) == [
        {
            "distinct_id": "u1",
            "properties": row["$properties"],
            "last_seen": datetime(2024, 5, 6, 7, 8, 9),
        }
    ]


@pytest.mark.parametrize("indent", [None, 1, 4])
@pytest.mark.parametrize(
    "rows",
    [MEMBERS, [page(*MEMBERS)], [page(*MEMBERS[:2]), page(*MEMBERS[2:]), page()]],
    ids=["profiles", "one page", "pages"],
)
def test_every_layout_yields_the_same_profiles(rows: list[Any], indent: int | None) -> None:
    assert profiles(dump(*rows, indent=indent)) == RECORDS
    assert profiles(gzip.compress(dump(*rows, indent=indent))) == RECORDS


def test_layouts_mix() -> None:
    text = dump(page(MEMBERS[0]), indent=2) + dump(MEMBERS[1], page(*MEMBERS[2:]))
    assert profiles(text) == RECORDS


def test_a_pretty_page_may_lack_its_last_line_end() -> None:
    assert profiles(dump(page(*MEMBERS), indent=2).rstrip()) == RECORDS


def test_a_pretty_page_may_span_blocks_and_hold_long_integers() -> None:
    (record,) = profiles(dump(page(profile(v=10**30, text=["x" * 1000] * 1000)), indent=2))
    assert record["properties"]["v"] == 10**30


def test_a_pretty_page_cut_short_is_refused() -> None:
    whole = dump(page(*MEMBERS), indent=2).rstrip(b"\n")
    for cut in range(1, len(whole)):
        assert profile_refusal(whole[:cut]).details["line"] == 1


def test_line_numbers_are_those_of_the_file() -> None:
    text = dump(page(MEMBERS[0]), indent=2)
    assert profile_refusal(text + b"nonsense\n").details["line"] == text.count(b"\n") + 1
    assert (
        profile_refusal(text + b"{\n" + b"nonsense\n}\n").details["line"] == text.count(b"\n") + 1
    )


NO_TIMES = [
    *("yesterday", "undefined", "2024-13-01T00:00:00", "0001-01-01T00:00:00+10:00", "2024-05-06"),
    *(5, 1_741_082_400, 1.5, True, [], {"a": 1}, "1741082400", "2024-05-06T", "2024-05-06T25:00"),
]


@pytest.mark.parametrize(
    ("given_id", "text_id"), [("u1", "u1"), (12, "12"), (10**25, str(10**25)), (True, "true")]
)
def test_ids_become_text(given_id: Any, text_id: str) -> None:
    (record,) = profiles(dump(profile(given_id)))
    assert record["distinct_id"] == text_id


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-05-06T07:08:09", datetime(2024, 5, 6, 7, 8, 9)),
        ("2024-05-06 07:08:09", datetime(2024, 5, 6, 7, 8, 9)),
        ("2024-05-06T07:08:09Z", datetime(2024, 5, 6, 7, 8, 9)),
        ("2024-05-06T07:08:09.5", datetime(2024, 5, 6, 7, 8, 9, 500_000)),
        ("2024-05-06T07:08:09.123456789Z", datetime(2024, 5, 6, 7, 8, 9, 123_456)),
        ("2024-05-06T07:08:09+02:00", datetime(2024, 5, 6, 5, 8, 9)),
        ("2024-01-01T00:30:00.250+0530", datetime(2023, 12, 31, 19, 0, 0, 250_000)),
        ("2024-05-06T07:08:09-00:30", datetime(2024, 5, 6, 7, 38, 9)),
        ("", None),
        (None, None),
    ],
)
def test_last_seen_is_utc_unless_it_has_an_offset(
    text: str | None, moment: datetime | None
) -> None:
    (record,) = profiles(dump(profile(**{"$last_seen": text})))
    assert record["last_seen"] == moment
    assert record["properties"] == {"$last_seen": text}


@pytest.mark.parametrize("value", NO_TIMES)
def test_a_last_seen_that_is_no_time_stays_a_property(value: object) -> None:
    (record,) = profiles(dump(profile(**{"$last_seen": value})))
    assert record["last_seen"] is None
    assert record["properties"] == {"$last_seen": value}


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"$properties": {}}, "'$distinct_id' is missing"),
        ({"$distinct_id": None, "$properties": {}}, "'$distinct_id' is missing"),
        ({"$distinct_id": "u"}, "'$properties' is missing or not an object"),
        ({"$distinct_id": "u", "$properties": []}, "'$properties' is missing or not an object"),
        ({**profile(), "$name": "Ann"}, "'$name' stands beside '$properties'"),
        ("u", "not a JSON object"),
    ],
)
def test_what_is_no_profile_is_refused(row: Any, problem: str) -> None:
    alone = profile_refusal(dump(profile(), row))
    assert problem in alone.message
    assert alone.details["line"] == 2
    assert f"profile 2 of the page: {problem}" in profile_refusal(
        dump(page(profile(), row))
    ).message.replace("it is ", "")


def test_a_page_without_a_list_of_results_is_refused() -> None:
    assert "'results' of the page" in profile_refusal(dump({"results": {}})).message
    assert "'$distinct_id' is missing" in profile_refusal(dump({"error": "no access"})).message


def test_no_profiles_at_all() -> None:
    assert profiles(b"") == []
    assert profiles(dump(page())) == []
