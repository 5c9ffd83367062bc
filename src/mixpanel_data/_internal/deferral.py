"""What waits: Ctrl-C for the end of a block, and large packages for their first use."""

from __future__ import annotations

import importlib
import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

logger = logging.getLogger(__name__)


class Deferral:
    """Calls the handlers of signals as ever, and keeps what they raise until the end."""

    def __init__(self) -> None:
        self._handlers: dict[int, Callable[[int, FrameType | None], Any]] = {}
        self._kept: BaseException | None = None

    def start(self) -> None:
        """Keep back from now on what Ctrl-C and SIGTERM raise, on the main thread."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                handler = signal.getsignal(number)
                if callable(handler) and handler != self._handle:
                    self._handlers[number] = handler
                    signal.signal(number, self._handle)

    def end(self) -> BaseException | None:
        """Return what was kept back, and let the handlers raise again."""
        for number, handler in self._handlers.items():
            if signal.getsignal(number) == self._handle:  # and not what a handler put there
                signal.signal(number, handler)
        return self._kept

    def _handle(self, number: int, frame: FrameType | None) -> None:
        try:
            self._handlers[number](number, frame)
        except BaseException as error:
            self._kept = error


@contextmanager
def deferred_interrupts() -> Iterator[None]:
    """Keep Ctrl-C out of the block, and raise it at the end."""
    deferral = Deferral()
    try:
        deferral.start()
        yield
    finally:
        kept = deferral.end()
    if kept is not None:
        raise kept


@contextmanager
def late_interrupts(what: str) -> Iterator[Callable[[], None]]:
    """Yield a function that keeps Ctrl-C out of the rest of the block, which then succeeds.

    For a commit: an exception after it would make what is stored look as if it were not.
    """
    deferral = Deferral()
    try:
        yield deferral.start
    finally:
        kept = deferral.end()
    if isinstance(kept, KeyboardInterrupt):
        logger.warning("Ctrl-C came too late to stop the %s, which is complete.", what)
    elif kept is not None:
        raise kept


class Package:
    """One that takes long to load, imported when the first of its names is used."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._module: Any = None

    def __getattr__(self, name: str) -> Any:
        if self._module is None:
            # An import of C code may swallow what a signal raises.
            with deferred_interrupts():
                self._module = importlib.import_module(self._name)
        return getattr(self._module, name)
