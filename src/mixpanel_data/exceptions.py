"""Every error that this library raises on purpose.

MixpanelDataError
├── TableExistsError        create_* on a name that is taken
├── TableNotFoundError      a table that is not there
├── QueryError              the database refused a statement
├── InvalidRecordError      a record or an export line that cannot be stored (also a ValueError)
├── EmptyLoadError          a source without a single record (also a ValueError)
├── CopyMismatchError       a copy that would not have, or does not have, the rows of its source
├── TimeZoneError           a zone that does not exist, or not that of the table (also a ValueError)
├── DatabaseLockedError     another process holds the file, or this one in another mode
├── DatabaseNotFoundError   read-only on a missing file (also a FileNotFoundError)
├── DamagedDatabaseError    a file, or its catalogue, is not as it was written (also an OSError)
├── ForkedEngineError       an engine used in a process that inherited it (also a RuntimeError)
├── SchemaVersionError      the file's schema is not the one this library works with
└── UnsupportedError        what this database or its file's format cannot do
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any


class MixpanelDataError(Exception):
    """The base of the tree; never raised itself."""

    code = "MIXPANEL_DATA_ERROR"

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details: dict[str, Any] = details

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # Subclasses build the message from facts, so args cannot rebuild them. The driver's error
        # stays where it was raised: its details are text, and cross processes.
        state = {name: value for name, value in vars(self).items() if name != "driver_error"}
        return _rebuild, (type(self), self.message, state)

    def to_dict(self) -> dict[str, Any]:
        """Return the error as JSON-ready values: ``code``, ``message`` and ``details``."""
        return {"code": self.code, "message": self.message, "details": self.details}


def _rebuild(
    kind: type[MixpanelDataError], message: str, state: dict[str, Any]
) -> MixpanelDataError:
    error = kind.__new__(kind, message)
    error.__dict__.update(state)
    return error


class TableExistsError(MixpanelDataError):
    """A table of this name is there already; nothing was touched."""

    code = "TABLE_EXISTS"

    def __init__(self, table_name: str) -> None:
        suggestion = "Drop it first, append to it, or choose another name."
        super().__init__(
            f"Table '{table_name}' already exists. {suggestion}",
            table_name=table_name,
            suggestion=suggestion,
        )
        self.table_name = table_name


class TableNotFoundError(MixpanelDataError):
    """No table of this name is in the database; ``close`` is the one that may be meant."""

    code = "TABLE_NOT_FOUND"

    def __init__(self, table_name: str, close: str | None = None) -> None:
        suggestion = "list_tables() names the tables that are there."
        if close is not None:
            suggestion = f"Did you mean '{close}'?"
        super().__init__(
            f"Table '{table_name}' not found. {suggestion}",
            table_name=table_name,
            suggestion=suggestion,
        )
        self.table_name = table_name
        self.close = close


class QueryError(MixpanelDataError):
    """The database refused a statement; ``details`` hold the query and the original error's text.

    ``driver_error`` is that error itself, where the driver raised one.
    """

    code = "QUERY_FAILED"
    driver_error: BaseException | None = None


class InvalidRecordError(MixpanelDataError, ValueError):
    """A record, or a line of an export, cannot be stored; nothing of its load was."""

    code = "INVALID_RECORD"


class EmptyLoadError(MixpanelDataError, ValueError):
    """A source without a single record, where that looks like a mistake; nothing was changed."""

    code = "EMPTY_LOAD"

    def __init__(self, table_name: str, source: str | None = None) -> None:
        suggestion = (
            "A failed download leaves nothing, too: check the source. If there is nothing for"
            " these days, say so with allow_empty=True (--allow-empty)."
        )
        super().__init__(
            f"There is not a single record in {source or 'the source'} to load into '{table_name}'."
            f" Nothing was changed. {suggestion}",
            table_name=table_name,
            source=source,
            suggestion=suggestion,
        )
        self.table_name = table_name


class CopyMismatchError(MixpanelDataError):
    """The target has a table of this name with other rows, or not all rows came over.

    Nothing of the table was changed; ``details`` hold the counts and checksums.
    """

    code = "COPY_MISMATCH"


class TimeZoneError(MixpanelDataError, ValueError):
    """No time zone has this name, or the times of a table are those of another zone."""

    code = "TIME_ZONE"


_OPEN_HERE = {
    True: (
        " read-only",
        "Close that engine first, or open this one with read_only=True as well.",
    ),
    False: (
        " for writing",
        "Use that engine, or open this one with read_only=False as well: engines of one process"
        " share a file that is open for writing.",
    ),
    None: ("", "Close it there first."),
}


class DatabaseLockedError(MixpanelDataError):
    """Another process holds the database file, or this one does in another mode.

    On a server: a process of ``host`` loads into the table.
    """

    code = "DATABASE_LOCKED"

    def __init__(
        self,
        db_path: str | Path,
        holding_pid: int | None = None,
        *,
        read_only: bool | None = None,
        host: str | None = None,
        table_name: str | None = None,
    ) -> None:
        """*read_only* is how this process itself has the file open, should it be the holder.

        On a server a lock is one of a table, by a process of some *host*.
        """
        if host is not None:
            process = "a process" if holding_pid is None else f"process {holding_pid}"
            problem = f"is locked: {process} on {host} loads into table '{table_name}'"
            suggestion = (
                "Wait for its end and try again. If it was killed, remove what it left:"
                f" `mixpanel-data db unlock --db {shlex.quote(str(db_path))}`."
            )
        elif holding_pid == os.getpid():
            mode, suggestion = _OPEN_HERE[read_only]
            problem = f"is open in this process, {holding_pid}, already{mode}"
        else:
            holder = "another process" if holding_pid is None else f"process {holding_pid}"
            problem = f"is locked by {holder}"
            suggestion = (
                "Close it there, or wait, with timeout=SECONDS, and try again; readers can share"
                " with read_only=True."
            )
        super().__init__(
            f"Database '{db_path}' {problem}. {suggestion}",
            db_path=str(db_path),
            holding_pid=holding_pid,
            suggestion=suggestion,
            **({} if host is None else {"host": host, "table_name": table_name}),
        )
        self.db_path = str(db_path)
        self.holding_pid = holding_pid
        self.host = host


class DatabaseNotFoundError(MixpanelDataError, FileNotFoundError):
    """A database was to be read that does not exist yet."""

    code = "DATABASE_NOT_FOUND"

    def __init__(self, db_path: str | Path) -> None:
        suggestion = (
            "Fetch or load data first: StorageEngine(path).create_events_table(…),"
            " or `mixpanel-data load events FILE --db PATH`."
        )
        super().__init__(
            f"Database '{db_path}' does not exist. {suggestion}",
            db_path=str(db_path),
            suggestion=suggestion,
        )
        self.db_path = str(db_path)


class DamagedDatabaseError(MixpanelDataError, OSError):
    """A file, or a row of its catalogue, is not as this library or DuckDB wrote it."""

    code = "DATABASE_DAMAGED"


class ForkedEngineError(MixpanelDataError, RuntimeError):
    """A forked child used its parent's engine or file; DuckDB would lose its writes unseen."""

    code = "FORKED_ENGINE"


class SchemaVersionError(MixpanelDataError):
    """The file's schema is older or newer than this library works with; it was not touched."""

    code = "SCHEMA_VERSION"

    def __init__(self, db_path: str | Path, revision: str, head: str, *, older: bool) -> None:
        if older:
            problem = f"is at schema revision {revision}, and this library works with {head}"
            suggestion = (
                f"Upgrade it with StorageEngine.open_existing(path, upgrade=True) or"
                f" `mixpanel-data db upgrade {shlex.quote(str(db_path))}`; read_only=True reads it"
                " as it is."
            )
        else:
            problem = (
                f"is at schema revision {revision}, which this library, at {head}, does not know"
            )
            suggestion = "A newer mixpanel-data made it: update the library, and open it again."
        super().__init__(
            f"Database '{db_path}' {problem}. {suggestion}",
            db_path=str(db_path),
            revision=revision,
            head=head,
            suggestion=suggestion,
        )
        self.db_path = str(db_path)
        self.revision = revision
        self.head = head
        self.older = older


class UnsupportedError(MixpanelDataError):
    """The database, or the format of its file, cannot do what was asked."""

    code = "UNSUPPORTED"
