"""Real ClickHouse servers on loopback, each a process with a folder and free ports of its own.

``make clickhouse`` fetches the npm package that the server is in: its libchdb.so is ClickHouse, and
``SYSTEM START LISTEN`` makes a server of it. There are no users and no passwords.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tests.support.processes import ROOT, environment

PACKAGE = ROOT / ".clickhouse" / "node_modules" / "@chdb" / "lib-linux-x64-gnu"
LIBRARY = Path(os.environ.get("CLICKHOUSE_LIBRARY") or PACKAGE / "libchdb.so")
IS_THERE = LIBRARY.is_file()
WHY_NOT = f"no ClickHouse server: {LIBRARY} is not there; `make clickhouse` fetches it with npm"

# The last one keeps it alive.
_QUERY = (
    "SYSTEM START LISTEN HTTP; SYSTEM START LISTEN TCP; SELECT sleepEachRow(1) FROM system.numbers"
    " SETTINGS max_block_size = 1 FORMAT Null"
)
_SHARDS = """<clickhouse><remote_servers><{0}>{1}</{0}></remote_servers></clickhouse>"""
_SHARD = "<shard><replica><host>127.0.0.1</host><port>{}</port></replica></shard>"
CLUSTER = "two_shards"

_numbers = itertools.count(1)


class Server:
    """One server process; a killed one can be started again on the same folder and ports."""

    def __init__(self, folder: Path, ports: tuple[int, int], config: Path | None = None) -> None:
        self.folder = folder
        self.http_port, self.tcp_port = ports
        self._config = [] if config is None else [f"--config-file={config}"]
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def pid(self) -> int:
        """The process's id."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start the process, and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        log = self.folder.with_suffix(".log")
        ports = [str(self.http_port), str(self.tcp_port)]
        words = [sys.executable, "-m", __name__, str(LIBRARY), str(self.folder), *ports]
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                [*words, *self._config],
                env=environment(),
                cwd=self.folder,
                stdout=file,
                stderr=file,
                stdin=subprocess.DEVNULL,
            )
        while not self._answers():
            assert self._process.poll() is None, log.read_text(errors="replace")[-2000:]
            time.sleep(0.02)

    def close(self) -> None:
        """End the process, which must be alive."""
        assert self._process is not None
        code = self._process.poll()
        self.kill()
        assert code is None, f"the server of {self.folder} had ended by itself: {code}"

    def revive(self) -> bool:
        """Start the process again if it has ended by itself, and return whether it had."""
        assert self._process is not None
        if self._answers():
            return False
        self._process.wait(10)
        self.start()
        return True

    def kill(self) -> None:
        """End the process by SIGKILL: it writes nothing any more, and may be dead already."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def ask(self, sql: str, database: str = "default") -> str:
        """Return what the server answers, as tab-separated text."""
        query = urllib.parse.urlencode({"database": database})
        address = f"http://127.0.0.1:{self.http_port}/?{query}"
        try:
            with urllib.request.urlopen(address, data=sql.encode()) as answer:
                return str(answer.read().decode().rstrip("\n"))
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from None

    def url(self, database: str) -> str:
        """Return the URL of a database."""
        return f"clickhousedb://127.0.0.1:{self.http_port}/{database}"

    def new_database(self, name: str | None = None) -> str:
        """Make an empty database, and return its name."""
        name = name or f"db{next(_numbers)}"
        self.ask(f"CREATE DATABASE {name} ENGINE = Atomic")
        return name

    def cpu_seconds(self) -> float:
        """Return the processor time that the process has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak_memory(self) -> int:
        """Return the largest resident memory so far, in bytes."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))

    def _answers(self) -> bool:
        try:
            # It listens there last.
            socket.create_connection(("127.0.0.1", self.tcp_port)).close()
            return self.ask("SELECT 1") == "1"
        except (OSError, AssertionError):
            return False


def free_ports() -> tuple[int, int]:
    """Return two ports that nothing listens on, and that no connection is given by the system."""
    found: list[int] = []
    while len(found) < 2:
        port = random.randrange(10_000, 32_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            found.append(port)
    return found[0], found[1]


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    """Yield a server on a new *folder*, and end it."""
    server = Server(folder, free_ports())
    try:
        yield server
    finally:
        server.close()


@contextmanager
def shards(folder: Path) -> Iterator[tuple[Server, Server]]:
    """Yield two servers, each of which knows both as the cluster ``two_shards``."""
    folder.mkdir(parents=True, exist_ok=True)
    ports = [free_ports(), free_ports()]
    config = folder / "config.xml"
    config.write_text(
        _SHARDS.format(CLUSTER, "".join(_SHARD.format(tcp) for _, tcp in ports)), encoding="utf-8"
    )
    with ExitStack() as stack:
        started = []
        for number, pair in enumerate(ports, 1):
            server = Server(folder / f"shard{number}", pair, config)
            # Of two one may have ended by itself: see ``Sharded.revive``.
            stack.callback(server.kill)
            started.append(server)
        yield started[0], started[1]


def _serve(library: str, folder: str, http: str, tcp: str, *more: str) -> None:
    """Be the server, until a signal or the end of the process that started this one."""
    parent_ends = 1  # PR_SET_PDEATHSIG
    ctypes.CDLL(None).prctl(parent_ends, signal.SIGKILL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    served = ctypes.CDLL(library).chdb_query_cmdline
    served.restype = ctypes.c_void_p
    served.argtypes = [ctypes.c_int, ctypes.POINTER(ctypes.c_char_p)]
    words = [
        *("clickhouse", "--path", folder, f"--http_port={http}", f"--tcp_port={tcp}"),
        # With another output format clickhouse-connect misreads the answers.
        *("--listen_host=127.0.0.1", "--output-format", "TabSeparated", *more, "--query", _QUERY),
    ]
    served(len(words), (ctypes.c_char_p * len(words))(*map(str.encode, words)))


if __name__ == "__main__":
    _serve(*sys.argv[1:])
