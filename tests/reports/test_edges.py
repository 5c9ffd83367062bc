"""Worked examples at the edges: odd ids, odd values of session properties, days that are none."""

from __future__ import annotations

from typing import Any

import pytest

from mixpanel_data import StorageEngine

from .conftest import Make

pytestmark = pytest.mark.slow

Ids = dict[str, Any]


def _linked(device: Any, user: Any) -> Ids:
    return {"$device_id": device, "$user_id": user}


PEOPLE: dict[str, tuple[str, list[tuple[str, str, Ids]], list[set[str]]]] = {
    "the earliest link counts, however late it is loaded": (
        "simplified",
        [("ann", "in", _linked("d", "ann")), ("bob", "in", _linked("d", "bob"))],
        [{"$device:d", "ann"}, {"bob"}],
    ),
    "an empty id or null links nothing": (
        "simplified",
        [
            ("$device:d", "view", _linked("d", "")),
            ("$device:d", "view", _linked("d", None)),
            ("ann", "in", _linked("", "ann")),
            ("bob", "in", _linked("", "bob")),
        ],
        [{"$device:d"}, {"ann"}, {"bob"}],
    ),
    "ids are compared as text": (
        "simplified",
        [("$device:d", "view", {"$device_id": "d"}), ("42", "in", _linked("d", 42))],
        [{"$device:d", "42"}],
    ),
    "events of the original rules mean nothing to the simplified": (
        "simplified",
        [("a", "$identify", {"$identified_id": "ann", "$anon_id": "a"}), ("ann", "view", {})],
        [{"a"}, {"ann"}],
    ),
    "the properties of the simplified rules mean nothing to the original": (
        "original",
        [("$device:d", "view", _linked("d", "ann")), ("ann", "view", {})],
        [{"$device:d"}, {"ann"}],
    ),
    "what is no pair of ids joins nothing": (
        "original",
        [
            ("a", "$create_alias", {"distinct_id": "a"}),
            ("b", "$create_alias", {"distinct_id": "b", "alias": ""}),
            ("c", "$merge", {"$distinct_ids": ["c", ""]}),
            ("d", "$merge", {"$distinct_ids": None}),
            ("e", "$merge", {"$distinct_ids": "a"}),
            ("f", "view", {"$identified_id": "a", "$anon_id": "f"}),
        ],
        [{"a"}, {"b"}, {"c"}, {"d"}, {"e"}, {"f"}],
    ),
    "circles and pairs with oneself": (
        "original",
        [
            ("a", "$merge", {"$distinct_ids": ["a", "a"]}),
            ("a", "$merge", {"$distinct_ids": ["a", 1]}),
            ("1", "$merge", {"$distinct_ids": ["1", "b"]}),
            ("b", "$identify", {"$identified_id": "b", "$anon_id": "a"}),
        ],
        [{"a", "1", "b"}],
    ),
}


@pytest.mark.parametrize("name", PEOPLE)
def test_whose_ids_are_one_person(make: Make, shared: StorageEngine, name: str) -> None:
    rules, events, expected = PEOPLE[name]
    rows = [
        (user, event, f"2025-03-10T1{n}:00:00", ids) for n, (user, event, ids) in enumerate(events)
    ]
    reports = make(reversed(rows), identity=rules)

    people: dict[str, set[str]] = {}
    for distinct_id, person in shared.execute_rows(reports.identity_mappings()):
        people.setdefault(person, set()).add(distinct_id)

    assert sorted(map(sorted, people.values())) == sorted(map(sorted, expected))


@pytest.mark.parametrize(
    ("values", "sizes"),
    [
        (["1", "2", "1"], [1, 1, 1]),
        (["1", None, "1"], [2]),
        (["1", "", ""], [1, 2]),
        ([1, 1.0, "1"], [2, 1]),
        ([["a"], ["a"], {"a": 1}], [2, 1]),
    ],
)
def test_a_session_is_a_run_of_one_value(
    make: Make, shared: StorageEngine, values: list[Any], sizes: list[int]
) -> None:
    rows = [
        ("ann", "e", f"2025-03-10T1{n}:00:00", {"session": value}) for n, value in enumerate(values)
    ]
    found = shared.execute_rows(make(rows).session_rows(session_property="session"))
    assert [row[-1] for row in found] == sizes


@pytest.mark.parametrize(
    ("zone", "times", "days"),
    [
        # A day that the zone left out, one that begins at 1:00, one that begins twice.
        ("Pacific/Apia", "2011-12-30T09:59:59 2011-12-30T10:00:00", ("2011-12-29", [1, 0, 1])),
        ("America/Sao_Paulo", "2018-11-04T02:59:59 2018-11-04T03:00:00", ("2018-11-03", [1, 1, 0])),
        ("America/Havana", "2025-11-02T03:59:59 2025-11-02T05:30:00", ("2025-11-01", [1, 1, 0])),
        ("Asia/Kathmandu", "2025-03-01T18:14:59 2025-03-01T18:15:00", ("2025-03-01", [1, 1, 0])),
    ],
)
def test_days_are_those_of_the_zone(
    make: Make, zone: str, times: str, days: tuple[str, list[int]]
) -> None:
    first, counts = days
    reports = make([("ann", "e", time) for time in times.split()], timezone=zone)
    last = f"{first[:8]}{int(first[8:]) + 2:02}"

    found = reports.segmentation("e", from_date=first, to_date=last)
    assert list(found.series["e"].values()) == counts
    active = reports.segmentation("e", measure="dau", from_date=first, to_date=last)
    assert list(active.series["e"].values()) == counts
