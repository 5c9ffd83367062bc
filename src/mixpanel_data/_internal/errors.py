"""The one seam where driver errors become ours."""

from __future__ import annotations

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
        raise OSError(f"Failed to create database at {path or 'memory'}: {cause}") from error


def _cause(error: BaseException) -> BaseException:
    original = getattr(error, "orig", None)
    return original if isinstance(original, BaseException) else error
