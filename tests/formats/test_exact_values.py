"""Numbers and strings come through exactly, or not at all."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixpanel_data.exceptions import InvalidRecordError
from tests.support.exports import event, line, refusal

HUGE = [2**63, 2**64 - 1, 2**64, -(2**63) - 1, 12345678901234567890, 10**40]


def value_of(text: bytes) -> object:
    return event(b'{"event": "e", "properties": {"time": 1, "$insert_id": "i", "v": %b}}' % text)[
        "properties"
    ]["v"]


@pytest.mark.parametrize("number", HUGE)
def test_integers_beyond_64_bits_are_exact(number: int) -> None:
    for form in (b"%d", b" %d ", b"[1,%d]", b'{"a":%d}'):
        assert str(number) in str(value_of(form % number))
    assert type(value_of(b"%d" % number)) is int


@given(st.integers())
def test_any_integer_is_exact(number: int) -> None:
    assert value_of(b"%d" % number) == number


@pytest.mark.parametrize("digits", ["9" * 19, "1" * 40, "0" * 30])
def test_long_digits_in_strings_stay_strings(digits: str) -> None:
    assert value_of(f'"{digits}"'.encode()) == digits


def test_a_long_integer_touches_no_other_line() -> None:
    plain = line({"time": 1, "$insert_id": "i", "v": 1.5})
    assert event(plain)["properties"]["v"] == 1.5


@pytest.mark.parametrize("companion", ["", f", {2**70}"])
@pytest.mark.parametrize(
    "value", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", '"\\ud800"', '"\\udc00\\ud800"']
)
def test_what_json_cannot_hold_is_refused(value: str, companion: str) -> None:
    text = f'{{"event": "e", "properties": {{"time": 1, "v": [{value}{companion}]}}}}\n'
    assert "it is not JSON" in refusal(text.encode()).message


@pytest.mark.parametrize("text", [b'"\xff"', b'"\xed\xa0\x80"', b'"\x01"', b"01", b"[1,]", b"'a'"])
def test_what_is_not_json_is_refused(text: bytes) -> None:
    assert "it is not JSON" in refusal(b'{"event": "e", "properties": {"v": %b}}\n' % text).message


def test_surrogate_pairs_are_one_character() -> None:
    assert value_of(b'["\\ud83d\\ude00", %d]' % 2**70) == ["😀", 2**70]


@pytest.mark.parametrize("digits", [b"1", b"1" * 19])
def test_bottomless_nesting_is_refused(digits: bytes) -> None:
    nested = b"[" * 100_000 + digits + b"]" * 100_000
    assert "it is not JSON" in refusal(b'{"event": "e", "v": %b}\n' % nested).message


@pytest.mark.parametrize("digits", [b"1", b"1" * 19])
@pytest.mark.parametrize("insert_id", [b'"i"', b"null"])
def test_deep_nesting_is_read_or_refused(digits: bytes, insert_id: bytes) -> None:
    nested = b"[" * 1_010 + digits + b"]" * 1_010
    row = b'{"event": "e", "properties": {"time": 1, "$insert_id": %b, "v": %b}}\n'
    # How deep is too deep differs between versions of Python.
    with suppress(InvalidRecordError):
        event(row % (insert_id, nested))
