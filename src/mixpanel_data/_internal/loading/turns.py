"""Turns: those who write into one table of a database wait for each other."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from weakref import WeakValueDictionary


class Turn:
    """The right to write into a table, of one thread at a time; within it, it has it again."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._depth = 0

    def __enter__(self) -> None:
        self._lock.acquire()
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        self._lock.release()

    @contextmanager
    def if_free(self) -> Iterator[bool]:
        """Yield whether nobody writes, this thread included; others wait for the block then."""
        if not self._lock.acquire(blocking=False):
            yield False
            return
        try:
            yield self._depth == 0
        finally:
            self._lock.release()


class Turns:
    """The turns of the tables of one database."""

    def __init__(self) -> None:
        self._turns: defaultdict[str, Turn] = defaultdict(Turn)

    def of(self, table: str) -> Turn:
        """Return the turn of a table, in whatever case its name is."""
        return self._turns[table.lower()]


_turns: WeakValueDictionary[Hashable, Turns] = WeakValueDictionary()


def turns_of(database: Hashable) -> Turns:
    """Return the turns of a database, the same for all that have it open in this process."""
    return _turns.setdefault(database, Turns())
