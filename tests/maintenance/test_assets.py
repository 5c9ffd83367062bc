"""A file of every revision goes up to the head and back, with all that users have in it."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest

from mixpanel_data import StorageEngine, maintenance
from tests.support.effort import only_thorough
from tests.support.factories import events, metadata
from tests.support.files import (
    ASSETS,
    HEAD,
    REVISIONS,
    asset,
    contents,
    original,
    revision_of,
    schema,
    without_keys,
)

pytestmark = pytest.mark.slow


def test_there_is_a_file_for_every_revision() -> None:
    assert sorted(file.stem for file in ASSETS.glob("*.db")) == REVISIONS


def test_each_file_is_at_its_revision(old: Path, request: pytest.FixtureRequest) -> None:
    assert revision_of(old) == request.node.callspec.params["old"]


def test_an_old_file_comes_to_the_head_and_back_unchanged(older: Path) -> None:
    before, revision = contents(older), revision_of(older)
    assert maintenance.upgrade(older).after == HEAD
    assert without_keys(contents(older)) == without_keys(before)
    assert revision is not None
    maintenance.downgrade(older, revision)
    assert contents(older) == before
    assert revision_of(older) == revision


@pytest.mark.parametrize("target", REVISIONS[:-1])
def test_the_newest_file_goes_down_to_every_revision(target: str, newest: Path) -> None:
    before = without_keys(contents(newest))
    assert maintenance.downgrade(newest, target).after == target
    assert without_keys(contents(newest)) == before


@pytest.mark.parametrize("target", REVISIONS[:-1])
def test_a_downgrade_leaves_the_schema_of_its_revision(
    target: str, newest: Path, tmp_path: Path
) -> None:
    maintenance.downgrade(newest, target)
    (tmp_path / "then").mkdir()
    then = asset(target, tmp_path / "then")
    assert [c for c in schema(newest) if c[0] != "_alembic_version"] == [
        c for c in schema(then) if c[0] != "_alembic_version"
    ]


def test_an_upgraded_file_has_the_schema_of_a_new_one(old: Path, tmp_path: Path) -> None:
    maintenance.upgrade(old)
    new = tmp_path / "new.db"
    StorageEngine(new).close()
    assert schema(old) == schema(new)


def test_an_upgraded_file_can_be_worked_with(old: Path) -> None:
    with StorageEngine.open_existing(old, read_only=False, upgrade=True) as engine:
        assert [table.name for table in engine.list_tables()] == ["events_jan", "order", "profiles"]
        rows = engine.list_tables()[0].row_count
        assert (
            engine.append_events_table("events_jan", chain(events(1), events(1)), metadata()) == 1
        )
        assert engine.list_tables()[0].row_count == rows + 1
        assert engine.execute_scalar("SELECT sum(n) FROM busy") == rows + 1


def test_the_load_history_of_an_upgraded_file_starts_with_its_tables(first: Path) -> None:
    with StorageEngine.open_existing(first, upgrade=True) as engine:
        (load,) = engine.loads("events_jan")
        assert (load.action, load.stored, load.from_date) == ("adopt", 40, "2024-01-01")
        assert len(engine.coverage("events_jan").loaded) == 31
        assert engine.coverage("order").undated == 1


def test_filters_and_counts_come_through(tmp_path: Path) -> None:
    with StorageEngine.open_existing(asset("0002", tmp_path), upgrade=True) as engine:
        found = engine.get_metadata("order")
        assert (found.filter_events, found.filter_where) == (["Event 1"], "true")
        assert (found.duplicates, found.collisions) == (3, 1)
        assert engine.loads("order")[0].records == 18


@only_thorough
def test_the_revision_that_takes_long_is_reported(tmp_path: Path) -> None:
    path = original(tmp_path / "large.db", {"jan": 1_100_000})
    seen: list[tuple[str, float]] = []
    maintenance.upgrade(path, backup=False, progress=lambda *step: seen.append(step))
    assert "0004" in {revision for revision, _ in seen}
    assert all(0 <= done <= 1 for _, done in seen)
    assert maintenance.status(path).tables[0].row_count == 1_100_000
