"""Files of the original library: complete, without a catalogue, and with what a crash left."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa

from mixpanel_data import StorageEngine, maintenance
from mixpanel_data._internal.schema import tables
from mixpanel_data.exceptions import SchemaVersionError, TableNotFoundError
from tests.support.factories import metadata
from tests.support.files import HEAD, contents, unregistered

pytestmark = pytest.mark.slow


def test_a_file_without_a_catalogue_is_recognised_by_its_tables(tmp_path: Path) -> None:
    path = unregistered(tmp_path / "bare.db", "jan", 20)
    with pytest.raises(SchemaVersionError, match="0001"):
        StorageEngine(path)
    before = contents(path)
    assert maintenance.upgrade(path).after == HEAD
    assert contents(path) == before


def test_it_is_recognised_when_todays_tables_have_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = unregistered(tmp_path / "bare.db", "jan", 20)
    newer = tables.events.to_metadata(sa.MetaData())
    newer.append_column(sa.Column("added", sa.String))
    monkeypatch.setitem(tables.KINDS, "events", replace(tables.EVENTS, template=newer))
    found = maintenance.status(path)
    assert (found.revision, found.unregistered) == ("0001", {"jan": "events"})


def test_a_table_that_only_looks_alike_makes_no_file_ours(tmp_path: Path) -> None:
    path = unregistered(tmp_path / "source.db", "jan", 20)
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE copied AS FROM jan")
        connection.execute("DROP TABLE jan")
    with StorageEngine(path) as engine:
        assert engine.list_tables() == []
    assert maintenance.status(path).unregistered == {"copied": "events"}


def test_what_a_failed_fetch_left_is_reported(first: Path) -> None:
    assert maintenance.status(first).unregistered == {"events_mar": "events"}
    (problem,) = maintenance.check(first)
    assert problem.table == "events_mar"
    assert "adopt" in problem.remedy


def test_it_is_adopted_with_its_rows_and_days(first: Path) -> None:
    maintenance.upgrade(first)
    before = contents(first)["rows"]
    info = maintenance.adopt(first, "EVENTS_MAR")
    assert (info.name, info.type, info.row_count) == ("events_mar", "events", 9)
    assert contents(first)["rows"] == before
    with StorageEngine(first) as engine:
        found = engine.get_metadata("events_mar")
        assert (found.from_date, found.to_date) == ("2024-01-06", "2024-01-06")
        assert engine.loads("events_mar")[0].action == "adopt"
        assert engine.append_events_table("events_mar", [], metadata()) == 0
    assert maintenance.check(first) == []


def test_adopting_waits_for_the_upgrade(first: Path) -> None:
    with pytest.raises(SchemaVersionError, match="0001"):
        maintenance.adopt(first, "events_mar")


@pytest.mark.parametrize(
    ("name", "error"),
    [("events_jan", ValueError), ("notes", ValueError), ("x", TableNotFoundError)],
)
def test_nothing_else_is_adopted(name: str, error: type[Exception], newest: Path) -> None:
    before = contents(newest)
    with pytest.raises(error, match=name):
        maintenance.adopt(newest, name)
    assert contents(newest) == before


@pytest.mark.parametrize(
    ("sql", "fault"),
    [
        ("INSERT INTO loose FROM loose LIMIT 2", "2 values of insert_id more than once"),
        ("UPDATE loose SET event_name = NULL WHERE event_name = 'Event 1'", "without event_name"),
        ("UPDATE loose SET insert_id = NULL", "9 rows without insert_id"),
    ],
)
def test_a_table_with_faults_is_not_adopted(sql: str, fault: str, newest: Path) -> None:
    with duckdb.connect(str(newest)) as connection:
        connection.execute("CREATE TABLE loose AS FROM events_mar")
        connection.execute(sql)
    with pytest.raises(ValueError, match=f"loose.*{fault}"):
        maintenance.adopt(newest, "loose")
    assert "loose" in maintenance.status(newest).unregistered
