"""The one seam where driver errors become ours."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

import duckdb
import sqlalchemy as sa
import sqlalchemy.exc

from mixpanel_data._internal.duckdb.hints import Connect, hint
from mixpanel_data.exceptions import DamagedDatabaseError, DatabaseLockedError, QueryError

DRIVER_ERRORS = (duckdb.Error, sqlalchemy.exc.SQLAlchemyError)

_PURPOSE = "mixpanel_data_purpose"

_LOCK = re.compile(r"Could not set lock on file")
_HOLDER = re.compile(r"\(PID (\d+)\)")
_OPEN_HERE = re.compile(r"different configuration than existing connections")

RECOVER = (
    "`mixpanel-data db recover PATH` keeps a copy of everything, cuts the log at its last whole"
    " transaction, and reports which loads are lost."
)
# Damaged, or that of an earlier state of the file.
BAD_LOG = re.compile(r"Failure while replaying WAL|This WAL was created for")
# DuckDB 1.4.0 writes into the file when it replays a log that is longer than its memory for it.
NEEDS_WRITING = re.compile(
    r"Failure while replaying WAL.*Could not write file.*Bad file desc", re.S
)
# What to do about files that DuckDB refuses.
_ADVICE = {
    re.compile(r"[Ee]ncrypted database"): (
        "It is encrypted. Copy it, decrypted, to a file of its own with DuckDB's ATTACH and COPY"
        " FROM DATABASE, and open that."
    ),
    NEEDS_WRITING: (
        "This version of DuckDB cannot read the log of a killed process without writing: open the"
        " file once for writing, with StorageEngine(path).close(), or update DuckDB (pip install"
        " --upgrade duckdb)."
    ),
    re.compile(
        rf"(?s)(?!.*{NEEDS_WRITING.pattern}).*({BAD_LOG.pattern})"
    ): f"Its write-ahead log is damaged, or not of this file. {RECOVER}",
    re.compile(r'" is not a DuckDB database file'): (
        "An export is loaded into a database: `mixpanel-data load FILE --db PATH`, or"
        " load_export()."
    ),
    re.compile(r"read a database file with (storage )?version number"): (
        "Update DuckDB (pip install --upgrade duckdb), or export the file with a newer DuckDB."
    ),
}


class Failure(Enum):
    """What kind of thing went wrong in the database, for those who decide by it."""

    UNREADABLE_INPUT = "unreadable_input"
    """What a statement reads, a file or a value, is not what DuckDB expects of it."""
    OUT_OF_MEMORY = "out_of_memory"
    DISK_FULL = "disk_full"
    LOCKED = "locked"
    CORRUPT = "corrupt"
    CONFLICT = "conflict"
    """Another transaction changed the same."""
    OTHER = "other"


# The first that fits: a class of the driver's, and a pattern of its text.
_SIGNS: tuple[tuple[type[BaseException], str, Failure], ...] = (
    (duckdb.OutOfMemoryException, "", Failure.OUT_OF_MEMORY),
    (MemoryError, "", Failure.OUT_OF_MEMORY),
    (
        Exception,
        r"No space left on device|[Dd]isk quota|max_temp_directory_size",
        Failure.DISK_FULL,
    ),
    (Exception, r"Could not set lock on file|different configuration", Failure.LOCKED),
    (duckdb.FatalException, "", Failure.CORRUPT),
    (duckdb.InternalException, "", Failure.CORRUPT),
    (duckdb.SerializationException, "", Failure.CORRUPT),
    (
        Exception,
        r"[Cc]orrupt|database file.*[Cc]hecksum|Failure while replaying WAL",
        Failure.CORRUPT,
    ),
    (duckdb.TransactionException, r"[Cc]onflict|altered by|Failed to commit", Failure.CONFLICT),
    (
        duckdb.InvalidInputException,
        r"JSON|CSV|UTF-?8|maximum_object_size|[Gg][Zz][Ii][Pp]|[Zz][Ss][Tt][Dd]",
        Failure.UNREADABLE_INPUT,
    ),
    (duckdb.IOException, r"GZIP|gzip|ZSTD|zstd|[Dd]ecompress", Failure.UNREADABLE_INPUT),
    (duckdb.ConversionException, "", Failure.UNREADABLE_INPUT),
    # Its text quotes the input, and is cut within a character.
    (UnicodeDecodeError, "", Failure.UNREADABLE_INPUT),
)


def classify(error: BaseException) -> Failure:
    """Return what kind of failure a driver's error is."""
    text = str(error)
    for kind, pattern, failure in _SIGNS:
        if isinstance(error, kind) and re.search(pattern, text):
            return failure
    return Failure.OTHER


def query_error(
    error: BaseException, statement: str | sa.Executable, connect: Connect | None = None
) -> QueryError:
    """Return a driver's error as a QueryError that names its statement.

    Its ``details`` hold ``query``, ``error_type``, ``original_error`` and ``failure``, and the
    ``suggestion`` that ends its text, if there is one; ``driver_error`` is the driver's error
    itself. *connect* opens a connection for a look at what the suggestion is about.
    """
    cause = _cause(error)
    text = str(cause)
    if isinstance(cause, duckdb.FatalException):
        text += " Close every engine of this file, and open it again."
    suggestion = hint(text, str(statement), connect)
    found = QueryError(
        f"{text}\n\n{suggestion}" if suggestion else text,
        query=str(statement),
        error_type=type(cause).__name__,
        original_error=str(cause),
        failure=classify(cause).value,
        **({"suggestion": suggestion} if suggestion else {}),
    )
    found.driver_error = cause
    return found


@contextmanager
def query_errors(statement: str | sa.Executable, connect: Connect | None = None) -> Iterator[None]:
    """Turn every error of the database inside the block into a QueryError.

    Raises:
        QueryError: with the database's own text; see ``query_error``.
    """
    try:
        yield
    except DRIVER_ERRORS as error:
        # Its own traceback would be shown above: ``driver_error`` keeps it.
        raise query_error(error, statement, connect) from None


def translate_errors_of(connection: sa.Connection, what: str) -> sa.Connection:
    """Let *connection* raise QueryError, which names *what* it is for.

    Only its own statements' errors are touched: those of code that runs between them are not.
    """
    return connection.execution_options(**{_PURPOSE: what})


def translate_marked(context: sa.engine.ExceptionContext) -> None:
    """Raise a QueryError where ``translate_errors_of`` marked the connection: an engine's event."""
    options = context.connection.get_execution_options() if context.connection else {}
    if _PURPOSE in options and isinstance(context.original_exception, Exception):
        raise query_error(context.original_exception, options[_PURPOSE])


@contextmanager
def open_errors(path: Path | None, open_here: bool | None = None) -> Iterator[None]:
    """Turn every failure to open the database inside the block into one that names the file.

    *open_here* is whether this process has the file open read-only, None if it is not known.

    Raises:
        DatabaseLockedError: another process holds the file, or this one does in another mode.
        OSError: anything else; the message starts with "Failed to create database at".
    """
    try:
        yield
    except DamagedDatabaseError:
        raise
    except (*DRIVER_ERRORS, QueryError, OSError) as error:
        cause = _cause(error)
        if path is not None and _LOCK.search(str(cause)):
            holder = _HOLDER.search(str(cause))
            raise DatabaseLockedError(path, int(holder[1]) if holder else None) from error
        if path is not None and _OPEN_HERE.search(str(cause)):
            raise DatabaseLockedError(path, os.getpid(), read_only=open_here) from error
        text = f"Failed to create database at {path or 'memory'}: {cause}"
        advice = [advice for sign, advice in _ADVICE.items() if sign.search(str(cause))]
        raise OSError(". ".join([text, *advice])) from error


def _cause(error: BaseException) -> BaseException:
    original = getattr(error, "orig", None)
    return original if isinstance(original, BaseException) else error
