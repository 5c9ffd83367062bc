"""A flipped bit or a lost end of a file is found by a check, and is one typed error elsewhere."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mixpanel_data import MixpanelDataError, StorageEngine, maintenance
from tests.maintenance.files import filled
from tests.support.effort import some

pytestmark = pytest.mark.slow

HEADERS, BLOCK = 12_288, 262_144
COMMANDS: dict[str, Callable[[Path], Any]] = {
    "status": maintenance.status,
    "upgrade": maintenance.upgrade,
    "upgrade_sql": maintenance.upgrade_sql,
    "adopt": lambda path: maintenance.adopt(path, "x"),
    "compact": maintenance.compact,
    "backup": lambda path: maintenance.backup(path, path.with_name("copy.db")),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return filled(tmp_path_factory.mktemp("whole") / "whole.db").read_bytes()


def _is_found(path: Path) -> bool:
    try:
        return bool(maintenance.check(path))
    except (MixpanelDataError, OSError):
        return True


def _flipped(whole: bytes, at: int) -> bytes:
    return whole[:at] + bytes([whole[at] ^ (1 << at % 8)]) + whole[at + 1 :]


def test_a_whole_file_has_no_problems(tmp_path: Path) -> None:
    path = filled(tmp_path / "a.db")
    for start in range(3):
        with StorageEngine(path) as storage:
            storage.execute_rows(f"DELETE FROM events WHERE hash(insert_id) % 4 = {start}")
            storage.execute_rows("UPDATE _metadata SET row_count = (SELECT count(*) FROM events)")
        assert maintenance.check(path) == []


def test_a_flipped_bit_in_any_block_is_found_and_never_copied(whole: bytes, tmp_path: Path) -> None:
    path, chance = tmp_path / "a.db", random.Random(1)
    for start in some(range(HEADERS, len(whole), BLOCK), 4):
        for at in (start, start + chance.randrange(BLOCK), start + BLOCK - 1):
            path.write_bytes(_flipped(whole, at))
            assert _is_found(path), at
            with pytest.raises((MixpanelDataError, OSError)):
                maintenance.backup(path, tmp_path / "copy.db")
    assert [file.name for file in tmp_path.iterdir()] == ["a.db"]


def test_a_flipped_bit_in_a_header_is_found(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    for at in some(range(0, HEADERS, 1000), 6):
        path.write_bytes(_flipped(whole, at))
        assert _is_found(path), at


def test_a_cut_file_is_found_at_any_length(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    for number in some(range(1, 41), 12):
        path.write_bytes(whole[: len(whole) * number // 41])
        assert _is_found(path), number


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_command_on_a_cut_file_is_one_typed_error_or_works(
    command: Callable[[Path], Any], whole: bytes, tmp_path: Path
) -> None:
    path, failed = tmp_path / "a.db", 0
    for number in range(1, 41, 3):
        path.write_bytes(whole[: len(whole) * number // 41])
        try:
            command(path)
        except (MixpanelDataError, OSError):
            failed += 1
    assert failed > 5
    assert not (tmp_path / "copy.db").exists()
