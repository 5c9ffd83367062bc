"""The one seam where driver errors become ours."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import sqlalchemy as sa
import sqlalchemy.exc

from mixpanel_data.exceptions import DatabaseLockedError, QueryError

DRIVER_ERRORS = (duckdb.Error, sqlalchemy.exc.SQLAlchemyError)

_LOCK = re.compile(r"Could not set lock on file")
_HOLDER = re.compile(r"\(PID (\d+)\)")
_OPEN_HERE = re.compile(r"different configuration than existing connections")

# What to do about files that DuckDB refuses.
_ADVICE = {
    re.compile(r"[Ee]ncrypted database"): (
        "It is encrypted. Copy it, decrypted, to a file of its own with DuckDB's ATTACH and COPY"
        " FROM DATABASE, and open that."
    ),
    re.compile(r"read a database file with (storage )?version number"): (
        "Update DuckDB (pip install --upgrade duckdb), or export the file with a newer DuckDB."
    ),
}


@contextmanager
def query_errors(statement: str | sa.Executable) -> Iterator[None]:
    """Turn every error of the database inside the block into a QueryError.

    Raises:
        QueryError: with the database's own text, ``details["query"]``, ``["error_type"]`` and
            ``["original_error"]``.
    """
    try:
        yield
    except DRIVER_ERRORS as error:
        cause = _cause(error)
        raise QueryError(
            str(cause),
            query=str(statement),
            error_type=type(cause).__name__,
            original_error=str(cause),
        ) from error


@contextmanager
def open_errors(path: Path | None) -> Iterator[None]:
    """Turn every failure to open the database inside the block into one that names the file.

    Raises:
        DatabaseLockedError: another process holds the file.
        OSError: anything else; the message starts with "Failed to create database at".
    """
    try:
        yield
    except (*DRIVER_ERRORS, OSError) as error:
        cause = _cause(error)
        if path is not None and _LOCK.search(str(cause)):
            holder = _HOLDER.search(str(cause))
            raise DatabaseLockedError(path, int(holder[1]) if holder else None) from error
        if path is not None and _OPEN_HERE.search(str(cause)):
            raise DatabaseLockedError(path, os.getpid()) from error
        text = f"Failed to create database at {path or 'memory'}: {cause}"
        advice = [advice for sign, advice in _ADVICE.items() if sign.search(str(cause))]
        raise OSError(". ".join([text, *advice])) from error


def _cause(error: BaseException) -> BaseException:
    original = getattr(error, "orig", None)
    return original if isinstance(original, BaseException) else error
