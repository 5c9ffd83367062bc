"""A refused statement's error says what may have been meant."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from mixpanel_data import StorageEngine
from mixpanel_data.exceptions import QueryError, TableNotFoundError
from tests.support.factories import EVENTS, PROFILES, event

PROPERTIES = {"plan": "pro", "$browser": "Firefox", 'it\'s "x"': 1}


@pytest.fixture(scope="module")
def storage() -> Iterator[StorageEngine]:
    """Yield an engine with tables and a view."""
    with StorageEngine.memory() as engine:
        EVENTS.create(engine, [event(0, properties=PROPERTIES)], "events_jan")
        PROFILES.create(engine, [], "people")
        engine.connection.execute("CREATE VIEW plays AS FROM events_jan")
        yield engine


def _suggestion(storage: StorageEngine, statement: Any, *params: Any) -> str:
    with pytest.raises(QueryError) as caught:
        storage.execute_rows(statement, *params)
    assert str(caught.value).startswith(caught.value.details["original_error"])
    suggestion: str = caught.value.details.get("suggestion", "")
    assert str(caught.value).endswith(suggestion)
    return suggestion


KEYS = {
    "properties->>'$source'": """'$."$source"'""",
    "properties->'$mp_country_code'": """'$."$mp_country_code"'""",
    "properties->>'$a b'": """'$."$a b"'""",
    "json_extract(properties, '$list[0]')": """'$."$list"[0]'""",
    "json_extract_string(properties, ['$.plan', '$os.name'])": """'$."$os".name'""",
    "properties->>'$it''s'": """'$."$it's"'""",
    "properties->>'$.a[x]'": "a key is written in double quotes",
    "properties->>'$.\"open'": "a key is written in double quotes",
    "properties->>('$' || event_name)": "a key is written in double quotes",
}


@pytest.mark.parametrize(("expression", "told"), KEYS.items(), ids=KEYS)
def test_a_key_that_is_no_path(expression: str, told: str, storage: StorageEngine) -> None:
    assert told in _suggestion(storage, f"SELECT {expression} FROM events_jan")


def test_the_suggested_path_is_right(storage: StorageEngine) -> None:
    sql = "SELECT properties->>{} FROM events_jan"
    path = _suggestion(storage, sql.format("'$browser'")).partition(": ")[2].rstrip(".")
    assert storage.execute_scalar(sql.format(path)) == "Firefox"


TABLES = {
    "SELECT * FROM event_jan": '"events_jan"',
    "FROM Peple": '"people"',
    "SELECT count(*) FROM events_jan JOIN pepole USING (distinct_id)": '"people"',
    "FROM plais": '"plays"',
    "FROM nothing_like_it": "The tables are events_jan, people, plays.",
    "DELETE FROM pepl": '"people"',
}


@pytest.mark.parametrize(("sql", "told"), TABLES.items(), ids=TABLES)
def test_an_unknown_table(sql: str, told: str, storage: StorageEngine) -> None:
    with pytest.raises(QueryError) as caught:
        storage.execute_rows(sql)
    assert told in str(caught.value)


def test_an_unknown_table_of_a_statement(storage: StorageEngine) -> None:
    statement = sa.select(sa.text("*")).select_from(sa.table("event_jan"))
    with pytest.raises(QueryError, match="events_jan"):
        storage.query(statement)


def test_an_unknown_table_of_an_empty_database(memory: StorageEngine) -> None:
    assert "no tables" in _suggestion(memory, "FROM events")


COLUMNS = {
    "SELECT plan FROM events_jan": """"plan" is a property: properties->>'$."plan"' """,
    "SELECT e.plan FROM events_jan e": """"plan" is a property""",
    "SELECT plann FROM events_jan": """Did you mean the property "plan"?""",
    'SELECT "$browser" FROM events_jan': """properties->>'$."$browser"' """,
    "SELECT $.browsr FROM events_jan": "",
    'SELECT "$browsr" FROM plays': """Did you mean the property "$browser"?""",
    "SELECT zzzzzz FROM events_jan": "",
    "SELECT plan FROM people": "",
    "SELECT plan FROM (SELECT 1 AS a)": "",
}


@pytest.mark.parametrize(("sql", "told"), COLUMNS.items(), ids=COLUMNS)
def test_a_property_that_is_no_column(sql: str, told: str, storage: StorageEngine) -> None:
    suggestion = _suggestion(storage, sql)
    assert told in suggestion
    assert bool(told) == bool(suggestion)


@pytest.mark.parametrize("name", PROPERTIES)
def test_the_suggested_property_is_right(name: str, storage: StorageEngine) -> None:
    column = name.replace('"', '""')
    told = _suggestion(storage, f'SELECT "{column}" FROM events_jan')
    path = told[told.index("properties->>") :].removesuffix(" reads it.")
    found = storage.execute_scalar(f"SELECT {path} FROM events_jan")
    assert found == str(PROPERTIES[name])


def test_an_aborted_transaction_is_no_hindrance(storage: StorageEngine) -> None:
    storage.execute_rows("BEGIN")
    try:
        assert "is a property" in _suggestion(storage, "SELECT plan FROM events_jan")
    finally:
        storage.execute_rows("ROLLBACK")


@pytest.mark.parametrize("call", ["get_schema", "table", "drop_table", "coverage", "sample"])
def test_a_call_for_an_unknown_table(call: str, storage: StorageEngine) -> None:
    with pytest.raises(TableNotFoundError, match="Did you mean 'events_jan'") as caught:
        getattr(storage, call)("events_jam")
    assert caught.value.close == "events_jan"
    with pytest.raises(TableNotFoundError, match=r"list_tables\(\)"):
        getattr(storage, call)("zzz")


WRITES = ["INSERT INTO t VALUES (1)", "CREATE TABLE u(a INT)", "DROP TABLE t", "UPDATE t SET a = 2"]


@pytest.mark.parametrize("sql", WRITES)
def test_writing_to_a_database_that_is_only_read(sql: str, tmp_path: Path) -> None:
    with StorageEngine(tmp_path / "a.db") as writer:
        writer.connection.execute("CREATE TABLE t(a INT)")
    with StorageEngine.open_existing(tmp_path / "a.db") as reader:
        assert "read_only=False" in _suggestion(reader, sql)
        with pytest.raises(QueryError, match="read_only=False"):
            EVENTS.create(reader, [])


def test_a_relation_takes_parameters(storage: StorageEngine) -> None:
    sql = "SELECT distinct_id FROM events_jan WHERE event_name "
    for question in (
        (sql + "= ?", ["Event 0"]),
        (sql + "= $1", ("Event 0",)),
        (sql + "= $name", {"name": "Event 0"}),
        (sa.text(sql + "= :name"), {"name": "Event 0"}),
    ):
        relation: Any = storage.execute(*question)
        assert relation.filter("distinct_id <> ''").aggregate("count(*)").fetchall() == [(1,)]
    table = storage.table("events_jan")
    chosen = sa.select(table.c.insert_id).where(table.c.event_name == sa.bindparam("name"))
    assert storage.execute(chosen, {"name": "nothing"}).fetchall() == []
    with pytest.raises(QueryError):
        storage.execute(sql + "= ?", [1, 2])


@pytest.mark.parametrize(
    ("sql", "params"),
    [
        ("SELECT $name", {"nam": 1}),
        ("SELECT ?", []),
        ("SELECT ?", [1, 2]),
        ("SELECT ?", "play"),
        ("SELECT :name", {"name": 1}),
        ("SELECT count(*) FROM people WHERE distinct_id = :user", {"user": "ann"}),
    ],
)
def test_parameters_of_another_kind(sql: str, params: Any, storage: StorageEngine) -> None:
    assert "a list for ? and $1, or a dict for $name" in _suggestion(storage, sql, params)


@pytest.mark.parametrize("call", ["execute_df", "execute_rows", "query", "execute_arrow"])
def test_a_table_is_no_statement(call: str, storage: StorageEngine) -> None:
    for wrong in (storage.table("people"), 5, None):
        with pytest.raises(QueryError, match=r"such as sqlalchemy\.select\(table\)"):
            getattr(storage, call)(wrong)
