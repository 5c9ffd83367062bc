"""Whatever call to the driver fails: a typed error, all as it was, and the engine goes on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from mixpanel_data import MixpanelDataError, StorageEngine, maintenance
from tests.support.effort import tries
from tests.support.factories import dump, event, events, metadata, profile, profiles
from tests.support.injector import failing

pytestmark = pytest.mark.slow

DAY = {"from_date": "2024-01-01", "to_date": "2024-01-01"}
MANY = 200  # more calls than any operation makes
# Which call fails: each of the first, and of the others some.
NUMBERS = [*range(1, 13), *range(13, MANY, tries(17, 1))]


def _export(folder: Path) -> Path:
    path = folder / "events.jsonl"
    lines = [
        {"event": "e", "properties": {"time": n, "distinct_id": n, "$insert_id": f"i{n % 4}"}}
        for n in range(6)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


Operation = Callable[[StorageEngine, Path], object]
OTHERS: list[Any] = [event(n, distinct_id="other") for n in range(5)]
PEOPLE = metadata("profiles")
PATCHED: list[Any] = [profile(n, properties={"n": -1}) for n in range(5)]
WRITING: dict[str, Operation] = {
    "create": lambda s, _: s.create_events_table("new", events(20), metadata()),
    "create profiles": lambda s, _: s.create_profiles_table("new", profiles(20), PEOPLE),
    "append": lambda s, _: s.append_events_table("jan", events(20, 5), metadata()),
    "append with collisions": lambda s, _: s.append_events_table("jan", OTHERS, metadata()),
    "replace": lambda s, _: s.append_events_table(
        "jan", events(5, 50), metadata(**DAY), replace=True
    ),
    "update": lambda s, _: s.append_profiles_table("people", PATCHED, PEOPLE, on_conflict="update"),
    "load_export": lambda s, folder: s.load_export("new", _export(folder), metadata()),
    "load_export, append": lambda s, folder: s.load_export(
        "jan", _export(folder), metadata(), append=True
    ),
    "drop": lambda s, _: s.drop_table("jan"),
}
READING: dict[str, Operation] = {
    "list_tables": lambda s, _: s.list_tables(),
    "get_schema": lambda s, _: s.get_schema("jan"),
    "get_metadata": lambda s, _: s.get_metadata("jan"),
    "table": lambda s, _: s.table("jan"),
    "table_exists": lambda s, _: s.table_exists("jan"),
    "load_history": lambda s, _: s.load_history(),
    "coverage": lambda s, _: s.coverage("jan"),
    "query": lambda s, _: s.query(sa.select(sa.func.count()).select_from(sa.table("jan"))),
    "execute_df": lambda s, _: s.execute_df(sa.select(sa.literal(1))),
    "execute_rows": lambda s, _: s.execute_rows(sa.select(sa.literal(1))),
    "execute_arrow": lambda s, _: s.execute_arrow(sa.select(sa.literal(1))),
    "execute_scalar": lambda s, _: s.execute_scalar(sa.select(sa.literal(1))),
}
FILES: dict[str, Callable[[Path], object]] = {
    "open": lambda path: StorageEngine(path).close(),
    "open for reading": lambda path: StorageEngine.open_existing(path).close(),
    "status": maintenance.status,
    "check": maintenance.check,
    "compact": maintenance.compact,
    "backup": lambda path: maintenance.backup(path, path.with_name("copy.db")),
    "upgrade": lambda path: maintenance.upgrade(path, backup=False),
    "downgrade": lambda path: maintenance.downgrade(path, "0002", backup=False),
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the path of a file with a table of events and one of profiles."""
    path = tmp_path_factory.mktemp("template") / "template.db"
    with StorageEngine(path) as storage:
        storage.create_events_table("jan", events(10), metadata())
        storage.create_profiles_table("people", profiles(10), PEOPLE)
    return path


@pytest.mark.parametrize("operation", {**WRITING, **READING}.values(), ids=[*WRITING, *READING])
def test_every_call_of_the_engine(template: Path, tmp_path: Path, operation: Operation) -> None:
    path = Path(shutil.copy(template, tmp_path / "data.db"))
    with StorageEngine(path) as storage:
        before = dump(storage)
        for number in NUMBERS:
            with failing(number) as injector:
                try:
                    operation(storage, tmp_path)
                except MixpanelDataError:
                    assert injector.injected, number
                else:
                    assert not injector.injected, f"call {number} failed and nobody said so"
                    break
            assert operation in READING.values() or dump(storage) == before, number
        assert 1 < number < NUMBERS[-1]
        assert storage.execute_scalar("SELECT current_setting('memory_limit')") != "208.0 MiB"


@pytest.mark.parametrize("operation", FILES.values(), ids=FILES)
def test_every_call_on_a_file(
    template: Path,
    tmp_path: Path,
    operation: Callable[[Path], object],
) -> None:
    for number in NUMBERS:
        folder = tmp_path / str(number)
        folder.mkdir()
        path = Path(shutil.copy(template, folder / "data.db"))
        with failing(number) as injector:
            try:
                operation(path)
            except (MixpanelDataError, OSError):
                assert injector.injected, number
            else:
                break
        with StorageEngine.open_existing(path, upgrade=True) as storage:
            counts = {table.name: table.row_count for table in storage.list_tables()}
        assert counts == {"jan": 10, "people": 10}, number
    assert number < NUMBERS[-1]
