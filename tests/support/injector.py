"""Driver calls that fail: the N-th of an operation, for every N until it needs fewer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
import pytest

from mixpanel_data._internal.duckdb.dialect.dbapi import Connection, Cursor

# What goes to the driver: statements, many rows, and the ends of transactions.
CALLS = [
    (Cursor, "execute"),
    (Cursor, "executemany"),
    (Connection, "begin"),
    (Connection, "commit"),
]
ERRORS: list[Callable[[], Exception]] = [
    lambda: duckdb.IOException("IO Error: Could not write file: No space left on device"),
    lambda: duckdb.OutOfMemoryException("Out of Memory Error: could not allocate block"),
    lambda: duckdb.TransactionException("TransactionContext Error: Conflict on update!"),
    lambda: duckdb.Error("something that no version has raised yet"),
]


class Injector:
    """Counts the calls to the driver, and lets one of them fail."""

    def __init__(self) -> None:
        self.calls = self.fail_at = 0

    @property
    def injected(self) -> bool:
        """Whether the failure has come up."""
        return 0 < self.fail_at <= self.calls

    def wrap(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return *call* with the failure in front of it."""

        def counted(*arguments: Any, **options: Any) -> Any:
            self.calls += 1
            if self.calls == self.fail_at:
                raise ERRORS[self.calls % len(ERRORS)]()
            return call(*arguments, **options)

        return counted


@contextmanager
def failing(fail_at: int) -> Iterator[Injector]:
    """Let the driver's call number *fail_at* in the block fail, each with an error of a kind."""
    injector = Injector()
    injector.fail_at = fail_at
    with pytest.MonkeyPatch.context() as patch:
        for owner, name in CALLS:
            patch.setattr(owner, name, injector.wrap(getattr(owner, name)))
        yield injector
