"""A relay before a server, which kills a client between a statement and its answer."""

from __future__ import annotations

import os
import re
import selectors
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_CHUNK = 1 << 16


class Relay:
    """Passes on what clients and the server say, until a client sends what it waits for."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._pattern: re.Pattern[bytes] | None = None
        self._victim = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def kill_after(self, statement: str, victim: int) -> None:
        """Kill the process *victim* once the server has answered *statement*, a pattern."""
        self._victim = victim
        self._pattern = re.compile(statement.encode())

    def close(self) -> None:
        """Take no more clients."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        with (
            suppress(OSError),
            client,
            socket.create_connection(("127.0.0.1", self._to)) as server,
            selectors.DefaultSelector() as selector,
        ):
            selector.register(client, selectors.EVENT_READ, server)
            selector.register(server, selectors.EVENT_READ, client)
            asked = b""
            while True:
                for key, _ in selector.select():
                    said = key.fileobj.recv(_CHUNK)  # type: ignore[union-attr]
                    if not said:
                        return
                    if key.fileobj is client:
                        asked += said
                    elif self._is_awaited(asked):
                        self._pattern = None
                        os.kill(self._victim, signal.SIGKILL)
                        return
                    else:
                        asked = b""
                    key.data.sendall(said)

    def _is_awaited(self, asked: bytes) -> bool:
        return self._pattern is not None and self._pattern.search(asked) is not None


@contextmanager
def relaying(port: int) -> Iterator[Relay]:
    """Yield a relay before a *port* of this machine."""
    relay = Relay(port)
    try:
        yield relay
    finally:
        relay.close()
