"""The command line on a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import subprocess
import sys
import termios
import time


class Terminal:
    """A process whose stdin, stdout and stderr are a terminal of 100 columns."""

    def __init__(self, *arguments: object, **environment: str) -> None:
        mine, theirs = pty.openpty()
        settings = {"COLUMNS": "100", "TERM": "xterm-256color", **environment}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mixpanel_data", *map(str, arguments)],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={k: v for k, v in os.environ.items() if k != "NO_COLOR"} | settings,
            start_new_session=True,
            # Makes it the terminal whose Ctrl-C reaches the process.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(theirs)
        self._screen = mine
        self.text = ""

    def read_until(self, text: str) -> None:
        self.read_until_match(re.escape(text))

    def read_until_match(self, pattern: str) -> None:
        while not re.search(pattern, self.text) and self._read():
            pass

    def type(self, text: str, after: float = 0.2) -> None:
        # Python sees a Ctrl-C that comes between a question and the reading only at the next key.
        time.sleep(after)
        os.write(self._screen, text.encode())

    def wait(self) -> int:
        while self._read():
            pass
        os.close(self._screen)
        return self._process.wait(timeout=20)

    def _read(self) -> bool:
        assert select.select([self._screen], [], [], 20)[0], f"nothing more came: {self.text}"
        try:
            chunk = os.read(self._screen, 65536)
        except OSError:  # how Linux says that the other end is closed
            return False
        self.text += chunk.decode(errors="replace")
        return bool(chunk)
