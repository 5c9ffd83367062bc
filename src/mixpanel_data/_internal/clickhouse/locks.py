"""One writer a table: a lock is a table of its own, which its maker's host and process are told by.

The tables that a load works with carry its id in their names. Who removes a lock removes these,
too, so that a load that was thought dead cannot publish any more.
"""

from __future__ import annotations

import json
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from mixpanel_data._internal.clickhouse.database import Database, literal, quoted
from mixpanel_data._internal.clickhouse.errors import (
    DRIVER_ERRORS,
    TABLE_EXISTS,
    code_of,
    query_error,
    query_errors,
)
from mixpanel_data._internal.deferral import deferred_interrupts
from mixpanel_data.exceptions import DatabaseLockedError, QueryError

logger = logging.getLogger(__name__)

_LOCK = "_lock_"
# What a load leaves when it is killed.
_LEFTOVERS = (_LOCK, "_next_", "_staging_")


@dataclass(frozen=True)
class Lock:
    """The right of one load to change one table, and the names of the tables that it works with."""

    table: str
    load_id: str

    @property
    def staging(self) -> str:
        """The table that takes the records."""
        return f"_staging_{self.table}_{self.load_id}"

    @property
    def chosen(self) -> str:
        """The table of those of the records that are stored, where they must be chosen first."""
        return f"_staging_{self.table}_{self.load_id}_chosen"

    @property
    def next(self) -> str:
        """The table as it will be."""
        return f"_next_{self.table}_{self.load_id}"


@contextmanager
def locked(database: Database, table: str) -> Iterator[Lock]:
    """Lock a table for the block, at whose end everything that the load worked with goes.

    Raises:
        DatabaseLockedError: another load has the lock; it names the host and the process.
        QueryError: the block failed, perhaps because somebody removed the lock meanwhile.
    """
    lock = Lock(table, uuid4().hex[:12])
    name = quoted(_LOCK + table)
    owner = {"host": socket.gethostname(), "pid": os.getpid(), "load": lock.load_id}
    comment = literal(json.dumps(owner))
    try:
        database.command(f"CREATE TABLE {name} (x UInt8) ENGINE = Null COMMENT {comment}")
    except DRIVER_ERRORS as error:
        if code_of(error) == TABLE_EXISTS:
            raise _refusal(database, table) from None
        raise query_error(error, f"lock {table}") from None
    try:
        yield lock
    except QueryError as error:
        if _is_lost(database, lock):
            raise _shut_out(lock, error) from None
        raise
    finally:
        _release(database, lock)


def _release(database: Database, lock: Lock) -> None:
    """Drop what a load worked with, and its lock; a server that is gone changes no outcome."""
    try:
        with deferred_interrupts(), query_errors(f"unlock {lock.table}"):
            for leftover in (lock.next, lock.staging, lock.chosen):
                database.command(f"DROP TABLE IF EXISTS {quoted(leftover)} SYNC")
            if _owners(database).get(lock.table, {}).get("load") == lock.load_id:
                database.command(f"DROP TABLE IF EXISTS {quoted(_LOCK + lock.table)} SYNC")
    except QueryError as error:
        logger.warning(
            "The lock of table %s in %s stays until `mixpanel-data db unlock` removes it: %s",
            *(lock.table, database.place, error),
        )


def _is_lost(database: Database, lock: Lock) -> bool:
    """Return whether somebody removed a lock; where the server is gone, that is not known."""
    try:
        return _owners(database).get(lock.table, {}).get("load") != lock.load_id
    except QueryError:
        return False


def _shut_out(lock: Lock, error: QueryError) -> QueryError:
    return QueryError(
        f"The load into '{lock.table}' was taken for one that was killed: its lock and its tables"
        " were removed meanwhile. Nothing of it was stored; load again.",
        query=f"load into {lock.table}",
        error_type="UNKNOWN_TABLE",
        original_error=str(error),
    )


def unlock(database: Database, *, force: bool) -> list[str]:
    """Drop what killed loads left, and return the names.

    Raises:
        DatabaseLockedError: a process of this host that has a lock is alive, and not *force*.
    """
    for table, owner in _owners(database).items():
        here = owner.get("host") == socket.gethostname()
        if here and not force and _is_alive(int(owner["pid"])):
            raise _refusal(database, table)
    with query_errors("unlock"):
        names = database.all(
            "SELECT name FROM system.tables WHERE database = database() AND"
            f" ({' OR '.join(f'startsWith(name, {literal(prefix)})' for prefix in _LEFTOVERS)})"
            # The locks go last.
            f" ORDER BY startsWith(name, {literal(_LOCK)}), name"
        )
        for (name,) in names:
            database.command(f"DROP TABLE IF EXISTS {quoted(name)} SYNC")
    return [name for (name,) in names]


def _refusal(database: Database, table: str) -> DatabaseLockedError:
    owner = _owners(database).get(table, {})
    pid = owner.get("pid")
    return DatabaseLockedError(
        database.place,
        None if pid is None else int(pid),
        host=str(owner.get("host", "another host")),
        table_name=table,
    )


def _owners(database: Database) -> dict[str, dict[str, Any]]:
    """Return who has which table's lock."""
    with query_errors("locks"):
        found = database.all(
            "SELECT name, comment FROM system.tables WHERE database = database()"
            f" AND startsWith(name, {literal(_LOCK)})"
        )
    return {name.removeprefix(_LOCK): json.loads(comment or "{}") for name, comment in found}


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
