"""DB-API connections and cursors over one ``duckdb.DuckDBPyConnection``."""

from __future__ import annotations

import re
import weakref
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import duckdb

from mixpanel_data._internal.duckdb.interrupt import interruptible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

# The names under which DuckDB reports that a statement ran, where it has no rows to give.
_STATUS = frozenset({"Count", "Success"})
_RETURNING = re.compile(r"\breturning\b", re.IGNORECASE)
READS = frozenset({"SELECT", "EXPLAIN", "PRAGMA", "CALL", "RELATION", "LOGICAL_PLAN"})


class Connection:
    """A DuckDB connection whose failures cannot be committed and whose results stay whole."""

    def __init__(self, raw: duckdb.DuckDBPyConnection) -> None:
        self._raw = raw
        self._reading: weakref.ref[Cursor] | None = None
        self._scans_left_on = False
        self.temporary_tables: set[str] = set()
        """The names, in lower case, of those that were made here from a ``sa.Table``."""
        self.autocommit = False
        self.closed = False

    @property
    def raw(self) -> duckdb.DuckDBPyConnection:
        """The driver's own connection, sharing this transaction.

        DuckDB has one open result per connection, so rows still unread here are taken in first.
        """
        self.buffer_pending_result()
        return self._raw

    @property
    def idle_driver_connection(self) -> duckdb.DuckDBPyConnection:
        """The driver's own connection as :attr:`raw`, and with no result open.

        DuckDB 2.0's ``register()`` and the like refuse to put away a result, even one that nobody
        will read on; the next query does so, without running the old one to its end.
        """
        may_be_open = self._reading is not None
        self.buffer_pending_result()
        if may_be_open:
            self._raw.execute("SELECT 1").fetchall()
        return self._raw

    def cursor(self) -> Cursor:
        """Return a cursor with a result of its own."""
        return Cursor(self)

    def begin(self) -> None:
        """Start a transaction, unless every statement is to be its own."""
        if not self.autocommit:
            self.raw.begin()

    def commit(self) -> None:
        """Commit, or roll back and raise if an earlier error has aborted the transaction."""
        if self.autocommit:
            return
        try:
            # DuckDB answers COMMIT of an aborted transaction with a silent rollback; a query it
            # refuses.
            self.raw.execute("SELECT 1")
            self._raw.commit()
        except duckdb.TransactionException as exc:
            self.rollback()
            if "aborted" not in str(exc):
                raise
            raise duckdb.TransactionException(
                "Nothing was committed: an earlier error aborted this transaction, which has now"
                " been rolled back. Let the error leave the transaction's block, or roll back."
            ) from exc
        except duckdb.Error:
            self.rollback()
            raise

    def rollback(self) -> None:
        """Undo the transaction, if there is one; results still open cannot be read on."""
        if self.autocommit:
            return
        reader = self._reader()
        if reader is not None:
            reader.invalidate()
        self._reading = None
        try:
            self._raw.rollback()
        except duckdb.TransactionException as exc:
            if "no transaction is active" not in str(exc):
                raise
        if self._scans_left_on:
            self._set_replacement_scans(False)

    def close(self) -> None:
        """Close the driver's connection."""
        self._reading = None
        self._raw.close()
        self.closed = True

    @contextmanager
    def replacement_scans(self) -> Iterator[None]:
        """Let SQL in this block name Python variables of the frame that executes it."""
        self._set_replacement_scans(True)
        try:
            yield
        finally:
            try:
                self._set_replacement_scans(False)
            except duckdb.TransactionException:
                # Aborted: nothing can run before the rollback, which switches them off.
                self._scans_left_on = True

    def _set_replacement_scans(self, on: bool) -> None:
        self.raw.execute(f"SET python_enable_replacements = {on}")
        self._scans_left_on = on

    def reading(self, cursor: Cursor) -> None:
        """Note which cursor the driver's open result belongs to."""
        self._reading = weakref.ref(cursor)

    def buffer_pending_result(self) -> None:
        """Take in the rows of the open result, which the next statement would cut short."""
        reader = self._reader()
        self._reading = None
        if reader is not None:
            reader.buffer_rows()

    def _reader(self) -> Cursor | None:
        return self._reading() if self._reading is not None else None


class SharedConnection:
    """A connection that others use, too, in a transaction of its own or as *autocommit* in theirs.

    Closing it closes nothing, and calls *on_close*.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        autocommit: bool = False,
        on_close: Callable[[], object] = lambda: None,
    ) -> None:
        self._connection = connection
        self._on_close = on_close
        self.autocommit = autocommit
        self.temporary_tables = connection.temporary_tables

    @property
    def closed(self) -> bool:
        """Whether the connection itself is closed."""
        return self._connection.closed

    @property
    def idle_driver_connection(self) -> duckdb.DuckDBPyConnection:
        """The driver's own connection, with no result open."""
        return self._connection.idle_driver_connection

    def cursor(self) -> Cursor:
        """Return a cursor with a result of its own."""
        return self._connection.cursor()

    def begin(self) -> None:
        """Start a transaction, unless every statement is to be its own."""
        if not self.autocommit:
            self._connection.begin()

    def commit(self) -> None:
        """Commit what :meth:`begin` started."""
        if not self.autocommit:
            self._connection.commit()

    def rollback(self) -> None:
        """Undo what was done since :meth:`begin`."""
        if not self.autocommit:
            self._connection.rollback()

    def close(self) -> None:
        """Leave the connection to the others, without a transaction that was begun here."""
        try:
            # SQLAlchemy closes without a rollback what Ctrl-C has interrupted.
            if not self.closed:
                self.rollback()
        finally:
            self._on_close()


class Cursor:
    """A PEP 249 cursor; its rows stream from DuckDB until another statement is executed."""

    arraysize = 1

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.description: list[tuple[Any, ...]] | None = None
        self.rowcount = -1
        self._driver: duckdb.DuckDBPyConnection | None = None
        self._kept: Iterator[tuple[Any, ...]] = iter(())
        self._lost = False

    @property
    def driver(self) -> duckdb.DuckDBPyConnection:
        """The driver's connection while it holds this result, for its DataFrames and Arrow."""
        self._check_readable()
        assert self._driver is not None, "there is no result to read"
        return self._driver

    def execute(self, statement: str, parameters: Sequence[Any] | None = None) -> None:
        """Run one statement."""
        self.close()
        raw = self.connection.raw
        interruptible(raw, lambda: raw.execute(statement, parameters or None))
        self._describe(raw, statement)

    def executemany(self, statement: str, parameters: Sequence[Sequence[Any]]) -> None:
        """Run one statement for every row of parameters."""
        self.close()
        if parameters:
            raw = self.connection.raw
            interruptible(raw, lambda: raw.executemany(statement, parameters))

    def _describe(self, raw: duckdb.DuckDBPyConnection, statement: str) -> None:
        description = raw.description
        if description and len(description) == 1 and description[0][0] in _STATUS:
            kind = raw.extract_statements(statement)[-1].type.name
            if kind not in READS and not _RETURNING.search(statement):
                # DuckDB before 2.0 tells the number of rows only in this result.
                status = raw.fetchone()
                self.rowcount = status[0] if status and description[0][0] == "Count" else -1
                return
        if description:
            # Types as text: SQLAlchemy keeps them as dictionary keys.
            self.description = [(name, str(kind), *rest) for name, kind, *rest in description]
            self._driver = raw
            self.connection.reading(self)

    def fetchone(self) -> tuple[Any, ...] | None:
        """Return the next row, or None."""
        self._check_readable()
        return self._driver.fetchone() if self._driver is not None else next(self._kept, None)

    def fetchmany(self, size: int | None = None) -> list[tuple[Any, ...]]:
        """Return the next rows, at most *size*."""
        self._check_readable()
        size = self.arraysize if size is None else size
        if self._driver is not None:
            return interruptible(self._driver, partial(self._driver.fetchmany, size))
        return list(islice(self._kept, size))

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return all rows that are left."""
        self._check_readable()
        if self._driver is not None:
            return interruptible(self._driver, self._driver.fetchall)
        return list(self._kept)

    def buffer_rows(self) -> None:
        """Hold the unread rows here rather than in the driver."""
        if self._driver is not None:
            driver, self._driver = self._driver, None
            self._kept = iter(interruptible(driver, driver.fetchall))

    def invalidate(self) -> None:
        """Refuse further reading: the rows went with their transaction."""
        self._lost = self._driver is not None
        self._driver = None

    def _check_readable(self) -> None:
        if self._lost:
            raise duckdb.InvalidInputException(
                "This result was still being read when its transaction was rolled back;"
                " its remaining rows are gone."
            )

    def close(self) -> None:
        """Forget the result."""
        self.description, self.rowcount = None, -1
        self._driver, self._kept, self._lost = None, iter(()), False
