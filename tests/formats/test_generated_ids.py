"""Ids for events that came without ``$insert_id``."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixpanel_data.formats import read_export
from tests.support.exports import BASE, event, events, line
from tests.support.json_strategies import text, values

NO_ID = {"time": 1_700_000_000, "distinct_id": "u1", "page": "/"}


def ids(*texts: bytes) -> list[str]:
    return [record["insert_id"] for record in events(*texts)]


def test_a_generated_id_is_recognisable_and_one_that_mixpanel_accepts() -> None:
    (made,) = ids(line(NO_ID))
    assert re.fullmatch(r"gen-[0-9a-f]{32}", made)
    assert len(made.encode()) <= 36


def test_a_generated_id_never_changes() -> None:
    # Databases hold such ids: another value would store every such event a second time.
    assert ids(line(NO_ID)) == ["gen-9f108018df9fb0f6ad38db8a30a05d02"]


@pytest.mark.parametrize("insert_id", [None, ""])
def test_null_and_empty_count_as_missing(insert_id: str | None) -> None:
    assert ids(line({**NO_ID, "$insert_id": insert_id})) == ids(line(NO_ID))
    assert "$insert_id" not in event(line({**NO_ID, "$insert_id": insert_id}))["properties"]


def test_repeats_get_ids_of_their_own() -> None:
    assert len(set(ids(line(NO_ID) * 3))) == 3


def test_loading_again_makes_the_same_ids() -> None:
    export = line(NO_ID) * 2 + line() + line({**NO_ID, "page": "/b"})
    assert ids(export) == ids(export)


def test_repeats_are_counted_across_the_sources_of_one_load() -> None:
    assert ids(line(NO_ID), line(NO_ID)) == ids(line(NO_ID) * 2)


@pytest.mark.parametrize(
    "other", [{"page": "/b"}, {"time": 1_700_000_001}, {"distinct_id": "u2"}, {"extra": None}]
)
def test_other_content_makes_another_id(other: dict[str, Any]) -> None:
    assert ids(line({**NO_ID, **other})) != ids(line(NO_ID))
    assert ids(line(NO_ID, event="other")) != ids(line(NO_ID))


def test_events_with_an_id_of_their_own_do_not_count() -> None:
    assert ids(line() + line(NO_ID)) == ["i1", *ids(line(NO_ID))]
    assert BASE["$insert_id"] == "i1"


def test_long_integers_in_the_content_are_no_obstacle() -> None:
    assert ids(line({**NO_ID, "n": 10**30})) != ids(line({**NO_ID, "n": 10**30 + 1}))


@given(st.dictionaries(text, values, max_size=6), st.randoms(), st.booleans())
def test_key_order_whitespace_and_form_do_not_matter(
    extra: dict[str, Any], random: Any, flat: bool
) -> None:
    properties = {**extra, **NO_ID}
    properties.pop("$insert_id", None)
    properties.pop("properties", None)
    properties.pop("event", None)
    keys = list(properties)
    random.shuffle(keys)
    shuffled = {key: properties[key] for key in keys}
    row = {**shuffled, "event": "e"} if flat else {"properties": shuffled, "event": "e"}
    spaced = json.dumps(row, separators=(" , ", " :\t")).encode()
    assert ids(spaced) == ids(line(properties, event="e"))


def test_each_call_counts_for_itself() -> None:
    first, second = (next(read_export(io.BytesIO(line(NO_ID)))) for _ in range(2))
    assert first == second
