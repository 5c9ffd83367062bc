"""The properties of a table's rows: keys, types, values, days, and how to read them."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from mixpanel_data import QueryError, StorageEngine
from mixpanel_data._internal.exploration import statements
from mixpanel_data.exploration import PropertyInfo
from mixpanel_data.reports import UnknownPropertyError
from tests.support.factories import event, metadata

from .conftest import Make

ODD = ["", "*", "#", "a.b", 'a"b', "a'b", "a\\b", "$browser", "[0]", "ü ß", "a\nb", "%", ":x", "~"]

ROWS: list[Any] = [
    ("view", "2024-01-01T10:00:00", "ann", {"$browser": "Chrome", "n": 1, "flag": True}),
    ("view", "2024-01-02T10:00:00", "bob", {"$browser": "Safari", "n": 2.5, "flag": False}),
    ("buy", "2024-01-03T23:59:59", "ann", {"$browser": "Chrome", "n": "3", "none": None}),
    ("buy", "2024-01-05T10:00:00", "ann", {"n": None, "tags": ["a"], "at": {"x": 1}}),
]


def _one(storage: StorageEngine, key: str, **options: Any) -> PropertyInfo:
    found = {info.key: info for info in storage.properties("events", **options).properties}
    return found[key]


def test_keys_are_sorted_and_of_an_event(make: Make) -> None:
    storage = make(ROWS)

    assert storage.property_keys("events") == ["$browser", "at", "flag", "n", "none", "tags"]
    assert storage.property_keys("events", event="view") == ["$browser", "flag", "n"]
    assert storage.property_keys("events", event="nope") == []


def test_keys_of_profiles_and_of_other_tables(profiles: StorageEngine) -> None:
    profiles.connection.execute("CREATE TABLE numbers AS SELECT 1 AS n")

    assert profiles.property_keys("people") == ["plan"]
    with pytest.raises(QueryError, match="'event_name'"):
        profiles.property_keys("people", event="view")
    with pytest.raises(QueryError, match="'properties'"):
        profiles.property_keys("numbers")


def test_types_presence_values_and_days(make: Make) -> None:
    storage = make(ROWS)
    n = _one(storage, "n")
    browser = _one(storage, "$browser")

    assert n.types == {"string": 25.0, "number": 50.0, "null": 25.0}
    assert (n.presence, n.distinct, n.distinct_is_exact) == (100.0, 3, True)
    assert n.top_values == [("3", 1), (1, 1), (2.5, 1)]
    assert (browser.types, browser.presence, browser.distinct) == ({"string": 100.0}, 75.0, 2)
    assert browser.top_values == [("Chrome", 2), ("Safari", 1)]
    assert (browser.first_day, browser.last_day) == (date(2024, 1, 1), date(2024, 1, 3))


def test_lists_objects_and_null_are_values_or_none(make: Make) -> None:
    storage = make(ROWS)

    assert _one(storage, "tags").types == {"array": 100.0}
    assert _one(storage, "at").top_values == [({"x": 1}, 1)]
    none = _one(storage, "none")
    assert (none.types, none.presence, none.distinct) == ({"null": 100.0}, 25.0, 0)
    assert none.top_values == []


def test_the_expressions_read_the_property(make: Make) -> None:
    storage = make([("e", "2024-01-01T00:00:00", "u", {key: f"<{key}>" for key in ODD})])
    found = storage.properties("events").properties
    table = storage.table("events")

    assert sorted(info.key for info in found) == sorted(ODD) == storage.property_keys("events")
    for info in found:
        expected = f"<{info.key}>"
        assert storage.execute_scalar(f"SELECT {info.sql} FROM events") == expected
        expression = eval(info.expression, {"table": table})
        assert storage.execute_scalar(sa.select(expression)) == expected
        assert storage.property_values("events", info.key) == [expected]
        assert info.top_values == [(expected, 1)]


def test_the_expressions_fit_the_type(make: Make) -> None:
    storage = make(ROWS)

    assert _one(storage, "$browser").sql in (
        "properties->>'$.\"$browser\"'",
        "JSONExtract(properties, '$browser', 'Nullable(String)')",
    )
    assert _one(storage, "$browser").expression == 'table.c.properties["$browser"].as_string()'
    assert _one(storage, "flag").expression == 'table.c.properties["flag"].as_boolean()'
    assert _one(storage, "n").expression == 'table.c.properties["n"].as_string()'
    assert _one(storage, "n", event="view").expression == 'table.c.properties["n"].as_float()'


def test_one_event_or_a_sample(make: Make) -> None:
    storage = make(ROWS)
    views = storage.properties("events", event="view")

    assert (views.event, views.rows) == ("view", 2)
    assert {info.key: info.presence for info in views.properties} == {
        **dict.fromkeys(["$browser", "n", "flag"], 100.0),
    }
    sampled = storage.properties("events", sample=2)
    assert (sampled.rows, {info.key for info in sampled.properties} >= {"n"}) == (2, True)
    assert storage.properties("events", sample=0).properties == []
    assert storage.properties("events", sample=100).rows == 4
    with pytest.raises(ValueError, match="sample"):
        storage.properties("events", sample=-1)


def test_the_properties_of_nothing_and_of_profiles(make: Make, profiles: StorageEngine) -> None:
    assert make().properties("events").properties == []
    assert make is not None
    (plan,) = profiles.properties("people").properties
    assert (plan.presence, plan.first_day, plan.top_values) == (
        *(100.0, None, [("pro", 2), ("free", 1)]),
    )


def test_the_result_is_json_ready_and_has_a_row_a_property(make: Make) -> None:
    result = make(ROWS).properties("events")

    assert list(result.df.columns) == [field.name for field in fields(PropertyInfo)]
    assert len(result.df) == 6
    shown = json.loads(json.dumps(result.to_dict()))["properties"][0]
    assert (shown["first_day"], shown["top_values"][0]) == ("2024-01-01", ["Chrome", 2])


def test_values_that_look_like_marks_are_values(make: Make) -> None:
    rows = [("e", "2024-01-01T00:00:00", "u", {"a": text}) for text in ("~", '~"', "null", "{")]
    found = _one(make(rows), "a")

    assert (found.types, found.distinct) == ({"string": 100.0}, 4)
    assert [value for value, _ in found.top_values] == ["null", "{", "~", '~"']


def test_many_values_are_estimated_and_few_are_exact(memory: StorageEngine) -> None:
    memory.distinct_limit = 100
    rows: Any = (
        event(n, properties={"few": n % 90, "mixed": n if n % 2 else "one", "kind": "xyz"[n % 3]})
        for n in range(21_000)
    )
    memory.create_events_table("events", rows, metadata())
    few, mixed, kind = (_one(memory, key) for key in ("few", "mixed", "kind"))

    assert (few.distinct, few.distinct_is_exact, len(few.top_values)) == (90, True, 10)
    assert few.top_values[0] == (0, 234)
    assert (kind.distinct, kind.top_values) == (3, [("x", 7000), ("y", 7000), ("z", 7000)])
    assert not mixed.distinct_is_exact
    assert 9_000 < mixed.distinct < 12_500
    assert mixed.types == {"string": 50.0, "number": 50.0}
    assert mixed.top_values[0] == ("one", 10_500)


def test_a_large_table_is_counted_as_a_small_one(memory: StorageEngine) -> None:
    count = 20_500
    rows: Any = (
        event(n, properties={**dict.fromkeys(ODD, f"~{n % 3}"), **({"rare": n} if n < 2 else {})})
        for n in range(count)
    )
    memory.create_events_table("events", rows, metadata())
    found = {info.key: info for info in memory.properties("events").properties}

    assert set(found) == {*ODD, "rare"} == set(memory.property_keys("events"))
    assert found["rare"].top_values == [(0, 1), (1, 1)]
    assert (found["rare"].distinct, found["rare"].types) == (2, {"number": 100.0})
    for key in ODD:
        assert found[key].top_values == [("~0", 6834), ("~1", 6833), ("~2", 6833)]
        assert (found[key].presence, found[key].distinct) == (100.0, 3)


def _counted(storage: StorageEngine, keys: list[str]) -> list[Any]:
    statement = statements.properties(storage.table("events"), 10, {}, keys)
    return [tuple(row) for row in storage.query(storage.sql_text(statement))]


@pytest.mark.parametrize("keys", [["a.b"], ["", "$browser", "no such key"], [*ODD, "rare"]])
def test_properties_that_the_sample_lacks_are_counted(make: Make, keys: list[str]) -> None:
    storage = make(
        ("e", f"2024-01-{n + 1:02}T00:00:00", "u", dict.fromkeys([*ODD, "rare"][n % 5 :], n % 3))
        for n in range(20)
    )

    assert _counted(storage, keys) == _counted(storage, [])


def test_documents_are_known_in_any_spelling(memory: StorageEngine) -> None:
    documents = (
        *("{}", '{ "a" : 1e9, "abc" : 1 }', '{"a":1e9,"abc":1}', '{"a":[1e9, {}],"b":-0.0}'),
        *(r'{"b":"\u00e9\/","a":1.50}', '{"a":1e5,"k":0}', r'{"\u0001\"\n":0,"a":null}', "{}"),
        *(
            '{"a":12345678901234567890123}',
            '{"b":{"a":1}}',
            r'{"\u0061":1, "\u0062":"\ud83d\ude00"}',
        ),
    )
    memory.create_events_table("events", [], metadata())
    memory.connection.executemany(
        "INSERT INTO events VALUES ('e', '2024-01-01', 'u', ?, ?)", list(enumerate(documents))
    )

    for keys in (["a"], ["a", "b"], ['\x01"\n', "k", "a"]):
        assert _counted(memory, keys) == _counted(memory, [])


def test_values_come_most_frequent_first(make: Make) -> None:
    storage = make(ROWS)

    assert storage.property_values("events", "$browser") == ["Chrome", "Safari"]
    assert storage.property_values("events", "$browser", limit=1) == ["Chrome"]
    assert storage.property_values("events", "n") == ["3", "1", "2.5"]
    assert storage.property_values("events", "n", event="view") == ["1", "2.5"]
    assert storage.property_values("events", "tags") == ['["a"]']
    assert storage.property_values("events", "none") == []


def test_a_misspelt_property_gets_a_suggestion(make: Make) -> None:
    storage = make(ROWS)
    message = r"no event of the table has a property 'brwser'; did you mean '\$browser'\?"

    with pytest.raises(UnknownPropertyError, match=message) as caught:
        storage.property_values("events", "brwser")
    assert caught.value.suggestion == "$browser"
    with pytest.raises(UnknownPropertyError, match=r"'view'.*'tags'"):
        storage.property_values("events", "tags", event="view")


def test_without_events_there_are_no_values(make: Make) -> None:
    storage = make(ROWS)

    assert storage.property_values("events", "n", event="nope") == []
    day = storage.property_distribution("events", "view", "n", from_date="2025-01-01")
    assert (day.total_count, day.values) == (0, ())


def test_a_distribution_has_counts_and_shares(make: Make) -> None:
    storage = make(ROWS)
    result = storage.property_distribution(
        "events", None, "$browser", from_date=date(2024, 1, 2), to_date="2024-01-03", limit=1
    )

    assert (result.from_date, result.to_date, result.total_count) == ("2024-01-02", "2024-01-03", 2)
    assert [v.to_dict() for v in result.values] == [
        {"value": "Chrome", "count": 1, "percentage": 50.0}
    ]
    assert list(result.df.columns) == ["value", "count", "percentage"]
    with pytest.raises(ValueError, match="Invalid isoformat"):
        storage.property_distribution("events", None, "n", to_date="March")
    with pytest.raises(ValueError, match="to_date must be from 1900-01-01 to 2199-12-31, not 9999"):
        storage.property_distribution("events", None, "n", to_date="9999-12-31")
