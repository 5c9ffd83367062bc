"""DB-API connections and cursors over one ``duckdb.DuckDBPyConnection``."""

from __future__ import annotations

import re
import weakref
from contextlib import contextmanager
from functools import partial, wraps
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar, cast

import duckdb

from mixpanel_data._internal.duckdb import MAJOR
from mixpanel_data._internal.duckdb.interrupt import interruptible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

F = TypeVar("F", bound="Callable[..., Any]")

# What DuckDB calls the number of changed rows; the second one where a table has triggers.
_COUNTS = frozenset({"Count", "count_star()"})
# The names under which it reports that a statement ran, where it has no rows to give.
_STATUS = _COUNTS | {"Success"}
_RETURNING = re.compile(r"\breturning\b", re.IGNORECASE)
# Whether the driver counts the rows of an executemany; DuckDB 1 counts only those of the last run.
_COUNTS_MANY = MAJOR >= 2
_ONE_ROW_EACH = re.compile(
    r"\s*INSERT\s+INTO\b(?!.*\b(?:CONFLICT|SELECT|FROM)\b)", re.IGNORECASE | re.DOTALL
)
READS = frozenset({"SELECT", "EXPLAIN", "PRAGMA", "CALL", "RELATION", "LOGICAL_PLAN"})


def kind_of(statement: duckdb.Statement) -> str:
    """Return what kind of statement it is, "OTHER" where DuckDB's Python has no name for it."""
    try:
        return statement.type.name
    except ValueError:
        return "OTHER"


_SYNTAX = (duckdb.ParserException, duckdb.SyntaxException)


def _is_abort(error: Exception) -> bool:
    """Return whether DuckDB refused a statement because of an error before it."""
    return isinstance(error, duckdb.TransactionException) and "aborted" in str(error)


def _quoted(first: Exception | None) -> str:
    return f" The earlier error: {first}" if first else ""


class Connection:
    """A DuckDB connection whose failures cannot be committed and whose results stay whole."""

    def __init__(self, raw: duckdb.DuckDBPyConnection) -> None:
        self._raw = raw
        self._reading: weakref.ref[Cursor] | None = None
        self._scans_left_on = False
        self._in_transaction = False
        self._first_error: Exception | None = None
        self.temporary_tables: set[str] = set()
        """The names, in lower case, of those that were made here from a ``sa.Table``."""
        self.autocommit = False
        self.closed = False

    @property
    def raw(self) -> duckdb.DuckDBPyConnection:
        """The driver's own connection, sharing this transaction.

        DuckDB has one open result per connection, so its unread rows are fetched first.
        """
        self.buffer_pending_result()
        return self._raw

    @property
    def idle_driver_connection(self) -> duckdb.DuckDBPyConnection:
        """The driver's own connection as :attr:`raw`, and with no result open.

        DuckDB 2.0's ``register()`` and the like fail while a result is open, even one that nobody
        will read on; another query closes it, without running the old one to its end.
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
            self._in_transaction = True

    def commit(self) -> None:
        """Commit, or roll back and raise if an earlier error has aborted the transaction.

        Whoever swallowed that error still learns of it: it is quoted, and the cause of the new one.
        """
        if self.autocommit:
            return
        try:
            # DuckDB answers COMMIT of an aborted transaction with a silent rollback; a query it
            # refuses.
            self.raw.execute("SELECT 1")
            self._raw.commit()
        except duckdb.Error as exc:
            first = self._first_error
            self.rollback()
            if not _is_abort(exc):
                raise
            raise duckdb.TransactionException(
                "Nothing was committed: an earlier error aborted this transaction, which has now"
                " been rolled back. Let the error leave the transaction's block, or roll back."
                + _quoted(first)
            ) from first or exc
        self._end_transaction()

    def error_of(self, error: Exception) -> Exception:
        """Return a failed statement's error; in an aborted transaction, with the one behind it."""
        first = self._first_error
        if first is not None and error is not first and _is_abort(error):
            explained = duckdb.TransactionException(f"{error}.{_quoted(first)}")
            explained.__cause__ = first
            return explained
        # DuckDB before 2.0 goes on after some errors; a statement that got beyond its syntax tells.
        if self._in_transaction and (first is None or not isinstance(error, _SYNTAX)):
            self._first_error = error
        return error

    def _end_transaction(self) -> None:
        self._in_transaction, self._first_error = False, None

    def rollback(self) -> None:
        """Undo the transaction, if there is one; open results become unreadable."""
        if self.autocommit:
            return
        reader = self._reader()
        if reader is not None:
            reader.invalidate()
        self._reading = None
        self._end_transaction()
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
                # Aborted: nothing can run before the rollback, which turns them off.
                self._scans_left_on = True

    def _set_replacement_scans(self, on: bool) -> None:
        self.raw.execute(f"SET python_enable_replacements = {on}")
        self._scans_left_on = on

    def reading(self, cursor: Cursor) -> None:
        """Note which cursor the driver's open result belongs to."""
        self._reading = weakref.ref(cursor)

    def read_to_the_end(self) -> None:
        """Note that the driver has no open result: it closes one whose last row was fetched."""
        self._reading = None

    def buffer_pending_result(self) -> None:
        """Fetch the unread rows of the open result, which the next statement would discard."""
        reader = self._reader()
        self._reading = None
        if reader is not None:
            reader.buffer_rows()

    def _reader(self) -> Cursor | None:
        return self._reading() if self._reading is not None else None


def _count(raw: duckdb.DuckDBPyConnection) -> int:
    """Return how many rows a statement changed; -1 for one that changes none."""
    # DuckDB before 2.0 tells it only in this result.
    description = raw.description
    status = raw.fetchone() if description else None
    return int(status[0]) if description and status and description[0][0] in _COUNTS else -1


def remembering_errors(run: F) -> F:
    """Decorate a function of a cursor so that its connection knows a transaction's first error."""

    @wraps(run)
    def remembering(cursor: Cursor, *args: Any) -> Any:
        try:
            return run(cursor, *args)
        except Exception as error:
            raise cursor.connection.error_of(error)  # noqa: B904 - it has its cause

    return cast("F", remembering)


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

    @remembering_errors
    def execute(self, statement: str, parameters: Sequence[Any] | None = None) -> None:
        """Run one statement."""
        self._reset()
        raw = self.connection.raw
        interruptible(raw, lambda: raw.execute(statement, parameters or None))
        self._describe(raw, statement)

    @remembering_errors
    def executemany(self, statement: str, parameters: Sequence[Sequence[Any]]) -> None:
        """Run one statement for every row of parameters."""
        self._reset()
        raw = self.connection.raw
        if not parameters:
            return
        if _COUNTS_MANY or _ONE_ROW_EACH.match(statement):
            interruptible(raw, lambda: raw.executemany(statement, parameters))
            self.rowcount = raw.rowcount if _COUNTS_MANY else len(parameters)
        else:
            counts = [_count(raw.execute(statement, row)) for row in parameters]
            self.rowcount = -1 if -1 in counts else sum(counts)

    def _describe(self, raw: duckdb.DuckDBPyConnection, statement: str) -> None:
        description = raw.description
        if description and len(description) == 1 and description[0][0] in _STATUS:
            kind = kind_of(raw.extract_statements(statement)[-1])
            if kind not in READS and not _RETURNING.search(statement):
                self.rowcount = _count(raw)
                return
        if description:
            # Types as text: SQLAlchemy keeps them as dictionary keys.
            self.description = [(name, str(kind), *rest) for name, kind, *rest in description]
            self._driver = raw
            self.connection.reading(self)

    @remembering_errors
    def fetchone(self) -> tuple[Any, ...] | None:
        """Return the next row, or None."""
        self._check_readable()
        return self._driver.fetchone() if self._driver is not None else next(self._kept, None)

    @remembering_errors
    def fetchmany(self, size: int | None = None) -> list[tuple[Any, ...]]:
        """Return the next rows, at most *size*."""
        self._check_readable()
        size = self.arraysize if size is None else size
        if self._driver is not None:
            return interruptible(self._driver, partial(self._driver.fetchmany, size))
        return list(islice(self._kept, size))

    @remembering_errors
    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return all rows that are left."""
        self._check_readable()
        if self._driver is None:
            return list(self._kept)
        driver, self._driver = self._driver, None
        rows = interruptible(driver, driver.fetchall)
        self.connection.read_to_the_end()
        return rows

    @remembering_errors
    def buffer_rows(self) -> None:
        """Fetch the unread rows from the driver into memory."""
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
        """Forget the result, but not how many rows changed: SQLAlchemy asks that afterwards."""
        self.description = None
        self._driver, self._kept, self._lost = None, iter(()), False

    def _reset(self) -> None:
        self.close()
        self.rowcount = -1
