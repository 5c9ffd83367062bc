"""Up to a limit a table has its key as an index; above it the loads alone keep it unique."""

from __future__ import annotations

import pytest

from mixpanel_data import StorageEngine
from mixpanel_data._internal.schema.tables import INTERNAL
from tests.support.factories import Kind, dump

pytestmark = pytest.mark.slow


def _has_index(engine: StorageEngine) -> bool:
    found = engine.execute_scalar(
        "SELECT count(*) FROM duckdb_constraints()"
        " WHERE table_name = 'data' AND constraint_type = 'PRIMARY KEY'"
    )
    return bool(found)


@pytest.mark.parametrize(("rows", "indexed"), [(9, True), (10, True), (11, False)])
def test_the_limit(engine: StorageEngine, kind: Kind, rows: int, indexed: bool) -> None:
    engine.index_limit = 10
    kind.create(engine, kind.records(rows))
    assert _has_index(engine) is indexed
    keys = [column.name for column in engine.get_schema("data").columns if column.primary_key]
    assert keys == [kind.key]
    assert kind.append(engine, kind.records(rows)) == 0


def test_crossing_the_limit_keeps_everything(engine: StorageEngine, kind: Kind) -> None:
    engine.index_limit = 10
    kind.create(engine, kind.records(8))
    before = engine.execute_rows("FROM data")
    assert kind.append(engine, kind.records(8, start=4)) == 4
    assert not _has_index(engine)
    assert engine.execute_rows("FROM data")[:8] == before
    assert kind.append(engine, kind.records(12)) == 0
    assert engine.get_schema("data").columns[0].nullable is False


def test_failing_while_crossing_leaves_the_index(engine: StorageEngine, kind: Kind) -> None:
    engine.index_limit = 10
    kind.create(engine, kind.records(8))
    before = dump(engine)

    def fail(_: int) -> None:
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        kind.append(engine, kind.records(20), progress_callback=fail)
    assert dump(engine) == before
    assert _has_index(engine)


ADDED = (
    "ALTER TABLE data ADD COLUMN mine STRUCT(a INTEGER, b VARCHAR[]) DEFAULT {'a': 1, 'b': ['x']}",
    "COMMENT ON TABLE data IS 'it''s mine: 100 %'",
    "COMMENT ON COLUMN data.distinct_id IS 'who'",
    "CREATE INDEX plain ON data (distinct_id)",
    "CREATE INDEX expression ON data ((lower(distinct_id)))",
    "CREATE VIEW users AS SELECT distinct_id FROM data",
)


def _added(engine: StorageEngine) -> list[list[tuple[object, ...]]]:
    return [
        [*engine.execute_rows(question)]
        for question in (
            "SELECT sql FROM duckdb_indexes() ORDER BY ALL",
            "SELECT comment FROM duckdb_tables() WHERE table_name = 'data'",
            "SELECT column_name, data_type, column_default, comment FROM duckdb_columns()"
            " WHERE table_name = 'data'",
            "SELECT min(distinct_id) FROM users",
        )
    ]


def test_crossing_the_limit_keeps_what_users_added(engine: StorageEngine, kind: Kind) -> None:
    engine.index_limit = 10
    kind.create(engine, kind.records(8))
    for statement in ADDED:
        engine.execute_rows(statement)
    engine.execute_rows("UPDATE data SET mine = {'a': 2, 'b': []}")
    before = _added(engine)
    assert kind.append(engine, kind.records(8, start=4)) == 4
    assert not _has_index(engine)
    assert _added(engine) == before
    told = engine.execute_rows("SELECT mine->>'a', count(*) FROM data GROUP BY 1 ORDER BY 2")
    assert told == [("1", 4), ("2", 8)]


def test_no_working_table_is_left(engine: StorageEngine, kind: Kind) -> None:
    engine.index_limit = 10
    kind.create(engine, kind.records(8))
    kind.append(engine, kind.records(8, start=4))
    kind.append(engine, kind.records(8, start=4))
    with engine.engine.connect() as connection:
        names = connection.exec_driver_sql("SELECT table_name FROM duckdb_tables() ORDER BY 1")
        internal = ["_alembic_version", *(table.name for table in INTERNAL)]
        kept = [name for name in names.scalars() if not name.startswith("_typed_")]
        assert kept == sorted([*internal, "data"])
