"""Closing releases the file, can be repeated, and ends every use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mixpanel_data import StorageEngine
from tests.support.factories import EVENTS, PROFILES, events, profiles
from tests.support.processes import OtherProcess

USES: dict[str, Callable[[StorageEngine], Any]] = {
    "connection": lambda engine: engine.connection,
    "create_events_table": lambda engine: EVENTS.create(engine, events(1)),
    "append_events_table": lambda engine: EVENTS.append(engine, events(1)),
    "create_profiles_table": lambda engine: PROFILES.create(engine, profiles(1)),
    "append_profiles_table": lambda engine: PROFILES.append(engine, profiles(1)),
    "drop_table": lambda engine: engine.drop_table("data"),
    "table_exists": lambda engine: engine.table_exists("data"),
    "execute": lambda engine: engine.execute("SELECT 1"),
    "execute_df": lambda engine: engine.execute_df("SELECT 1"),
    "execute_scalar": lambda engine: engine.execute_scalar("SELECT 1"),
    "execute_rows": lambda engine: engine.execute_rows("SELECT 1"),
    "execute_rows_params": lambda engine: engine.execute_rows_params("SELECT ?", [1]),
    "execute_arrow": lambda engine: engine.execute_arrow("SELECT 1"),
    "table": lambda engine: engine.table("data"),
    "session": lambda engine: engine.session(),
    "list_tables": lambda engine: engine.list_tables(),
    "get_schema": lambda engine: engine.get_schema("data"),
    "get_metadata": lambda engine: engine.get_metadata("data"),
}


@pytest.fixture(params=["file", "ephemeral", "memory"])
def closable(request: pytest.FixtureRequest, db_path: Path, temp_folder: Path) -> StorageEngine:
    """Return an engine of each sort, with a table in it."""
    makers: dict[str, Callable[[], StorageEngine]] = {
        "file": lambda: StorageEngine(db_path),
        "ephemeral": StorageEngine.ephemeral,
        "memory": StorageEngine.memory,
    }
    engine = makers[request.param]()
    EVENTS.create(engine, events(3))
    return engine


@pytest.mark.slow
@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_every_use_after_close_is_an_error(
    use: Callable[[StorageEngine], Any], closable: StorageEngine
) -> None:
    closable.close()
    with pytest.raises(RuntimeError, match="closed"):
        use(closable)


def test_closing_again_does_nothing(closable: StorageEngine) -> None:
    closable.close()
    closable.close()
    closable.cleanup()
    with pytest.raises(RuntimeError, match="closed"):
        closable.execute_rows("SELECT 1")


def test_cleanup_is_close(closable: StorageEngine) -> None:
    closable.cleanup()
    with pytest.raises(RuntimeError, match="closed"):
        closable.execute_rows("SELECT 1")


def test_with_closes_even_on_an_error(closable: StorageEngine) -> None:
    with pytest.raises(ZeroDivisionError), closable:
        _ = 1 / 0
    with pytest.raises(RuntimeError, match="closed"):
        closable.list_tables()


def test_with_returns_the_engine_itself(closable: StorageEngine) -> None:
    with closable as engine:
        assert engine is closable


def test_path_and_mode_can_still_be_asked(db_path: Path) -> None:
    engine = StorageEngine(db_path)
    engine.close()
    assert (engine.path, engine.read_only) == (db_path, False)


def test_closing_leaves_one_file(db_path: Path, tmp_path: Path) -> None:
    with StorageEngine(db_path) as engine:
        EVENTS.create(engine, events(3))
    assert list(tmp_path.iterdir()) == [db_path]


def test_closing_releases_the_file_whatever_is_still_held(
    db_path: Path, other_process: OtherProcess
) -> None:
    engine = StorageEngine(db_path)
    EVENTS.create(engine, events(3))
    held = engine.connection, engine.execute("SELECT * FROM data"), engine.engine.connect()
    engine.close()
    other_process.run("engine = StorageEngine(path)", path=db_path)
    assert len(held) == 3


def test_the_engine_can_be_dropped_without_closing(
    db_path: Path, other_process: OtherProcess
) -> None:
    EVENTS.create(StorageEngine(db_path), events(3))
    StorageEngine(db_path).close()
    code = (
        "engine = StorageEngine(path); result = engine.execute_scalar('SELECT count(*) FROM data')"
    )
    assert other_process.run(code, path=db_path) == 3
