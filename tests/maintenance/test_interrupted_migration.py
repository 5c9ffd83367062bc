"""A migration that is stopped leaves the revision before or the one after, never between."""

from __future__ import annotations

import json
import os
from pathlib import Path

import duckdb
import pytest

from mixpanel_data import StorageEngine, maintenance
from mixpanel_data.exceptions import DatabaseLockedError, QueryError
from tests.support.effort import only_thorough, some, tries
from tests.support.files import HEAD, REVISIONS, contents, original, revision_of, without_keys
from tests.support.processes import OtherProcess, run, start

pytestmark = pytest.mark.slow

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")

# One interpreter forks a child for every trial, before it ever opens a database itself.
_TRIALS = """
import json, os, random, shutil, signal, sys, time
from mixpanel_data import maintenance
from mixpanel_data._internal.maintenance import migrate  # loaded before the forks

folder, call, trials = sys.argv[1], sys.argv[2], int(sys.argv[3])
chance = random.Random(call)

def work(path, started):
    os.write(started, b"x")
    if call == "upgrade":
        maintenance.upgrade(path, backup=False)
    else:
        maintenance.downgrade(path, "0001", backup=False)

def trial(n, wait=None):
    path = os.path.join(folder, f"{n}.db")
    shutil.copy(os.path.join(folder, "before.db"), path)
    begun, started = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            work(path, started)
        finally:
            os._exit(0)
    os.close(started)
    os.read(begun, 1)
    start = time.monotonic()
    if wait is not None:
        time.sleep(wait)
        os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(begun)
    return time.monotonic() - start

full = trial(0)
for n in range(1, trials + 1):
    trial(n, wait=full * n / (trials + 1))
print(json.dumps(full))
"""

TRIALS = tries(1, 20)


@needs_fork
@pytest.mark.parametrize("call", some(["upgrade", "downgrade"], 1))
def test_a_killed_migration_leaves_one_revision_or_the_next(call: str, tmp_path: Path) -> None:
    before = original(tmp_path / "before.db", {"jan": 2000, "feb": 500})
    if call == "downgrade":
        maintenance.upgrade(before, backup=False)
    expected = without_keys(contents(before))
    json.loads(run(_TRIALS, tmp_path, call, TRIALS))
    reached = [_finished(tmp_path / f"{n}.db") for n in range(TRIALS + 1)]
    assert set(reached) <= set(REVISIONS)
    assert reached[0] == (HEAD if call == "upgrade" else REVISIONS[0])
    for n in range(TRIALS + 1):
        assert maintenance.check(tmp_path / f"{n}.db") == []
        assert without_keys(contents(tmp_path / f"{n}.db")) == expected


def _finished(path: Path) -> str | None:
    """Return the revision that was reached, and go on from there to the head."""
    reached = revision_of(path)
    maintenance.upgrade(path, backup=False)
    with StorageEngine(path) as engine:
        assert len(engine.list_tables()) == 2
    return reached


def test_a_revision_that_fails_leaves_the_one_before(made: Path) -> None:
    with duckdb.connect(str(made)) as connection:
        connection.execute("CREATE VIEW _loads AS SELECT 1 AS in_the_way")
    before = contents(made)
    with pytest.raises(QueryError, match=r"_loads.*already exists") as caught:
        maintenance.upgrade(made, backup=False)
    assert "migrate" in caught.value.details["query"]
    assert revision_of(made) == "0002"
    assert contents(made) == before
    with duckdb.connect(str(made)) as connection:
        connection.execute("DROP VIEW _loads")
    assert maintenance.upgrade(made, backup=False).after == HEAD


def test_a_failure_names_the_backup(newest: Path) -> None:
    with duckdb.connect(str(newest)) as connection:
        connection.execute("UPDATE _metadata SET row_count = 3000000000")
    with pytest.raises(QueryError, match=rf"old\.db\.{HEAD}\.bak") as caught:
        maintenance.downgrade(newest, "0001")
    assert Path(caught.value.details["backup"]).exists()


def test_counts_that_do_not_fit_stop_the_downgrade(newest: Path) -> None:
    with duckdb.connect(str(newest)) as connection:
        connection.execute("UPDATE _metadata SET row_count = 3000000000")
    with pytest.raises(QueryError, match="3000000000"):
        maintenance.downgrade(newest, "0001", backup=False)
    assert revision_of(newest) == "0002"


@only_thorough
def test_what_the_caller_raises_stops_the_migration_and_arrives(tmp_path: Path) -> None:
    path = original(tmp_path / "large.db", {"jan": 1_100_000})
    maintenance.upgrade(path, backup=False)
    before = _fingerprint(path)

    def interrupt(_revision: str, _done: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        maintenance.downgrade(path, "0001", backup=False, progress=interrupt)
    assert revision_of(path) in REVISIONS[3:]
    assert _fingerprint(path) == before


def _fingerprint(path: Path) -> list[tuple[int, int]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute("SELECT count(*), bit_xor(hash(jan)) FROM jan").fetchall()


_FULL = """
import resource, sys
from mixpanel_data import maintenance
from mixpanel_data.exceptions import MixpanelDataError

path, backup, limit = sys.argv[1], sys.argv[2] == "backup", int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
try:
    maintenance.upgrade(path, backup=backup)
except (MixpanelDataError, OSError) as error:
    print("refused", type(error).__name__)
else:
    print("done")
"""


@pytest.mark.parametrize("limit", [500, 100_000])
def test_a_full_disk_leaves_no_half_backup_and_the_file_as_it_was(limit: int, made: Path) -> None:
    pytest.importorskip("resource", reason="the system has no limits to set")
    before = made.read_bytes()
    assert run(_FULL, made, "backup", limit) == "refused OSError\n"
    assert [file.name for file in made.parent.iterdir()] == [made.name]
    assert made.read_bytes() == before


@pytest.mark.parametrize("limit", some([2_000, 500, 6_000], 1))
def test_a_full_disk_leaves_one_revision_or_the_next(limit: int, made: Path) -> None:
    pytest.importorskip("resource", reason="the system has no limits to set")
    before = contents(made)
    end = run(_FULL, made, "no backup", limit)
    assert (revision_of(made) == HEAD) == (end == "done\n")
    assert contents(made) == before
    assert maintenance.upgrade(made, backup=False).after == HEAD


def test_of_two_processes_that_upgrade_at_once_one_does_it(tmp_path: Path) -> None:
    path = original(tmp_path / "both.db", {"jan": 20_000})
    before = without_keys(contents(path))
    code = """
        import sys
        from mixpanel_data import maintenance
        from mixpanel_data.exceptions import DatabaseLockedError
        try:
            print(maintenance.upgrade(sys.argv[1], backup=False).before)
        except DatabaseLockedError:
            print("locked")
    """
    children = [start(code, path) for _ in range(3)]
    ends = sorted(child.communicate(timeout=60)[0].strip() for child in children)
    assert [child.returncode for child in children] == [0, 0, 0]
    assert ends.count("0001") == 1
    assert set(ends) <= {"0001", HEAD, "locked"}
    assert revision_of(path) == HEAD
    assert without_keys(contents(path)) == before


@pytest.mark.parametrize("call", ["upgrade", "compact"])
def test_a_file_that_another_process_reads_is_locked(call: str, made: Path) -> None:
    other = OtherProcess()
    other.run("engine = StorageEngine(path, read_only=True)", path=str(made))
    before = contents(made)
    with pytest.raises(DatabaseLockedError) as caught:
        getattr(maintenance, call)(made)
    assert caught.value.holding_pid == other.pid
    assert contents(made) == before
    other.end()
