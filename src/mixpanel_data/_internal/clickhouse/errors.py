"""The one seam where the driver's errors become ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
import sqlalchemy.exc
from clickhouse_connect.driver.exceptions import ClickHouseError

from mixpanel_data.exceptions import QueryError

DRIVER_ERRORS = (ClickHouseError, sqlalchemy.exc.SQLAlchemyError)

UNKNOWN_TABLE = 60
TABLE_EXISTS = 57
UNKNOWN_DATABASE = 81
UNKNOWN_COLUMNS = (16, 47)

# What a server's code tells those who decide by the kind of failure.
_FAILURES = {
    **dict.fromkeys([241, 173], "out_of_memory"),
    243: "disk_full",
    **dict.fromkeys([228, 117, 40, 246, 271], "corrupt"),
    **dict.fromkeys([6, 27, 41, 53, 70, 72], "unreadable_input"),
}


def code_of(error: BaseException) -> int | None:
    """Return the server's number of an error, None where the server did not answer."""
    code: int | None = getattr(cause_of(error), "code", None)
    return code


def cause_of(error: BaseException) -> BaseException:
    """Return the driver's own error."""
    original = getattr(error, "orig", None)
    return original if isinstance(original, BaseException) else error


def query_error(error: BaseException, statement: str | sa.Executable) -> QueryError:
    """Return a driver's error as a QueryError that names its statement, as DuckDB's are."""
    cause = cause_of(error)
    found = QueryError(
        str(cause),
        query=str(statement),
        error_type=getattr(cause, "name", None) or type(cause).__name__,
        original_error=str(cause),
        failure=_FAILURES.get(code_of(cause) or 0, "other"),
    )
    found.driver_error = cause
    return found


@contextmanager
def query_errors(statement: str | sa.Executable) -> Iterator[None]:
    """Turn every error of the database inside the block into a QueryError."""
    try:
        yield
    except DRIVER_ERRORS as error:
        # Its own traceback would be shown above: ``driver_error`` keeps it.
        raise query_error(error, statement) from None
