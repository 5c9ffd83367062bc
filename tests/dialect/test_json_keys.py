"""A JSON key reaches exactly that key; stock takes ``$browser`` for a path."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

docs = sa.Table("docs", sa.MetaData(), sa.Column("doc", sa.JSON))

KEYS = [
    *("plain", "$browser", "a.b", "a b", "", "é😀", 'quo"te', "ap'os", "back\\slash", "*", "?"),
    *("#", "$", "$.x", "[0]", "a[*]", "%", "%s", ":name", "/a", "0", "\n", "$1", "--", "\0"),
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


@pytest.mark.parametrize("path", [*KEYS, ("plain",), ("", "*"), ("a", 0, "$b"), ("a", -1), 0, -1])
def test_equal_expressions_are_equal_in_sql(connection: sa.Connection, path: Any) -> None:
    """DuckDB compares what stands in GROUP BY with what is selected; two parameters differ."""

    def of(column: Any) -> Any:
        return column[path].as_string()

    doc = docs.c.doc
    count = sa.func.count()
    grouped = sa.select(of(doc), count).group_by(of(doc)).order_by(of(doc)).having(count > 0)
    assert len(connection.execute(grouped).all()) == 1
    assert len(connection.execute(sa.select(of(doc)).distinct().order_by(of(doc))).all()) == 1


def test_other_types_and_nested_expressions_are_equal_too(connection: sa.Connection) -> None:
    connection.execute(sa.delete(docs))
    connection.execute(sa.insert(docs), [{"doc": {"n": i % 3, "a": {"b": [i]}}} for i in range(12)])
    for of in (
        lambda doc: doc["n"].as_integer(),
        lambda doc: doc["n"],
        lambda doc: sa.func.coalesce(doc["a"]["m"].as_integer(), doc[("n",)].as_float()),
    ):
        grouped = sa.select(of(docs.c.doc), sa.func.count()).group_by(of(docs.c.doc))
        assert sorted(count for _, count in connection.execute(grouped)) == [4, 4, 4]


def test_a_statement_seen_before_takes_the_new_key(connection: sa.Connection) -> None:
    for key in (*KEYS, *KEYS):
        assert connection.scalar(sa.select(docs.c.doc[key].as_string())) == f"is {key}"


def test_keys_in_a_statement_run_for_many_rows(connection: sa.Connection) -> None:
    connection.execute(sa.delete(docs))
    connection.execute(sa.insert(docs), [{"doc": {"n": i}} for i in range(20)])
    change = (
        sa.update(docs)
        .where(docs.c.doc["n"].as_integer() == sa.bindparam("old"))
        .values(doc=sa.bindparam("new"))
    )
    rows = [{"old": i, "new": {"n": -i}} for i in range(1, 20)]
    assert connection.execute(change, rows).rowcount == 19
    assert connection.scalar(sa.select(sa.func.sum(docs.c.doc["n"].as_integer()))) == -190


def test_a_statement_can_be_shown(connection: sa.Connection) -> None:
    shown = sa.select(docs.c.doc["a'b"].as_string()).compile(
        connection, compile_kwargs={"literal_binds": True}
    )
    assert """json_extract_string(docs.doc, '$."a''b"')""" in str(shown)
