"""JSON is written exactly or not at all, and read as it was written."""

from __future__ import annotations

import enum
import math
import uuid
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    pass


class Document(Base):
    __tablename__ = "documents"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    body: Mapped[Any] = mapped_column(sa.JSON, nullable=True)


DOCUMENTS = Base.metadata.tables["documents"]


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 2**40


class Name(str):
    pass


def _core_rows(engine: sa.Engine, rows: list[dict[str, Any]]) -> None:
    with engine.begin() as connection:
        connection.execute(sa.insert(DOCUMENTS), rows)


def _core_row(engine: sa.Engine, rows: list[dict[str, Any]]) -> None:
    with engine.begin() as connection:
        for row in rows:
            connection.execute(sa.insert(DOCUMENTS).values(row))


def _orm_rows(engine: sa.Engine, rows: list[dict[str, Any]]) -> None:
    with Session(engine) as session, session.begin():
        session.execute(sa.insert(Document), rows)


def _orm_objects(engine: sa.Engine, rows: list[dict[str, Any]]) -> None:
    with Session(engine) as session, session.begin():
        session.add_all([Document(**row) for row in rows])


Insert = Callable[[sa.Engine, list[dict[str, Any]]], None]
every_way = pytest.mark.parametrize("insert", [_core_rows, _core_row, _orm_rows, _orm_objects])


@pytest.fixture(autouse=True)
def table(engine: sa.Engine) -> None:
    Base.metadata.create_all(engine)


def _stored(engine: sa.Engine) -> list[Any]:
    with Session(engine) as session:
        return list(session.scalars(sa.select(Document.body).order_by(Document.id)))


EXACT = [
    {},
    [],
    "text",
    "\x00 \u2028 é 😀",
    0,
    -(2**63),
    2**63,
    2**64,
    -(10**400),
    0.1,
    -0.0,
    1e308,
    5e-324,
    True,
    [1, [2, {"a": [None, False]}]],
    {"": {"$a.b": '"', "\\": "'"}},
    {"deep": [[[[{"n": 12345678901234567890123}]]]]},
    {"digits": "1234567890123456789012345", "n": 1234567890123456789012.5},
]


@every_way
def test_what_is_written_is_read(engine: sa.Engine, insert: Insert) -> None:
    insert(engine, [{"id": i, "body": value} for i, value in enumerate(EXACT)])
    assert repr(_stored(engine)) == repr(EXACT)


@every_way
@pytest.mark.parametrize(
    ("value", "words"),
    [
        (math.nan, "holds nan"),
        ({"a": math.inf}, r"holds inf at \['a'\]"),
        ([1, {"b": [-math.inf]}], r"holds -inf at \[1\]\['b'\]\[0\]"),
        ({1: "a"}, "has the key 1: JSON keys are text"),
        ({"a": {None: 1}}, r"has the key None at \['a'\]"),
        ({"a": "\ud800"}, "lone surrogate"),
        ({"a": Decimal("1.5")}, r"holds a Decimal at \['a'\]"),
        ({"a": date(2025, 1, 1)}, "holds a date"),
        ({"a": uuid.UUID(int=1)}, "holds a UUID"),
        ({"a": Colour.RED}, "holds a Colour"),
        ({"a": {1, 2}}, "holds a set"),
        ({"a": b"x"}, "holds a bytes"),
    ],
)
def test_what_json_cannot_hold_is_refused(
    engine: sa.Engine, insert: Insert, value: Any, words: str
) -> None:
    rows = [{"id": i, "body": value if i == 7 else {"n": i}} for i in range(20)]
    with pytest.raises(sa.exc.StatementError, match=words):
        insert(engine, rows if insert is not _core_row else rows[7:8])
    assert _stored(engine) == []


def test_a_structure_without_end_is_refused(engine: sa.Engine) -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(sa.exc.StatementError, match="nested too deeply, or contains itself"):
        _core_row(engine, [{"id": 1, "body": endless}])


@every_way
def test_what_is_text_or_a_number_is_written_as_such(engine: sa.Engine, insert: Insert) -> None:
    values = [(1, 2), {Name("a"): Name("b")}, {"a": Level.HIGH}, {"a": ({"b": ()},)}]
    insert(engine, [{"id": i, "body": value} for i, value in enumerate(values)])
    assert _stored(engine) == [[1, 2], {"a": "b"}, {"a": 2**40}, {"a": [{"b": []}]}]


@every_way
def test_none_is_json_null_and_null_is_null(engine: sa.Engine, insert: Insert) -> None:
    bodies = [None, sa.JSON.NULL, sa.null()] * 3
    if insert is _core_rows or insert is _orm_rows:
        bodies = [None, sa.JSON.NULL] * 5
    insert(engine, [{"id": i, "body": body} for i, body in enumerate(bodies)])
    with engine.connect() as connection:
        kinds = sa.text("SELECT json_type(body) FROM documents ORDER BY id")
        told = list(connection.scalars(kinds))
    assert told == [None if isinstance(body, sa.sql.elements.Null) else "NULL" for body in bodies]


def test_what_others_wrote_is_read_all_the_same(engine: sa.Engine) -> None:
    texts = ['{"a": NaN}', '{"a": [Infinity]}', '{ "a" : 1 , "a" : 2 }', '{"n": 1.0e2}', "null"]
    with engine.begin() as connection:
        for i, text in enumerate(texts):
            connection.exec_driver_sql("INSERT INTO documents VALUES ($1, $2)", (i, text))
    assert repr(_stored(engine)) == repr(
        [{"a": math.nan}, {"a": [math.inf]}, {"a": 2}, {"n": 100.0}, None]
    )


def test_a_serializer_of_ones_own_is_used(url: str) -> None:
    engine = sa.create_engine(url, json_serializer=lambda _: "[1]", json_deserializer=len)
    _core_row(engine, [{"id": 1, "body": {"a": 2}}])
    assert _stored(engine) == [3]
    engine.dispose()


def test_documents_are_compared_by_their_value_as_written(engine: sa.Engine) -> None:
    body = {"a": [1, "é"], "big": 2**70}
    _core_row(engine, [{"id": 1, "body": body}])
    with Session(engine) as session:
        assert session.scalar(sa.select(Document.id).where(Document.body == body)) == 1
