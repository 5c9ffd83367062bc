"""An error of the database is a QueryError with the text it came with."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from mixpanel_data import StorageEngine
from mixpanel_data.exceptions import InvalidRecordError, MixpanelDataError, QueryError
from tests.support.factories import EVENTS, Kind, dump, events
from tests.support.query_calls import CALLS, Ask, relation

pytestmark = pytest.mark.slow

ALL = {**CALLS, "execute": relation}


class Unknown:
    """What no parameter can be; its text, which names tests, is the same in every process."""

    def __repr__(self) -> str:
        return "unknown"


UNKNOWN = Unknown()
BROKEN = {
    "syntax": ("SELEC 1", "SELEC"),
    "unfinished": ("SELECT (1", "syntax"),
    "no table": ("SELECT * FROM nowhere", "nowhere"),
    "no column": ("SELECT nothing FROM data", "nothing"),
    "no function": ("SELECT nonsense(1)", "nonsense"),
    "types": ("SELECT event_time * 2 FROM data", "TIMESTAMP"),
    "no Unicode": ("SELECT '\ud800'", "lone surrogate"),
    "two columns of one name": ("CREATE TABLE t (x INT, x INT)", "x"),
}
AT_RUNTIME = {
    "late conversion": ("SELECT CAST(insert_id AS INTEGER) FROM data", "id-000000"),
    "raised": ("SELECT error('boom')", "boom"),
    "late row": ("SELECT CAST(x AS INT) FROM (VALUES ('1'), ('a')) t(x)", "a"),
}


@pytest.fixture(scope="module")
def data(shared: StorageEngine) -> StorageEngine:
    """Return an engine with a table of ten events."""
    EVENTS.create(shared, events(10))
    return shared


def _expect(error: QueryError, sql: str, told: str) -> None:
    assert error.code == "QUERY_FAILED"
    assert error.details["query"] == sql
    assert told in error.details["original_error"]
    assert error.details["original_error"] in str(error)
    assert "Exception" in error.details["error_type"] or "Error" in error.details["error_type"]


@pytest.mark.parametrize(("sql", "told"), BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("ask", ALL.values(), ids=ALL)
def test_broken_text(ask: Ask, sql: str, told: str, data: StorageEngine) -> None:
    with pytest.raises(QueryError) as caught:
        ask(data, sql)
    _expect(caught.value, sql, told)


@pytest.mark.parametrize(("sql", "told"), AT_RUNTIME.values(), ids=AT_RUNTIME)
@pytest.mark.parametrize("ask", CALLS.values(), ids=CALLS)
def test_text_that_breaks_while_it_runs(ask: Ask, sql: str, told: str, data: StorageEngine) -> None:
    with pytest.raises(QueryError) as caught:
        ask(data, sql)
    _expect(caught.value, sql, told)


@pytest.mark.parametrize("ask", ALL.values(), ids=ALL)
def test_a_traceback_ends_at_the_edge_of_the_library(ask: Ask, data: StorageEngine) -> None:
    with pytest.raises(QueryError) as caught:
        ask(data, "SELECT nothing FROM data")
    shown = "".join(traceback.format_exception(caught.value))
    inside = [line for line in shown.splitlines() if "/mixpanel_data/" in line]
    assert len(inside) == 1 + (ask is CALLS["execute_rows_params"])
    assert "Exception" not in shown
    assert caught.value.__cause__ is None
    assert str(caught.value.driver_error) == caught.value.details["original_error"]
    assert pickle.loads(pickle.dumps(caught.value)).to_dict() == caught.value.to_dict()


LOADS: dict[str, Callable[[StorageEngine, Any], Any]] = {
    "of a reader": lambda e, _: EVENTS.create(e, events(3), "more"),
    "of a wrong record": lambda e, _: EVENTS.append(e, [{"event_name": "a"}], "events"),
    "of a missing table": lambda e, _: EVENTS.append(e, events(3), "nowhere"),
    "of a wrong file": lambda e, path: e.load_export("more", path),
    "dropped by a reader": lambda e, _: e.drop_table("events"),
}


@pytest.mark.parametrize("load", LOADS.values(), ids=LOADS)
def test_so_does_that_of_a_load(
    load: Callable[[StorageEngine, Any], Any], reader: StorageEngine, tmp_path: Any
) -> None:
    (tmp_path / "wrong.jsonl").write_text("{")
    with pytest.raises(MixpanelDataError) as caught:
        load(reader, tmp_path / "wrong.jsonl")
    shown = "".join(traceback.format_exception(caught.value))
    assert sum("/mixpanel_data/" in line for line in shown.splitlines()) == 1
    assert shown.count("Traceback") == 1


def test_an_error_of_the_callers_own_code_keeps_its_traceback(data: StorageEngine) -> None:
    def records() -> Iterator[Any]:
        yield from events(3)
        try:
            raise KeyError("mine")
        except KeyError as error:
            raise InvalidRecordError("mine") from error

    with pytest.raises(InvalidRecordError, match="mine") as caught:
        EVENTS.create(data, records(), "more")
    shown = "".join(traceback.format_exception(caught.value))
    assert "in records" in shown
    assert isinstance(caught.value.__cause__, KeyError)


@pytest.mark.parametrize("wrong", ["events", {"type": "events"}], ids=repr)
def test_what_is_no_metadata_is_said_at_once(
    wrong: Any, data: StorageEngine, tmp_path: Any
) -> None:
    with pytest.raises(TypeError, match="metadata must be a TableMetadata, not"):
        data.create_events_table("more", [], wrong)
    (tmp_path / "none.jsonl").write_text("")
    with pytest.raises(TypeError, match="metadata must be a TableMetadata, not"):
        data.load_export("more", tmp_path / "none.jsonl", wrong)


@pytest.mark.parametrize("text", ["", " \n", ";", "-- only a comment"], ids=repr)
@pytest.mark.parametrize("ask", ALL.values(), ids=ALL)
def test_text_without_a_statement(ask: Ask, text: str, data: StorageEngine) -> None:
    with pytest.raises(QueryError) as caught:
        ask(data, text)
    assert caught.value.details["query"] == text


@pytest.mark.parametrize("ask", CALLS.values(), ids=CALLS)
def test_a_broken_statement(ask: Ask, data: StorageEngine) -> None:
    with pytest.raises(QueryError) as caught:
        ask(data, sa.select(sa.column("x")).select_from(sa.table("nowhere")))
    assert "nowhere" in caught.value.details["original_error"]
    assert "FROM nowhere" in caught.value.details["query"]


@pytest.mark.parametrize(
    ("sql", "params"),
    [
        ("SELECT ?", []),
        ("SELECT ?", [1, 2]),
        ("SELECT 1", [1]),
        ("SELECT $x", {"y": 1}),
        ("SELECT $x", {}),
        ("SELECT ?", {"x": 1}),
        ("SELECT $x", [UNKNOWN]),
        ("SELECT ?", [UNKNOWN]),
        ("SELECT $1::INT", ["a"]),
    ],
    ids=str,
)
@pytest.mark.parametrize("ask", CALLS.values(), ids=CALLS)
def test_parameters_that_do_not_fit(ask: Ask, sql: str, params: Any, data: StorageEngine) -> None:
    with pytest.raises(QueryError):
        ask(data, sql, params)
    assert ask(data, "SELECT 1") == [(1,)]


@pytest.mark.parametrize("ask", CALLS.values(), ids=CALLS)
def test_a_statement_without_its_parameter(ask: Ask, data: StorageEngine) -> None:
    statement = sa.select(sa.bindparam("x", type_=sa.Integer, required=True))
    with pytest.raises(QueryError):
        ask(data, statement, {})


@pytest.fixture
def reader(db_path: Any) -> Iterator[StorageEngine]:
    """Yield an engine that only reads, with a table of each kind."""
    with StorageEngine(db_path) as engine:
        for kind in (EVENTS, EVENTS.other):
            kind.create(engine, kind.records(3), kind.name)
    with StorageEngine(db_path, read_only=True) as engine:
        yield engine


WRITES: dict[str, Callable[[StorageEngine, Kind], Any]] = {
    "create": lambda e, kind: kind.create(e, kind.records(3), "more"),
    "append": lambda e, kind: kind.append(e, kind.records(3), kind.name),
    "drop_table": lambda e, kind: e.drop_table(kind.name),
    "text": lambda e, kind: e.execute_rows(f"DELETE FROM {kind.name}"),
    "statement": lambda e, kind: e.execute_rows(sa.delete(e.table(kind.name))),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_reader_cannot_write(
    write: Callable[[StorageEngine, Kind], Any], reader: StorageEngine, kind: Kind
) -> None:
    before = dump(reader)
    with pytest.raises(QueryError, match="read-only"):
        write(reader, kind)
    assert dump(reader) == before


def test_an_error_leaves_the_engine_usable(data: StorageEngine) -> None:
    for ask in CALLS.values():
        with pytest.raises(QueryError):
            ask(data, "SELECT nothing FROM data")
        assert ask(data, "SELECT count(*) FROM data") == [(10,)]


def test_a_failed_transaction_of_the_users_own_can_be_rolled_back(data: StorageEngine) -> None:
    data.execute_rows("BEGIN")
    data.execute_rows("DELETE FROM data")
    with pytest.raises(QueryError):
        data.execute_rows("SELECT nothing FROM data")
    data.execute_rows("ROLLBACK")
    assert data.execute_scalar("SELECT count(*) FROM data") == 10


TOKENS = """SELECT FROM WHERE data * ( ) , ; ' " ` : :x ? $1 $x % %s -- /* */ 1 'a' :: -> ->> [ ] {
    } \\ \\: \0 é 😀 NULL CAST AS INT insert_id properties '$.a' JOIN ON GROUP BY ALL LIMIT -1 = <>
    EXPLAIN DESCRIBE BETWEEN CASE END 1/0 'x'::INT 1e999 x'0' @ # ! ~ ^ | & UNION WITH VALUES"""


@given(
    tokens=st.lists(st.sampled_from(TOKENS.split()), max_size=8),
    gap=st.sampled_from([" ", "", "\n"]),
    call=st.sampled_from(sorted(ALL)),
    params=st.sampled_from([None, [], [1], {"x": 1}]),
)
def test_no_error_of_the_driver_escapes(
    tokens: list[str], gap: str, call: str, params: Any, data: StorageEngine
) -> None:
    text = gap.join(tokens)
    question = [text] if params is None or call == "execute" else [text, params]
    # Only a scalar may be refused for another reason than the database's.
    refused = ValueError if call == "execute_scalar" else QueryError
    with suppress(QueryError, refused):
        ALL[call](data, *question)
    assert data.execute_scalar("SELECT count(*) FROM data") == 10
