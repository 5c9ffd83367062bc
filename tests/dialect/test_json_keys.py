"""A JSON key reaches exactly that key; stock takes ``$browser`` for a path."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

docs = sa.Table("docs", sa.MetaData(), sa.Column("doc", sa.JSON))

KEYS = [
    *("plain", "$browser", "a.b", "a b", "", "é😀", 'quo"te', "ap'os", "back\\slash", "*", "?"),
    *("#", "$", "$.x", "[0]", "a[*]", "%", "%s", ":name", "/a", "0", "\n"),
]


@pytest.fixture
def connection(engine: sa.Engine) -> Any:
    docs.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(sa.insert(docs).values(doc={key: f"is {key}" for key in KEYS}))
        yield connection


@pytest.mark.parametrize("key", KEYS)
def test_any_key_is_reached(connection: sa.Connection, key: str) -> None:
    assert connection.scalar(sa.select(docs.c.doc[key].as_string())) == f"is {key}"
    assert connection.scalar(sa.select(docs.c.doc[key])) == f"is {key}"
    assert connection.scalar(sa.select(docs.c.doc[(key,)].as_string())) == f"is {key}"


def test_a_missing_key_is_null(connection: sa.Connection) -> None:
    assert connection.scalar(sa.select(docs.c.doc["nowhere"].as_string())) is None
    assert connection.scalar(sa.select(docs.c.doc[("plain", "deeper")].as_string())) is None


def test_paths_and_types(connection: sa.Connection) -> None:
    connection.execute(sa.delete(docs))
    doc = {"device": {"os": "iOS", "sizes": [3, 4.5, True]}, "n": "12", "big": 2**70}
    connection.execute(sa.insert(docs).values(doc=doc))
    at = docs.c.doc
    question = sa.select(
        at[("device", "os")].as_string(),
        at[("device", "sizes", 0)].as_integer(),
        at[("device", "sizes", 1)].as_float(),
        at[("device", "sizes", 2)].as_boolean(),
        at["n"].as_integer(),
        at["device"].as_json(),
    )
    expected = ("iOS", 3, 4.5, True, 12, {"os": "iOS", "sizes": [3, 4.5, True]})
    assert connection.execute(question).one() == expected
    assert connection.scalar(sa.select(at)) == doc
