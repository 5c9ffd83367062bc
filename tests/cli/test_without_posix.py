"""Import, loads, queries and maintenance without the names that only POSIX has, as on Windows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.export_files import event, profile, write_lines
from tests.support.processes import environment

pytestmark = pytest.mark.slow

# The other libraries are imported first: they look for their own ways at import.
WINDOWS = """
import errno, os, shutil, signal, sys, tempfile
import alembic.command, duckdb, duckdb_engine, orjson, pandas, pyarrow.parquet, pydantic, pytz
import rich.console, rich.progress, rich.table, sqlalchemy.orm, typer, typer.testing

for name in ("O_DIRECTORY O_NOFOLLOW O_NONBLOCK O_CLOEXEC O_SYNC getuid geteuid getgid fork forkpty"
             " register_at_fork pread pwrite fchmod fchown chown lchown mkfifo mknod setsid killpg"
             " getpgid statvfs sysconf nice wait WNOHANG sched_getaffinity getloadavg").split():
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGPIPE SIGHUP SIGKILL SIGALRM SIGUSR1 SIGUSR2 SIGCHLD SIGQUIT SIGTSTP SIGCONT alarm"
             " setitimer getitimer pause pthread_kill pthread_sigmask sigwait").split():
    if hasattr(signal, name):
        delattr(signal, name)
for name in "fcntl pwd grp resource termios tty pty syslog".split():
    sys.modules[name] = None
shutil._use_fd_functions = False
os.O_BINARY = 1 << 30

def ours():
    return sys._getframe(2).f_globals.get("__name__", "").startswith("mixpanel_data")

real_open, real_fsync, real_listdir = os.open, os.fsync, os.listdir

def open_(path, flags, mode=0o777, **more):
    if ours():
        assert flags & os.O_BINARY, f"{path} is opened as a text"
        if os.path.isdir(path):
            raise PermissionError(errno.EACCES, "a directory", path)
    return real_open(path, flags & ~os.O_BINARY, mode, **more)

def fsync(descriptor):
    fields = dict(line.split(None, 1) for line in open(f"/proc/self/fdinfo/{descriptor}"))
    if not int(fields["flags:"], 8) & 3:
        raise OSError(errno.EBADF, "opened for reading only")
    real_fsync(descriptor)

def listdir(path="."):
    if path == "/dev/fd":
        raise FileNotFoundError(path)
    return real_listdir(path)

def refusing_open_files(real):
    def call(path, *more, **options):
        for name in (path, *more):
            target = os.path.realpath(name)
            for held in real_listdir("/proc/self/fd"):
                try:
                    if os.readlink(f"/proc/self/fd/{held}") == target:
                        raise PermissionError(errno.EACCES, "in use", target)
                except FileNotFoundError:
                    pass
        return real(path, *more, **options)
    return call

os.open, os.fsync, os.listdir = open_, fsync, listdir
for name in ("unlink", "remove", "rename", "replace"):
    setattr(os, name, refusing_open_files(getattr(os, name)))
"""

COMMANDS = (
    WINDOWS
    + """
from mixpanel_data.cli import main

for words in sys.stdin.read().splitlines():
    sys.argv = ["mixpanel-data", *words.split()]
    try:
        main()
    except SystemExit as ended:
        if ended.code:
            sys.exit(f"{words}: {ended.code}")
"""
)

LIBRARY = (
    WINDOWS
    + """
from mixpanel_data import StorageEngine
folder = sys.argv[1]
for storage in (StorageEngine.ephemeral(), StorageEngine.memory(), StorageEngine(f"{folder}/a.db")):
    with storage:
        print(storage.load_export("events", sys.argv[2]), storage.execute_scalar("FROM range(1)"))
    assert storage.path is None or storage.path.name == "a.db" or not storage.path.exists()
"""
)


def run(folder: Path, code: str, *arguments: object, commands: str = "") -> str:
    # Its temporary directories have no locks: another process would take them for left ones.
    temporary = folder / "temporary"
    temporary.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        input=commands,
        capture_output=True,
        text=True,
        env=environment(TMPDIR=str(temporary)),
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    temporary.rmdir()
    return done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="what is open is looked up in /proc")
def test_the_command_line_needs_no_name_of_posix(tmp_path: Path) -> None:
    write_lines(tmp_path / "events.jsonl.gz", map(event, range(10)))
    write_lines(tmp_path / "people.jsonl", map(profile, range(5)))
    db = tmp_path / "a.db"
    out = run(
        tmp_path,
        COMMANDS,
        commands=f"""--version
load events {tmp_path}/events.jsonl.gz --db {db}
load {tmp_path}/people.jsonl --db {db}
load events {tmp_path}/events.jsonl.gz --append --db {db}
query SELECT(1) --db {db} --output {tmp_path}/one.parquet
tables --db {db}
db check {db}
db backup {db} {tmp_path}/b.db
db compact {db}
db status {db}
""",
    )
    assert "events: 10 rows stored" in out
    assert "profiles: 5 rows stored" in out
    assert "events: 0 rows stored, 10 duplicates" in out
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("a.db", "b.db", "events.jsonl.gz", "one.parquet", "people.jsonl"),
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="what is open is looked up in /proc")
def test_the_library_needs_no_name_of_posix(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "events.jsonl", map(event, range(10)))
    assert run(tmp_path, LIBRARY, tmp_path, path) == "10 0\n" * 3
