"""A table name is letters, digits and underscores; nothing else can be made or dropped."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mixpanel_data import StorageEngine
from mixpanel_data.exceptions import TableNotFoundError
from tests.support.factories import EVENTS, Kind, events, metadata

pytestmark = pytest.mark.slow

Call = Callable[[StorageEngine, Any], Any]

WRITES: dict[str, Call] = {
    "create_events_table": lambda e, name: e.create_events_table(name, [], metadata()),
    "append_events_table": lambda e, name: e.append_events_table(name, [], metadata()),
    "create_profiles_table": lambda e, n: e.create_profiles_table(n, [], metadata("profiles")),
    "append_profiles_table": lambda e, n: e.append_profiles_table(n, [], metadata("profiles")),
    "drop_table": lambda e, name: e.drop_table(name),
}
LOOKS: dict[str, Call] = {
    "table": lambda e, name: e.table(name),
    "get_schema": lambda e, name: e.get_schema(name),
    "get_metadata": lambda e, name: e.get_metadata(name),
}
RULE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*", re.ASCII)
REFUSED = ["", "_", "_metadata", "__x", "a b", "a-b", "a.b", "a;b", 'a"b', "a'b", "data\n", " data"]
REFUSED += ["dåta", "٣", "a\0b", "data;", "main.data", "😀", "*", "%s", ":x"]


@pytest.mark.parametrize("call", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize("name", [*REFUSED, None, 5, b"data"], ids=ascii)
def test_no_call_that_writes_takes_another_name(
    call: Call, name: Any, shared: StorageEngine
) -> None:
    with pytest.raises(ValueError, match="underscore"):
        call(shared, name)


@pytest.mark.parametrize("call", LOOKS.values(), ids=LOOKS)
@pytest.mark.parametrize("name", REFUSED, ids=ascii)
def test_a_name_that_no_table_can_have_is_not_found(
    call: Call, name: str, shared: StorageEngine
) -> None:
    with pytest.raises(TableNotFoundError) as caught:
        call(shared, name)
    assert caught.value.table_name == name


@pytest.mark.parametrize("name", REFUSED, ids=ascii)
def test_a_table_that_cannot_be_does_not_exist(name: str, shared: StorageEngine) -> None:
    assert shared.table_exists(name) is (name == "_metadata")


@given(
    name=st.text().filter(lambda text: not RULE.fullmatch(text)),
    call=st.sampled_from(sorted(WRITES)),
)
@example(name="data\n", call="drop_table")
def test_no_text_outside_the_rule_gets_through(name: str, call: str, shared: StorageEngine) -> None:
    with pytest.raises(ValueError, match="underscore"):
        WRITES[call](shared, name)


NAMES = ["select", "order", "table", "1st", "2024", "UPPER", "a__b_", "x" * 200, "data", "events"]
NAMES += ["properties", "main", "memory", "temp", "information_schema", "sqlite_master", "rowid"]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_name_inside_the_rule_works(name: str, memory: StorageEngine, kind: Kind) -> None:
    assert kind.create(memory, kind.records(3), name) == 3
    assert kind.append(memory, kind.records(3, start=2), name) == 2
    assert memory.table_exists(name)
    assert len(memory.query(memory.table(name).select())) == 5
    assert [info.name for info in memory.list_tables()] == [name]
    assert memory.get_schema(name).table_name == name
    memory.drop_table(name)
    assert not memory.table_exists(name)


def test_a_refusal_touches_nothing(memory: StorageEngine) -> None:
    EVENTS.create(memory, events(3))
    with pytest.raises(ValueError, match="underscore"):
        memory.drop_table("data; DROP TABLE data")
    assert memory.execute_scalar("SELECT count(*) FROM data") == 3
