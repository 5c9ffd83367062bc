"""What a terminal and a notebook show: short, whole, and never a failure."""

from __future__ import annotations

import copy
import io
import json
import pickle
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

from mixpanel_data import Coverage, StorageEngine, orm
from tests.support.export_files import write_lines
from tests.support.factories import EVENTS, events, metadata

pytestmark = pytest.mark.both_engines


@pytest.fixture
def loaded(db_path: Path) -> Any:
    with StorageEngine(db_path) as engine:
        EVENTS.create(engine, events(1200), "events")
        yield engine


def _html(value: Any) -> str:
    return str(value._repr_html_())


def test_an_engine_names_its_file_mode_and_tables(loaded: StorageEngine, db_path: Path) -> None:
    assert repr(loaded) == f"<StorageEngine {db_path}, for writing: events 1,200 rows>"
    html = loaded._repr_html_()
    assert str(db_path) in html
    assert ">1,200<" in html
    loaded.close()
    with StorageEngine(db_path, read_only=True) as reader:
        assert "read-only: events" in repr(reader)


@pytest.mark.parametrize("shown", [repr, lambda engine: engine._repr_html_()])
def test_an_engine_in_no_state_fails_to_show_itself(shown: Any, loaded: StorageEngine) -> None:
    assert "not open" in shown(StorageEngine.__new__(StorageEngine))
    loaded.execute("DROP TABLE _metadata")
    assert "StorageEngine" in shown(loaded)
    loaded.close()
    assert "closed" in shown(loaded)
    with StorageEngine.memory() as memory:
        assert "in memory, for writing" in shown(memory)


def test_lists_are_lists_that_show_as_tables(loaded: StorageEngine) -> None:
    tables, loads = loaded.list_tables(), loaded.load_history()
    rows = loaded.query("SELECT event_name AS index, 1 AS count, '<b>' AS x FROM events LIMIT 70")
    assert isinstance(tables, list)
    assert tables == list(tables) == pickle.loads(pickle.dumps(tables)) == copy.copy(tables)
    assert json.dumps([table.to_dict() for table in tables])
    assert "datetime" not in repr(tables) + repr(loads)
    for found in (tables, loads, rows):
        assert "<table" in _html(found)
    assert repr(tables).splitlines()[1].split()[:3] == ["events", "events", "1,200"]
    assert "&lt;b&gt;" in _html(rows)
    assert "… 10 more rows" in _html(rows)
    assert repr(rows) == repr(list(rows))
    assert repr(loaded.load_history("none")) == "[]"


def test_values_have_short_text(loaded: StorageEngine) -> None:
    texts = [repr(loaded.list_tables()[0]), repr(loaded.load_history()[0])]
    texts += [repr(loaded.get_schema("events")), repr(loaded.coverage("events"))]
    for text in texts:
        assert "datetime" not in text
        assert "events" in text
    assert "insert_id    VARCHAR    False     True" in repr(loaded.get_schema("events"))


def test_coverage_shows_runs_of_days() -> None:
    days = [date(2025, 3, day) for day in (1, 2, 5)]
    coverage = Coverage("events", days, [date(2025, 3, 3), date(2025, 3, 4)], 1)
    assert repr(coverage) == (
        "Coverage(table_name='events', loaded 2025-03-01 to 2025-03-02 (2 days); missing"
        " 2025-03-03 to 2025-03-04 (2 days); loaded 2025-03-05, undated=1)"
    )
    assert coverage._repr_html_().count("<tr>") == 4


def test_mapped_classes_are_made_once_and_show_their_values(loaded: StorageEngine) -> None:
    mapped = orm.event("events")
    assert orm.event("events") is mapped
    assert orm.profile("events").__mapper__.primary_key[0].name == "distinct_id"
    with loaded.session() as session:
        first = session.scalars(sa.select(mapped).order_by(mapped.insert_id).limit(1)).one()
        assert "event_time=2024-01-01T00:00:00" in repr(first)
        assert "id-000000" in first._repr_html_()
        session.expire(first)
        # What has expired is not asked for again.
        assert repr(first) == "Event_events()"
    assert "id-000000" not in repr(mapped())


def test_results_stream_as_arrow(loaded: StorageEngine) -> None:
    found = pa.table(loaded.event_breakdown("events"))
    assert found.num_rows == 7
    assert "unique_users" in found.column_names
    mixed = loaded.column_stats("events", "CASE WHEN insert_id = 'id-000000' THEN '1' END")
    assert pa.table(mixed).column_names == ["value", "count"]


class _Screen(io.StringIO):
    """A stream that is a terminal, or not."""

    def __init__(self, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_load_draws_how_far_it_is(
    is_terminal: bool, memory: StorageEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = _Screen(is_terminal)
    monkeypatch.setattr(sys, "stderr", screen)
    totals: list[int] = []
    memory.create_events_table(
        "rows", events(2500), metadata(), progress_callback=totals.append, progress=True
    )
    lines = [
        {"event": "a", "properties": {"time": n, "distinct_id": "u", "$insert_id": f"i{n}"}}
        for n in range(30)
    ]
    export = write_lines(tmp_path / "events.jsonl", lines)
    memory.load_export("files", export, metadata(), progress=True)
    with export.open("rb") as stream:
        memory.load_export("stream", stream, metadata(), progress=True)
    assert totals == [1000, 2000, 2500]
    drawn = screen.getvalue()
    assert "rows: 2,500 rows stored" in drawn
    assert "files: 30 rows stored" in drawn
    assert "stream: 30 rows stored" in drawn
    assert ("rows: reading, 1,000 records" in drawn) == is_terminal
    assert ("\r" in drawn) == is_terminal


def test_a_load_that_fails_leaves_its_line(
    memory: StorageEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = _Screen(True)
    monkeypatch.setattr(sys, "stderr", screen)
    with pytest.raises(ValueError, match="event_time"):
        EVENTS.create(memory, [*events(1500), {"event_name": "x"}], progress=True)
    assert screen.getvalue().count("\n") <= 1
    assert memory.list_tables() == []
