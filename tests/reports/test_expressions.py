"""The rules of the language of segmentation expressions, one by one."""

from __future__ import annotations

from typing import Any

import pytest

from mixpanel_data import StorageEngine
from mixpanel_data.reports import Reports, UnknownPropertyError
from tests.support.factories import metadata

from .conftest import Make, records

DAY: dict[str, Any] = {"from_date": "2025-03-10", "to_date": "2025-03-10", "unit": "total"}
PROPERTIES = {
    **{"n": 1, "f": 2.5, "whole": 3.0, "neg": -7, "big": 1234567890123456789, "zero": 0},
    **{"t": "abc", "digits": "12.5", "empty": "", "yes": "true", "no": "false", "nan": "nan"},
    **{"quote": 'a"b\\c\n', "accent": "é", "when": "2025-03-09T00:00:00", "b": True, "off": False},
    **{
        "null": None,
        "list": ["x", 1, 2.0, True],
        "object": {"a": 1},
        "track": {"a": 1, "deep": {"b.c": "x"}},
        "ns": 1740787200000000000,
        "huge": 1e300,
        "word": 2**64,
        "debt": -(2**64),
    },
}


@pytest.fixture(scope="module")
def reports(shared: StorageEngine) -> Reports:
    """Return reports over one event."""
    rows = [("ann", "e", "2025-03-10T10:00:00", PROPERTIES)]
    shared.create_events_table("one", records(rows), metadata())
    return shared.reports("one")


CASES = {
    # Equality never fails, and tells types apart.
    'properties["n"] == 1': "true",
    'properties["n"] == 1.0': "true",
    'properties["whole"] == 3': "true",
    'properties["b"] == true': "true",
    'properties["b"] == 1': "false",
    'properties["b"] == "true"': "false",
    'properties["t"] != 1': "true",
    'properties["gone"] != "x"': "true",
    'properties["gone"] == "x"': "false",
    'properties["null"] == null': "true",
    'properties["gone"] == undefined': "true",
    'properties["empty"] == undefined': "false",
    'properties["gone"] == properties["never"]': "true",
    'properties["gone"] != properties["never"]': "false",
    'properties["gone"] == properties["n"]': "false",
    'properties["n"] / 0 == undefined': "true",
    'properties["list"] == properties["list"]': "true",
    'properties["list"] == undefined': "false",
    'event["$time"] == properties["gone"]': "false",
    'event["$time"] == event["time"]': "true",
    "undefined == null": "true",
    'properties["n"] == properties["b"]': "false",
    'properties["t"] == properties["t"]': "true",
    'properties["quote"] == "a\\"b\\\\c\\n"': "true",
    'properties["accent"] == "\\u00e9"': "true",
    'properties["digits"] == "12.5"': "true",
    # Values within objects.
    'properties["track"]["a"] == 1': "true",
    'properties["track"]["deep"]["b.c"]': "x",
    'properties["track"]["gone"]': "undefined",
    'properties["track"]["a"]["b"]': "undefined",
    'properties["t"]["a"]': "undefined",
    'number(properties["track"]["a"]) + 1': "2",
    # An order needs two of one type.
    'properties["t"] < "abd"': "true",
    'properties["t"] < 5': "undefined",
    'properties["gone"] < 5': "undefined",
    'properties["b"] < 5': "undefined",
    'properties["neg"] <= -7': "true",
    # Arithmetic of numbers, + of texts.
    'properties["n"] + properties["f"]': "3.5",
    'properties["n"] + properties["t"]': "undefined",
    'properties["t"] + "d"': "abcd",
    'properties["neg"] % 4': "-3",
    'properties["n"] % properties["zero"]': "undefined",
    '-properties["f"] * 2': "-5",
    '-properties["t"]': "undefined",
    '7 / 2 * properties["n"]': "3.5",
    '1 + 2 * 3 * properties["n"]': "7",
    # Logic: undefined is false, and not undefined is true.
    'not properties["gone"]': "true",
    'not properties["n"]': "undefined",
    'not properties["off"]': "true",
    'properties["b"] and not properties["off"]': "true",
    'properties["gone"] or properties["off"]': "false",
    'not (properties["n"] > "x")': "true",
    # Membership.
    '"b" in properties["t"]': "true",
    '"z" in properties["t"]': "false",
    '"x" in properties["list"]': "true",
    '2 in properties["list"]': "true",
    "3 in properties['list']": "false",
    'true in properties["list"]': "true",
    'properties["n"] in [1, 2]': "true",
    'properties["t"] in ["x", "abc"]': "true",
    'properties["list"] in ["x", "y"]': "true",
    'properties["list"] in ["y"]': "false",
    'properties["gone"] in ["y"]': "false",
    'properties["t"] not in ["y"]': "true",
    '1 in properties["t"]': "undefined",
    # 1 and 1.0 are one number, in lists too.
    'properties["n"] in properties["list"]': "true",
    'number("2") in properties["list"]': "true",
    'properties["neg"] in properties["list"]': "false",
    'properties["list"] in [2]': "true",
    'properties["list"] in [1.0]': "true",
    # Casts.
    'number(properties["digits"])': "12.5",
    'number(properties["b"])': "1",
    'number(properties["t"])': "undefined",
    'number(properties["nan"])': "undefined",
    'number(properties["null"])': "undefined",
    'string(properties["whole"])': "3",
    'string(properties["big"])': "1234567890123456789",
    'string(properties["b"])': "true",
    'string(properties["null"])': "undefined",
    "string(properties[\"n\"]) + 'x'": "1x",
    'boolean(properties["yes"])': "true",
    'boolean(properties["no"])': "false",
    'boolean(properties["t"])': "true",
    'boolean(properties["zero"])': "false",
    'boolean(properties["gone"])': "false",
    'defined(properties["empty"])': "true",
    'defined(properties["null"])': "false",
    'defined(properties["n"] + "x")': "false",
    'floor(properties["f"])': "2",
    'ceil(properties["f"])': "3",
    'round(-properties["f"])': "-3",
    'floor(properties["t"])': "undefined",
    # Times, and the event itself.
    'event["$time"] > datetime("2025-03-10T09:00:00")': "true",
    'event["$time"] < datetime("2025-03-10T11:00:00+02:00")': "false",
    'event["$time"] >= datetime(1741600800)': "true",
    'properties["when"] < event["time"]': "true",
    'datetime(properties["when"]) == datetime("2025-03-09")': "true",
    'properties["t"] < event["$time"]': "undefined",
    'event["$time"] > 5': "undefined",
    'event["$time"] < "2025-03-11"': "undefined",
    # A number that is no time is undefined.
    'properties["ns"] < datetime("2025-03-02")': "undefined",
    'properties["word"] == event["time"]': "false",
    'event["time"] != properties["debt"]': "true",
    'defined(datetime(properties["huge"]))': "false",
    'defined(datetime(-properties["huge"] * 1e300))': "false",
    'datetime(properties["ns"] / 1000000000) == datetime("2025-03-01")': "true",
    'datetime(253402300799) > event["time"]': "true",
    "datetime(-62135596800) < datetime(0)": "true",
    'properties["$time"] == datetime(1741600800)': "true",
    'event["$event_name"] == "e"': "true",
    'event["$distinct_id"]': "ann",
    # What a breakdown shows of other types.
    'properties["object"]': '{"a":1}',
    'properties["big"]': "1234567890123456789",
    # Without a property.
    "2 + 3 * 4": "14",
    "-7.5 % 2": "-1.5",
    'number("12.5")': "12.5",
    'number("1e999")': "undefined",
    '"b" in "abc"': "true",
    "true or true and false": "true",
    "not undefined": "true",
}


@pytest.mark.parametrize("text", CASES)
def test_a_rule_of_the_language(reports: Reports, text: str) -> None:
    assert list(reports.segmentation("e", on=text, **DAY).series) == [CASES[text]]


TRUTHS = [
    text for text in CASES if CASES[text] in ("true", "false") and not text.startswith("string")
]


@pytest.mark.slow
@pytest.mark.every_variant
@pytest.mark.parametrize("form", ["{}", "not ({})", "({}) and true", "({}) or false"])
def test_a_filter_passes_what_is_true(reports: Reports, form: str) -> None:
    for text in TRUTHS:
        passes = (CASES[text] == "true") != form.startswith("not")
        assert reports.segmentation("e", where=form.format(text), **DAY).total == passes, text


def test_a_filter_compares_without_coalesce(reports: Reports) -> None:
    """DuckDB skips rows as it reads them only then; where NULL would pass it stays."""
    bare = 'properties["n"] > 1 and (properties["t"] == "x" or properties["n"] == 2)'
    for where, there in ((bare, False), (f"not ({bare})", True)):
        sql = reports.segmentation("e", where=where, **DAY).sql
        assert ("coalesce" in sql.partition("WHERE")[2].partition("GROUP BY")[0]) == there


@pytest.mark.parametrize("name", ["a.b", "my prop", "24/7", "true", "a-b", "$os", "(a)", "1st"])
def test_a_bare_name_is_a_property(make: Make, name: str) -> None:
    reports = make([("ann", "e", "2025-03-10T10:00:00", {name: "v"})])
    assert reports.segmentation("e", on=name, **DAY).series.keys() == {"v"}


def test_a_list_shows_each_of_its_items(reports: Reports) -> None:
    assert set(reports.segmentation("e", on="list", **DAY).series) == {"x", "1", "2", "true"}


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("track.a", 'properties["track"]["a"]'),
        ("track.deep.x", 'properties["track"]["deep"]["x"]'),
        ("trakc.a", "track"),
    ],
)
def test_a_value_within_an_object_is_suggested(
    reports: Reports, name: str, suggestion: str
) -> None:
    with pytest.raises(UnknownPropertyError) as raised:
        reports.segmentation("e", on=name, **DAY)
    assert raised.value.suggestion == suggestion
