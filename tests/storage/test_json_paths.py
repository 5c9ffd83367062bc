"""In a statement, properties[…] reaches exactly the key it names."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from mixpanel_data import StorageEngine
from tests.support.factories import EVENTS, Kind

pytestmark = pytest.mark.slow

KEYS = [
    "plain",
    "$browser",
    "a.b",
    'quo"te',
    "it's",
    "a b",
    "",
    " ",
    "a[0]",
    "[0]",
    "*",
    "$",
    "$.a",
]
KEYS += [
    "back\\slash",
    "\\",
    '\\"',
    '"',
    '""',
    ":x",
    "?",
    "%s",
    "%",
    "0",
    "-1",
    "é",
    "😀",
    "\n",
    "#",
]
KEYS += ["/", "/a/b", "~0", "a/b", "$[*]", "**", "key'); --", "\u2028", "\x1f"]


def _ask(engine: StorageEngine, properties: dict[str, Any], expression: Any) -> Any:
    EVENTS.create(engine, [EVENTS.record(0, properties=properties)])
    try:
        return engine.execute_scalar(sa.select(expression(engine.table("data").c.properties)))
    finally:
        engine.drop_table("data")


@pytest.fixture(scope="module")
def strange(shared: StorageEngine) -> sa.Table:
    """Return a table of one event with every strange key, and its neighbour."""
    properties = {key: f"value of {key}" for key in KEYS} | {"a": {"b": "near"}, "near": {}}
    EVENTS.create(shared, [EVENTS.record(0, properties=properties)], "strange")
    return shared.table("strange")


@pytest.mark.parametrize("key", KEYS, ids=ascii)
def test_a_key_of_any_characters(key: str, strange: sa.Table, shared: StorageEngine) -> None:
    statement = sa.select(strange.c.properties[key].as_string())
    assert shared.execute_scalar(statement) == f"value of {key}"


@pytest.mark.parametrize("key", KEYS, ids=ascii)
def test_a_missing_key_is_null(key: str, strange: sa.Table, shared: StorageEngine) -> None:
    statement = sa.select(strange.c.properties[("near", key)].as_string())
    assert shared.execute_scalar(statement) is None


@given(keys=st.lists(st.text(max_size=8), min_size=1, max_size=4, unique=True), data=st.data())
def test_any_key(keys: list[str], data: st.DataObject, shared: StorageEngine) -> None:
    properties = {key: f"value {n}" for n, key in enumerate(keys)}
    key = data.draw(st.sampled_from(keys))
    assert _ask(shared, properties, lambda p: p[key].as_string()) == properties[key]


@given(path=st.lists(st.text(max_size=6), min_size=1, max_size=4))
def test_any_path(path: list[str], shared: StorageEngine) -> None:
    properties: Any = "found"
    for key in reversed(path):
        properties = {key: properties, key + "x": "beside"}
    assert _ask(shared, properties, lambda p: p[tuple(path)].as_string()) == "found"


VALUES: list[tuple[Any, str, Any]] = [
    ("text", "as_string", "text"),
    ("", "as_string", ""),
    ('quo"te\\', "as_string", 'quo"te\\'),
    (5, "as_string", "5"),
    (5, "as_integer", 5),
    (-(2**62), "as_integer", -(2**62)),
    ("5", "as_integer", 5),
    (1.5, "as_float", 1.5),
    (1.1, "as_float", 1.1),
    (1e300, "as_float", 1e300),
    (5, "as_float", 5.0),
    (True, "as_boolean", True),
    (False, "as_boolean", False),
    (None, "as_string", None),
    (None, "as_integer", None),
]


@pytest.mark.parametrize(("value", "form", "expected"), VALUES, ids=str)
def test_the_form_asked_for(value: Any, form: str, expected: Any, shared: StorageEngine) -> None:
    found = _ask(shared, {"$x": value}, lambda p: getattr(p["$x"], form)())
    assert found == expected
    assert type(found) is type(expected)


def test_nested_keys_and_dotted_keys_are_different(shared: StorageEngine) -> None:
    properties = {"a.b": "dotted", "a": {"b": "nested", "b.c": {"d": "both"}}}
    assert _ask(shared, properties, lambda p: p["a.b"].as_string()) == "dotted"
    assert _ask(shared, properties, lambda p: p[("a", "b")].as_string()) == "nested"
    assert _ask(shared, properties, lambda p: p[("a", "b.c", "d")].as_string()) == "both"


def test_items_of_lists(shared: StorageEngine) -> None:
    properties = {"items": [10, {"id": 20}], "0": "a key"}
    assert _ask(shared, properties, lambda p: p[("items", 0)].as_integer()) == 10
    assert _ask(shared, properties, lambda p: p[("items", 1, "id")].as_integer()) == 20
    assert _ask(shared, properties, lambda p: p[("items", 5)].as_integer()) is None
    assert _ask(shared, properties, lambda p: p["0"].as_string()) == "a key"


@pytest.mark.parametrize("value", [{"a": [1]}, [1, "a", None], "text", 5, 1.5, True], ids=repr)
def test_a_bare_path_is_the_python_value(value: Any, memory: StorageEngine) -> None:
    EVENTS.create(memory, [EVENTS.record(0, properties={"$x": value})])
    row = memory.query(sa.select(memory.table("data").c.properties["$x"]))[0]
    assert row == (value,)


def test_paths_filter_group_and_order(memory: StorageEngine, kind: Kind) -> None:
    browsers = ["Safari", "Chrome", "Chrome", None]
    records = [kind.record(n, properties={"$browser": b, "n": n}) for n, b in enumerate(browsers)]
    kind.create(memory, records)
    properties = memory.table("data").c.properties
    browser = properties["$browser"].as_string()
    statement = (
        sa.select(browser, sa.func.count())
        .where(properties["n"].as_integer() > 0, browser.is_not(None))
        .group_by(browser)
        .order_by(browser)
    )
    assert memory.execute_rows(statement) == [("Chrome", 2)]
    in_list = sa.select(sa.func.count()).where(browser.in_(["Safari", "it's"]))
    assert memory.execute_scalar(in_list) == 1


def test_compiled_statements_are_not_confused(memory: StorageEngine) -> None:
    EVENTS.create(memory, [EVENTS.record(0, properties={"a": "1", "b": "2", "c": {"a": "3"}})])
    properties = memory.table("data").c.properties
    paths: list[Any] = ["a", "b", ("c", "a"), "a"]
    found = [memory.execute_scalar(sa.select(properties[path].as_string())) for path in paths]
    assert found == ["1", "2", "3", "1"]
