"""``db upgrade`` and ``db downgrade``, and what they say."""

from pathlib import Path

import pytest

from mixpanel_data import StorageEngine, maintenance
from tests.support.command_line import Run
from tests.support.files import ask, do, original, stranger

pytestmark = pytest.mark.slow

HEAD = maintenance.history()[-1].id


def revision_of(path: Path) -> str | None:
    return maintenance.status(path).revision


@pytest.fixture
def old(db_path: Path) -> Path:
    return original(db_path, {"events": 5})


def test_an_upgrade_prints_the_revisions_and_the_backup(run: Run, old: Path) -> None:
    before = old.read_bytes()
    done = run("db", "upgrade", old)
    backup = Path(f"{old}.0001.bak")
    assert done.out == f"Upgraded {old} from revision 0001 to {HEAD}.\nBackup: {backup}\n"
    assert (done.code, done.err) == (0, "")
    assert backup.read_bytes() == before
    with StorageEngine(old) as storage:
        assert storage.list_tables()[0].row_count == 5


def test_an_upgrade_without_a_backup(run: Run, old: Path) -> None:
    assert run("db", "upgrade", old, "--no-backup").out.count("\n") == 1
    assert [file.name for file in old.parent.iterdir()] == [old.name]


def test_quiet_prints_nothing(run: Run, old: Path) -> None:
    done = run("db", "upgrade", old, "--quiet")
    assert (done.code, done.out, done.err, revision_of(old)) == (0, "", "", HEAD)


def test_at_the_head_there_is_nothing_to_upgrade(run: Run, loaded: Path) -> None:
    done = run("db", "upgrade", loaded)
    assert (done.code, done.out) == (0, f"Nothing to upgrade: {loaded} is at revision {HEAD}.\n")
    assert [file.name for file in loaded.parent.iterdir()] == [loaded.name]


@pytest.mark.parametrize("command", [("upgrade",), ("downgrade", "0001")])
def test_a_strangers_file_stays_as_it_is(run: Run, db_path: Path, command: tuple[str, ...]) -> None:
    before = stranger(db_path).read_bytes()
    name, *more = command
    done = run("db", name, db_path, *more)
    assert (done.code, done.out) == (
        0,
        f"Nothing to do: nothing in {db_path} is mixpanel-data's.\n",
    )
    assert db_path.read_bytes() == before


def test_a_dry_run_prints_the_sql_and_runs_none(run: Run, old: Path, tmp_path: Path) -> None:
    before = old.read_bytes()
    done = run("db", "upgrade", old, "--dry-run")
    assert (done.err, old.read_bytes()) == ("", before)
    # It is the SQL indeed: run by hand, it does the same.
    assert revision_of(do(old, done.out)) == HEAD


def test_a_dry_run_with_nothing_to_do_prints_no_sql(run: Run, loaded: Path) -> None:
    done = run("db", "upgrade", loaded, "--dry-run")
    assert (done.code, done.out) == (0, "")
    assert done.err.startswith("Nothing to upgrade: ")


def test_an_upgrade_that_the_database_refuses_names_the_revision_it_reached(
    run: Run, old: Path
) -> None:
    do(old, "CREATE INDEX mine ON _metadata (type)")
    done = run("db", "upgrade", old)
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert f"Error: {old} is at revision 0001; the next step failed: Dependency Error" in done.err
    assert revision_of(old) == "0001"


@pytest.mark.parametrize("command", [("upgrade",), ("downgrade", "0001", "--yes")])
def test_a_newer_versions_file_is_refused(run: Run, loaded: Path, command: tuple[str, ...]) -> None:
    do(loaded, "UPDATE _alembic_version SET version_num = '9001'")
    name, *more = command
    done = run("db", name, loaded, *more)
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert done.err.endswith("does not know. Update it: pip install --upgrade mixpanel-data\n")


def test_a_downgrade_names_what_is_lost(run: Run, loaded: Path) -> None:
    done = run("db", "downgrade", loaded, "0002", "--yes")
    assert done.code == 0
    assert done.out.startswith(f"Downgraded {loaded} from revision {HEAD} to 0002.\nBackup: ")
    assert "\n  0003  A history of loads" in done.err
    assert "0002  " not in done.err
    assert "stays in the backup alone. Events and profiles stay." in done.err
    assert ask(loaded, "SELECT count(*) FROM events") == [(3,)]


def test_a_downgrade_without_a_backup_loses_for_good(run: Run, loaded: Path) -> None:
    done = run("db", "downgrade", loaded, "0001", "--yes", "--no-backup")
    assert "What 0001 has no place for is lost." in done.err
    assert done.out == f"Downgraded {loaded} from revision {HEAD} to 0001.\n"


def test_a_downgrade_without_a_terminal_never_asks(run: Run, loaded: Path) -> None:
    before = loaded.read_bytes()
    done = run("db", "downgrade", loaded, "0002", stdin=b"y\n")
    assert (done.code, done.out) == (2, "")
    assert "--yes" in done.err
    assert loaded.read_bytes() == before


def test_a_dry_downgrade_neither_asks_nor_changes(run: Run, loaded: Path) -> None:
    done = run("db", "downgrade", loaded, "0002", "--dry-run")
    assert (done.code, done.err) == (0, "")
    assert "DROP TABLE _loads;" in done.out
    assert revision_of(loaded) == HEAD


@pytest.mark.parametrize("revision", [HEAD, "9001", "nope"])
def test_only_an_earlier_revision_can_be_gone_back_to(
    run: Run, loaded: Path, revision: str
) -> None:
    done = run("db", "downgrade", loaded, revision, "--yes")
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert "Earlier revisions: 0001, 0002" in done.err
