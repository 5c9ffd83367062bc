"""A check reads everything, and says what is wrong and what to do."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from mixpanel_data import StorageEngine, maintenance
from mixpanel_data.exceptions import QueryError
from tests.support.factories import EVENTS, PROFILES
from tests.support.files import original

pytestmark = pytest.mark.slow

# Each breaks one thing; the order table of the newest file has no index that would forbid it.
FAULTS = [
    ('INSERT INTO "order" FROM "order" LIMIT 3', "order", "3 values of insert_id more than once"),
    ("DELETE FROM profiles WHERE distinct_id = 'user-1'", "profiles", "11 rows.*catalogue says 12"),
    (
        """UPDATE profiles SET properties = '{"a":NaN}' WHERE distinct_id = 'user-1'""",
        "profiles",
        "1 rows whose properties are no JSON",
    ),
    (
        """UPDATE profiles SET properties = '{"a":[1,-Infinity]}'""",
        "profiles",
        "rows whose properties are no JSON",
    ),
    ("DROP TABLE profiles", "profiles", "in the catalogue, but not in the database"),
    ("UPDATE _metadata SET type = 'profiles' WHERE table_name = 'order'", "order", "last_seen"),
]


@pytest.fixture
def sound(newest: Path) -> Path:
    """Return a file with nothing wrong."""
    maintenance.adopt(newest, "events_mar")
    return newest


def test_a_sound_file_has_no_problems(sound: Path) -> None:
    before = sound.read_bytes()
    assert maintenance.check(sound) == []
    assert sound.read_bytes() == before


def test_a_file_of_todays_loads_has_none(db_path: Path) -> None:
    with StorageEngine(db_path) as engine:
        EVENTS.create(engine, EVENTS.records(50), "e")
        PROFILES.create(engine, PROFILES.records(50), "p")
        EVENTS.append(engine, EVENTS.records(80), "e")
    assert maintenance.check(db_path) == []


@pytest.mark.parametrize(("sql", "table", "problem"), FAULTS)
def test_each_fault_is_found(sql: str, table: str, problem: str, sound: Path) -> None:
    with duckdb.connect(str(sound)) as connection:
        connection.execute(sql)
    found = maintenance.check(sound)
    assert {fault.table for fault in found} == {table}
    assert re.search(problem, " ".join(fault.problem for fault in found))
    assert all(fault.remedy for fault in found)


def test_properties_that_are_no_json_are_found(sound: Path) -> None:
    with duckdb.connect(str(sound)) as connection:
        connection.execute('ALTER TABLE "order" ALTER properties TYPE VARCHAR')
        connection.execute("UPDATE \"order\" SET properties = '{broken'")
    (fault,) = maintenance.check(sound)
    assert "15 rows whose properties are no JSON" in fault.problem


def test_an_older_file_is_checked_too(tmp_path: Path) -> None:
    path = original(tmp_path / "made.db", {"jan": 10})
    assert maintenance.check(path) == []
    with duckdb.connect(str(path)) as connection:
        connection.execute("DELETE FROM jan WHERE event_name = 'Event 1'")
    (fault,) = maintenance.check(path)
    assert "7 rows" in fault.problem


def test_a_damaged_file_is_found(tmp_path: Path) -> None:
    path = original(tmp_path / "made.db", {"jan": 20_000}, text=300)
    content = bytearray(path.read_bytes())
    # All blocks but the first and the last, behind the three headers.
    content[12_288 + 262_144 : -262_144] = bytes(len(content) - 12_288 - 2 * 262_144)
    path.write_bytes(content)
    try:
        problems = [fault.problem for fault in maintenance.check(path)]
    except (OSError, QueryError) as error:
        problems = [str(error)]
    assert any("orrupt" in problem for problem in problems)
