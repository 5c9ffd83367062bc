"""Up to a limit a table has its key as an index; above it the loads alone keep it unique."""

from __future__ import annotations

import pytest

from mixpanel_data import StorageEngine
from tests.factories import Kind, dump


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
