"""What becomes of the keys of an export line."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.exports import BASE, event, events, line, refusal
from tests.support.json_strategies import text, values


def test_ids_move_to_columns_and_the_rest_stays() -> None:
    assert event(line({**BASE, "$browser": "Firefox", "a.b": {"c": [1, None]}})) == {
        "event_name": "page view",
        "event_time": datetime(2023, 11, 14, 22, 13, 20),
        "distinct_id": "u1",
        "insert_id": "i1",
        "properties": {"time": 1_700_000_000, "$browser": "Firefox", "a.b": {"c": [1, None]}},
    }


def test_flat_lines_give_the_same_record() -> None:
    flat = json.dumps({"event": "page view", **BASE, "n": 1}).encode()
    assert event(flat) == event(line({**BASE, "n": 1}))


def test_a_flat_line_may_have_a_property_called_properties() -> None:
    flat = json.dumps({"event": "page view", **BASE, "properties": "none"}).encode()
    assert event(flat)["properties"] == {"time": 1_700_000_000, "properties": "none"}


@given(st.dictionaries(text, values), text)
def test_any_properties_come_through(properties: dict[str, Any], name: str) -> None:
    record = event(line({**properties, **BASE}, event=name))
    rest = {k: v for k, v in properties.items() if k not in BASE}
    assert record["event_name"] == name
    assert record["properties"] == {**rest, "time": BASE["time"]}


@pytest.mark.parametrize(
    ("given_id", "text_id"),
    [
        ('"u1"', "u1"),
        ('""', ""),
        ("null", ""),
        ("123", "123"),
        ("-0.5", "-0.5"),
        ("1.0", "1.0"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("true", "true"),
        ('["a", 1]', '["a",1]'),
        ('{"b": "ü", "a": null}', '{"a":null,"b":"ü"}'),
    ],
)
def test_ids_become_text(given_id: str, text_id: str) -> None:
    row = f'{{"event": "e", "properties": {{"time": 1, "distinct_id": {given_id}}}}}'
    assert event(row.encode())["distinct_id"] == text_id


def test_a_missing_distinct_id_is_empty() -> None:
    assert event(line({"time": 1, "$insert_id": "i"}))["distinct_id"] == ""


def test_a_numeric_insert_id_becomes_text() -> None:
    assert event(line({"time": 1, "$insert_id": 77}))["insert_id"] == "77"


def test_the_last_of_equal_keys_wins() -> None:
    row = b'{"event": "e", "properties": {"time": 1, "$insert_id": "i", "a": 1, "a": 2}}'
    assert event(row)["properties"] == {"time": 1, "a": 2}


@pytest.mark.parametrize("name", [None, 1, True, ["e"], {}])
def test_an_event_name_that_is_no_string_is_refused(name: object) -> None:
    error = refusal(line() + line(event=name))
    assert "'event' is missing or not a string" in error.message
    assert error.details["line"] == 2


@pytest.mark.parametrize("row", [b"[]", b'"text"', b"1", b"null", b"true"])
def test_a_line_that_is_no_object_is_refused(row: bytes) -> None:
    assert "not a JSON object" in refusal(row + b"\n").message


@pytest.mark.parametrize(
    "row", [b"{}", b'{"error": "Invalid secret"}', b'{"properties": {"time": 1}}']
)
def test_an_object_that_is_no_event_is_refused(row: bytes) -> None:
    assert "'event' is missing" in refusal(row).message


def test_keys_beside_the_properties_are_refused_rather_than_lost() -> None:
    row = b'{"event": "e", "properties": {"time": 1}, "country": "FR"}'
    assert "'country' stands beside 'properties'" in refusal(row).message


def test_records_before_a_bad_line_were_given() -> None:
    assert len(events(line() * 3)) == 3
    assert refusal(line() * 3 + b"{}").details["line"] == 4
