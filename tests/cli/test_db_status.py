"""``db status`` tells the truth about any file."""

import json
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest

from mixpanel_data import StorageEngine, maintenance
from tests.support.command_line import Run, Start
from tests.support.files import EVENTS, do, original, stranger

HEAD = maintenance.history()[-1].id


def shown(text: str) -> dict[str, str]:
    """The lines of a status that have a label."""
    return {line[:16].strip(): line[16:] for line in text.splitlines() if line[:16].strip()}


def test_the_original_librarys_file(run: Run, db_path: Path) -> None:
    done = run("db", "status", original(db_path, {"events": 5}))
    lines = shown(done.out)
    assert lines["file"].startswith(f"{db_path}, 1.")
    assert lines["file"].endswith(f" MB ({db_path.stat().st_size:,} bytes)")
    assert lines["DuckDB storage"].startswith("v")
    assert lines["revision"] == f"0001; this version works with {HEAD}"
    assert lines["upgrade"].endswith(f"after a backup; mixpanel-data db upgrade {db_path}")
    assert "0003       A history of loads" in done.out
    assert "events   events      5   2024-02-01 12:30" in done.out


def test_a_file_of_today(run: Run, loaded: Path) -> None:
    lines = shown(run("db", "status", loaded).out)
    assert (lines["revision"], lines["upgrade"]) == (HEAD, "nothing to do")


def test_a_strangers_file(run: Run, db_path: Path) -> None:
    before = stranger(db_path).read_bytes()
    lines = shown(run("db", "status", db_path).out)
    assert lines["revision"] == "none: nothing in the file is mixpanel-data's"
    assert (lines["upgrade"], lines["others' tables"]) == ("nothing to do", "songs, top")
    assert db_path.read_bytes() == before


def test_a_newer_versions_file(run: Run, loaded: Path) -> None:
    do(loaded, "UPDATE _alembic_version SET version_num = '9001'")
    lines = shown(run("db", "status", loaded).out)
    assert lines["revision"] == f"9001, unknown to this version, which works with {HEAD}"
    assert "pip install --upgrade mixpanel-data" in lines["upgrade"]


def test_a_table_that_could_be_adopted(run: Run, loaded: Path) -> None:
    do(loaded, EVENTS.format("half"))
    line = shown(run("db", "status", loaded).out)["not registered"]
    assert line == f"half, with the columns of events; mixpanel-data db adopt {loaded} half"


def test_commands_to_paste_are_quoted_for_a_shell(run: Run, tmp_path: Path) -> None:
    path = original(tmp_path / "it's old.db", {"events": 5})
    assert """it'"'"'s old.db'""" in shown(run("db", "status", path).out)["upgrade"]


def test_names_move_no_cursor(run: Run, db_path: Path) -> None:
    do(db_path, 'CREATE TABLE "\x1b[2Jx" (a INTEGER)')
    assert shown(run("db", "status", db_path).out)["others' tables"] == r"\x1b[2Jx"


def test_status_for_programs(run: Run, db_path: Path) -> None:
    found = json.loads(
        run("db", "status", original(db_path, {"events": 5}), "--format", "json").out
    )
    assert (found["revision"], found["head"], found["is_known"]) == ("0001", HEAD, True)
    assert [revision["id"] for revision in found["pending"]][:2] == ["0002", "0003"]
    assert (found["tables"][0]["row_count"], found["size"]) == (5, db_path.stat().st_size)
    assert (found["unregistered"], found["others"]) == ({}, [])


def _text(path: Path) -> None:
    path.write_text("event,time\n" * 100)


def _encrypted(path: Path) -> None:
    with duckdb.connect() as connection:
        # Older ones know no such setting, and encrypt without being asked twice.
        with suppress(duckdb.CatalogException):
            connection.execute("SET force_mbedtls_unsafe = 'true'")
        connection.execute(f"ATTACH '{path}' AS secret (ENCRYPTION_KEY 'key')")
        connection.execute("CREATE TABLE secret.t (a INTEGER)")


def _of_a_newer_duckdb(path: Path) -> None:
    """Write a storage version that no DuckDB has yet, its checksum right."""
    content = bytearray(stranger(path).read_bytes())
    content[12:20] = struct.pack("<Q", 9999)
    checksum = 5381
    for (word,) in struct.iter_unpack("<Q", content[8:4096]):
        checksum ^= word * 0xBF58476D1CE4E5B9 % 2**64
    content[:8] = struct.pack("<Q", checksum)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (_text, "is not a DuckDB database file"),
        (Path.touch, "is empty"),
        (Path.mkdir, "Is a directory"),
        (_encrypted, "It is encrypted."),
        (_of_a_newer_duckdb, "version number"),
        (lambda _: None, "does not exist"),
    ],
)
@pytest.mark.parametrize("command", ["status", "upgrade", "check", "compact"])
def test_a_file_that_cannot_be_opened_is_one_line(
    run: Run, db_path: Path, make: Callable[[Path], None], reason: str, command: str
) -> None:
    make(db_path)
    done = run("db", command, db_path)
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert done.err.startswith("Error: ")
    assert str(db_path) in done.err
    assert reason in done.err


@pytest.mark.slow
@pytest.mark.parametrize("command", ["status", "upgrade", "check", "compact"])
def test_a_file_in_use_has_an_exit_code_of_its_own(
    start: Start, loaded: Path, command: str
) -> None:
    with StorageEngine(loaded):
        process = start("db", command, loaded)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err.count(b"\n")) == (4, b"", 1)
    assert b"is locked by process" in err


def test_the_zones_that_tables_were_loaded_in(run: Run, loaded: Path, events_file: Path) -> None:
    options = ("--table", "old", "--time-zone", "US/Pacific", "--db", loaded)
    assert run("load", "events", events_file, *options).code == 0
    lines = run("db", "status", loaded).out.splitlines()
    assert [line.split()[-1] for line in lines if line.split()[1:2] == ["events"]] == [
        "UTC",
        "US/Pacific",
    ]
