"""An append call adds to a table what it does not hold yet."""

from __future__ import annotations

import pytest

from mixpanel_data import StorageEngine
from mixpanel_data.exceptions import TableNotFoundError
from tests.support.factories import Kind, NeverStarted, dump

pytestmark = pytest.mark.both_engines(quick=True)


def test_the_number_of_new_rows_is_returned(loaded: StorageEngine, kind: Kind) -> None:
    assert kind.append(loaded, kind.records(10, start=5)) == 5
    assert loaded.execute_scalar("SELECT count(*) FROM data") == 15


@pytest.mark.duckdb_only
def test_rows_that_are_there_stay_as_they_are(loaded: StorageEngine, kind: Kind) -> None:
    before = loaded.execute_rows("SELECT * FROM data ORDER BY ALL")
    kind.append(loaded, kind.records(10, start=10))
    kept = "SELECT * FROM data WHERE (properties->>'n')::INT < 10 ORDER BY ALL"
    assert loaded.execute_rows(kept) == before


def test_appending_nothing_is_fine(loaded: StorageEngine, kind: Kind) -> None:
    before = loaded.execute_rows("SELECT * FROM data ORDER BY ALL")
    assert kind.append(loaded, []) == 0
    assert loaded.execute_rows("SELECT * FROM data ORDER BY ALL") == before


def test_a_missing_table_is_named(loaded: StorageEngine, kind: Kind) -> None:
    before = dump(loaded)
    with pytest.raises(TableNotFoundError, match="other") as caught:
        kind.append(loaded, NeverStarted(), "other")
    assert caught.value.table_name == "other"
    assert dump(loaded) == before


def test_the_other_kind_is_refused(loaded: StorageEngine, kind: Kind) -> None:
    before = dump(loaded)
    message = f"^Cannot append {kind.other.name} to {kind.name} table"
    with pytest.raises(ValueError, match=message):
        kind.other.append(loaded, NeverStarted())
    assert dump(loaded) == before


def test_metadata_of_the_other_kind_is_refused(loaded: StorageEngine, kind: Kind) -> None:
    before = dump(loaded)
    with pytest.raises(ValueError, match=kind.name):
        kind.append(loaded, NeverStarted(), meta=kind.other.metadata())
    assert dump(loaded) == before


@pytest.mark.parametrize("batch_size", [0, -1])
def test_a_batch_holds_at_least_one_record(
    batch_size: int, loaded: StorageEngine, kind: Kind
) -> None:
    before = dump(loaded)
    with pytest.raises(ValueError, match="batch_size"):
        kind.append(loaded, NeverStarted(), batch_size=batch_size)
    assert dump(loaded) == before


@pytest.mark.duckdb_only
def test_a_name_is_found_whatever_its_case(loaded: StorageEngine, kind: Kind) -> None:
    assert kind.append(loaded, kind.records(3, start=10), "DATA") == 3
    assert [(info.name, info.row_count) for info in loaded.list_tables()] == [("data", 13)]


def test_a_dropped_table_can_be_made_again(loaded: StorageEngine, kind: Kind) -> None:
    loaded.drop_table("data")
    assert kind.create(loaded, kind.records(4)) == 4
    assert kind.append(loaded, kind.records(4, start=4)) == 4
