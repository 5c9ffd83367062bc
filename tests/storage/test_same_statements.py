"""Statements mean the same on both engines: each is run on both over the same rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from mixpanel_data import QueryError, StorageEngine
from mixpanel_data._internal.schema import facets as fc
from mixpanel_data._internal.schema import functions as fn
from tests.support import clickhouse
from tests.support.factories import metadata

pytestmark = pytest.mark.clickhouse

# As they stand in a document; the zeros within lists of lists and objects are not the same.
VALUES = [
    *("1.0", "1e5", "1E20", "1e21", "1.5e-7", "0.00001", "0.000123", "-0.0", "-0", "4.35", "2.5"),
    *("12345678901234567890", "-9223372036854775808", "9007199254740993.0", "1e16", "5e-324"),
    *("1.7976931348623157e308", "100000000000000000000.0", "-1e17", "12345678.9", "0.1", "3"),
    *('"x"', '"q\\"\\u00e9\\n/"', '"12"', '"1.0"', '"null"', '""', '"true"', '"[1.0]"', '"-5"'),
    *("null", "true", "false", "[]", "{}", '[1.0,2,"x",null,true,"x"]', "[null]", '{"z":[1]}'),
    *(
        '"2025-01-02T03:04:05.5+02:00"',
        '"2025-01-02"',
        '"2025-02-30"',
        '"%_\\\\"',
        '"\\ud83d\\ude00"',
    ),
]
DOCUMENTS = [f'{{"a":{value},"o":{{"b":[{value},5]}}}}' for value in VALUES]
ROWS = [*DOCUMENTS, "{}"]
NAMES = ["event_name", "event_time", "distinct_id", "insert_id"]
START = datetime(2025, 3, 30, 0, 59, 59, 999_990)

Engines = tuple[StorageEngine, StorageEngine]
Rows = Any
Build = Callable[[Rows], Any]


@pytest.fixture(scope="module")
def engines() -> Iterator[Engines]:
    """Yield DuckDB and ClickHouse with the same table of events."""
    with StorageEngine.memory() as duckdb, clickhouse.connect() as other:
        for engine in (duckdb, other):
            engine.create_events_table("events", [], metadata())
            # Documents as they stand: a bound value of type JSON would be written anew.
            table = sa.table("events", *(sa.column(name) for name in [*NAMES, "properties"]))
            rows = [
                {
                    "event_name": f"e{number % 3}",
                    "event_time": START + timedelta(microseconds=number * 7),
                    "distinct_id": f"é{number % 5}",
                    "insert_id": f"{number:03}",
                    "properties": document,
                }
                for number, document in enumerate(ROWS)
            ]
            with engine.engine.begin() as connection:
                connection.execute(sa.insert(table), rows)
        yield duckdb, other


def _raw(rows: Rows) -> Any:
    return fc.json_value(rows.c.properties["a"])


FACETS: dict[str, Build] = {
    "json": lambda r: fn.json_text(r.c.properties["a"]),
    "raw": _raw,
    "text": lambda r: r.c.properties["a"].as_string(),
    "first": lambda r: r.c.properties["o", "b", 0].as_string(),
    "last": lambda r: r.c.properties["o", "b", -2].as_string(),
    "position of an object": lambda r: fn.json_text(r.c.properties["o", 0]),
    "number": lambda r: fc.number(_raw(r)),
    "string": lambda r: fc.string(_raw(r)),
    "boolean": lambda r: fc.boolean(_raw(r)),
    "defined": lambda r: fc.defined(_raw(r)),
    "is_list": lambda r: fc.is_list(_raw(r)),
    "is_string": lambda r: fc.is_string(_raw(r), sa.literal('"q\\"é\\n/"')),
    "label": lambda r: fc.label(_raw(r)),
    "key": lambda r: fc.key(_raw(r)),
    "first_segment": lambda r: fc.first_segment(_raw(r)),
    "unquoted": lambda r: fn.json_unquote(fn.json_text(r.c.properties["a"])),
    "quoted": lambda r: fn.json_quote(fc.string(_raw(r))),
    "first_item": lambda r: fn.json_first_item(r.c.properties["a"]),
    "items": lambda r: sa.func.coalesce(fn.json_items(_raw(r))),
    "bytes": lambda r: fn.text_bytes(fc.string(_raw(r))),
    "initial": lambda r: fn.json_initial(_raw(r)),
    "time": lambda r: fn.try_time(fc.string(_raw(r))),
    "microseconds": lambda r: fn.microseconds(r.c.event_time),
    "zone": lambda r: fn.zone_time(r.c.event_time, sa.literal("Europe/Berlin")),
    "has": lambda r: fn.has_text(fc.string(_raw(r)), sa.literal("2")),
    "number as text": lambda r: sa.cast(fc.number(_raw(r)), sa.String),
    "boolean as text": lambda r: sa.cast(fc.boolean(_raw(r)), sa.String),
    "time as text": lambda r: sa.cast(r.c.event_time, sa.String),
    "rounded": lambda r: sa.func.round(fc.number(_raw(r))) + 0.0,
}


@pytest.mark.parametrize("build", FACETS.values(), ids=FACETS)
def test_values_out_of_documents(engines: Engines, build: Build) -> None:
    found = []
    for engine in engines:
        rows = engine.table("events")
        statement = sa.select(rows.c.insert_id, build(rows).label("v")).order_by(rows.c.insert_id)
        found.append([(row.insert_id, _plain(row.v)) for row in engine.query(statement)])
    duckdb, other = found
    assert [pair for pair in zip(duckdb, other) if pair[0] != pair[1]] == []


def _plain(value: Any) -> Any:
    """Return a value with the type that both drivers could give it; NULL is no list here."""
    if isinstance(value, float):
        return "nan" if math.isnan(value) else repr(value + 0.0)
    if isinstance(value, list):
        return [_plain(item) for item in value] or None
    return value.isoformat() if isinstance(value, (date, datetime)) else value


def _window(function: Any, rows: Rows) -> Any:
    return function.over(partition_by=rows.c.event_name, order_by=rows.c.insert_id)


def _counted(rows: Rows) -> Any:
    names = sa.select(rows.c.event_name.label("n"), sa.func.row_number().over().label("k"))
    cte = names.cte("numbered")
    other = cte.alias("other")
    return sa.select(sa.func.count()).select_from(cte.join(other, cte.c.k == other.c.k))


def _nothing(rows: Rows) -> Any:
    none = sa.select(rows).where(rows.c.event_name == "none").subquery("none")
    number = sa.func.sum(fn.microseconds(none.c.event_time))
    return sa.select(sa.func.min(none.c.event_time), sa.func.max(none.c.distinct_id), number)


def _outer(rows: Rows) -> Any:
    others = sa.select(rows).where(rows.c.event_name == "e1").subquery("others")
    joined = rows.outerjoin(others, others.c.insert_id == rows.c.insert_id)
    chosen = sa.select(rows.c.insert_id, others.c.event_time, others.c.distinct_id)
    missing = chosen.select_from(joined).where(others.c.event_name.is_(None))
    return missing.order_by(rows.c.insert_id)


def _recursive(rows: Rows) -> Any:
    begin = sa.select(sa.literal(1).label("n"), sa.func.min(rows.c.insert_id).label("i"))
    steps = begin.cte("steps", recursive=True)
    steps = steps.union_all(sa.select(steps.c.n + 1, steps.c.i).where(steps.c.n < 5))
    return sa.select(steps.c.n, steps.c.i).order_by(steps.c.n)


STATEMENTS: dict[str, Build] = {
    "a time to the microsecond": lambda r: sa.select(r.c.insert_id).where(
        r.c.event_time == START + timedelta(microseconds=7)
    ),
    "times in a list": lambda r: sa.select(r.c.insert_id).where(
        r.c.event_time.in_([START, START + timedelta(microseconds=7)])
    ),
    "order after a union": lambda r: (
        sa.union_all(sa.select(r.c.insert_id.label("i")), sa.select(r.c.event_name))
        .order_by(sa.desc("i"))
        .limit(3)
    ),
    "the row before": lambda r: sa.select(
        r.c.insert_id, _window(sa.func.lag(r.c.event_time), r)
    ).order_by(r.c.insert_id),
    "the row after, or a date": lambda r: sa.select(
        r.c.insert_id,
        _window(sa.func.lead(sa.cast(r.c.event_time, sa.Date), 1, date(1999, 1, 1)), r),
    ).order_by(r.c.insert_id),
    "whole quotients": lambda r: sa.select(
        sa.literal(7, sa.BigInteger) // 2, fn.whole_quotient(sa.literal(7), sa.literal(2))
    ),
    "like, escaped": lambda r: sa.select(r.c.insert_id).where(
        fc.string(_raw(r)).contains("%_\\", autoescape=True)
    ),
    "like, with a backslash": lambda r: sa.select(
        sa.literal("a\\b").like("a\\b"), sa.literal("a/b").like("a//b", escape="/")
    ),
    "counts with signs": lambda r: sa.union_all(
        sa.select(sa.func.count()).select_from(r),
        sa.select(-sa.func.count()).select_from(r),
        sa.select(sa.literal(-(2**62), sa.BigInteger)),
    ).order_by(sa.text("1")),
    "filtered": lambda r: sa.select(
        sa.func.count().filter(r.c.event_name == "e1"),
        sa.func.min(r.c.event_time).filter(r.c.event_name == "none"),
    ),
    "a label that is a column": lambda r: (
        sa.select(sa.func.max(r.c.insert_id).label("event_name"))
        .group_by(r.c.event_name)
        .order_by(sa.func.max(r.c.insert_id))
    ),
    "length of text": lambda r: sa.select(sa.func.length(r.c.distinct_id)).distinct(),
    "the least": lambda r: (
        sa.select(r.c.event_name, fn.arg_min(_raw(r), r.c.event_time, r.c.insert_id))
        .group_by(r.c.event_name)
        .order_by(r.c.event_name)
    ),
    "the least of none": lambda r: sa.select(
        fn.arg_min(r.c.event_time, r.c.insert_id, where=r.c.event_name == "none")
    ),
    "a quantile": lambda r: sa.select(
        fn.quantile(fn.microseconds(r.c.event_time), sa.literal(0.3))
    ),
    "buckets": lambda r: sa.select(
        *(sa.cast(sa.func.date_trunc(u, r.c.event_time), sa.TIMESTAMP) for u in ("hour", "week"))
    ).distinct(),
    "keys": lambda r: (
        sa.select(fn.explode(fn.json_object_keys(r.c.properties)).label("k"))
        .distinct()
        .order_by("k")
    ),
    "a chain": lambda r: sa.select(
        fn.chain(fn.microseconds(r.c.event_time), fn.microseconds(r.c.event_time) + 20)
    ),
    "numbered twice": _counted,
    "of nothing": _nothing,
    "joined with nothing": _outer,
    "recursive": _recursive,
}


@pytest.mark.parametrize("build", STATEMENTS.values(), ids=STATEMENTS)
def test_statements(engines: Engines, build: Build) -> None:
    duckdb, other = (
        [[_plain(value) for value in row] for row in engine.query(build(engine.table("events")))]
        for engine in engines
    )
    assert duckdb == other
    assert duckdb


def test_text_that_is_no_number_is_refused(engines: Engines) -> None:
    for engine in engines:
        rows = engine.table("events")
        asked = sa.select(rows.c.properties["a"].as_float()).where(rows.c.insert_id == "022")
        with pytest.raises(QueryError):
            engine.query(asked)
