"""Database files as files: their schema revision, backups, and what may be wrong with them.

Each function opens the file, does one thing and closes it, and none can be half done. A file that
another process holds, or this one, is a ``DatabaseLockedError``; one that DuckDB cannot open an
``OSError`` that says why; one of a revision that this library does not know a
``SchemaVersionError``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import duckdb

from mixpanel_data._internal.duckdb.database import Database
from mixpanel_data._internal.duckdb.dialect import driver_of
from mixpanel_data._internal.duckdb.errors import query_errors
from mixpanel_data._internal.duckdb.files import (
    close_shared,
    open_shared,
    resolve_path,
    wal_path,
)
from mixpanel_data._internal.duckdb.interrupt import run_interruptible
from mixpanel_data._internal.maintenance import backup as copies
from mixpanel_data._internal.maintenance import integrity
from mixpanel_data._internal.schema import catalog, load_history, revisions
from mixpanel_data.exceptions import DatabaseNotFoundError, QueryError
from mixpanel_data.types import DatabaseStatus, Migration, Problem, Revision, TableInfo

__all__ = [
    "adopt",
    "backup",
    "check",
    "compact",
    "downgrade",
    "downgrade_sql",
    "history",
    "status",
    "upgrade",
    "upgrade_sql",
]

logger = logging.getLogger(__name__)

MigrationProgress = Callable[[str, float], object]
"""Gets the revision that is being made, and how far its statement of the moment is, 0 to 1."""


_MEND = "Mend or delete those rows first."


def history() -> list[Revision]:
    """Return all revisions of the schema, the oldest first."""
    # Alembic takes a while to load, and few need it.
    from mixpanel_data._internal.maintenance import migrate

    return migrate.history()


def status(path: str | Path) -> DatabaseStatus:
    """Return what a DuckDB file is to this library, without touching it."""
    path = resolve_path(path)
    with _opened(path, read_only=True) as database, database.begin() as connection:
        raw = database.root_connection
        found, known = revisions.current_revision(raw), revisions.revision_ids()
        pending = known[known.index(found) + 1 :] if found in known else ()
        tables = catalog.tables(connection)
        ours = {table.name for table in tables}
        unregistered = {name: kind.name for name, kind in revisions.unregistered(raw).items()}
        others = sorted(set(catalog.names(connection)) - ours - unregistered.keys())
        return DatabaseStatus(
            path=path,
            size=path.stat().st_size,
            storage_version=copies.storage_version(raw),
            revision=found,
            head=revisions.head(),
            pending=[revision for revision in history() if revision.id in pending],
            tables=tables,
            unregistered=unregistered,
            others=others,
        )


def upgrade(
    path: str | Path, *, backup: bool = True, progress: MigrationProgress | None = None
) -> Migration:
    """Bring a file to today's schema, each revision in a transaction of its own.

    A *backup* is written beside the file first, checked by opening. Where there is nothing to
    upgrade, nothing is done.

    Raises:
        QueryError: a revision failed; the database is as the one before it left it.
    """
    return _migrate(path, None, backup, progress)


def downgrade(
    path: str | Path,
    revision: str,
    *,
    backup: bool = True,
    progress: MigrationProgress | None = None,
) -> Migration:
    """Take a file back to an earlier revision, each step in a transaction of its own.

    What the earlier revision has no place for is left in the backup alone. All else is as for
    ``upgrade``.

    Raises:
        ValueError: *revision* is none, or not an earlier one.
    """
    return _migrate(path, revision, backup, progress)


def upgrade_sql(path: str | Path) -> str:
    """Return the SQL that ``upgrade`` would run on this very file."""
    return _sql(path, None)


def downgrade_sql(path: str | Path, revision: str) -> str:
    """Return the SQL that ``downgrade`` would run on this very file."""
    return _sql(path, revision)


def adopt(path: str | Path, table: str) -> TableInfo:
    """Enter a table that has the columns of events or profiles into the catalogue, as it is.

    Raises:
        TableNotFoundError: the table is not there.
        ValueError: it is registered already, has other columns, lacks values in required ones, or
            holds a key twice.
    """
    with _opened(path) as database:
        found = revisions.check(database.root_connection, database.path, read_only=False)
        candidates = revisions.unregistered(database.root_connection)
        with database.write(f"adopt {table}") as connection:
            name = catalog.require(connection, table)
            if name not in candidates:
                raise ValueError(
                    f"Cannot adopt '{name}': it is registered already, or it does not have the"
                    " columns of events or of profiles."
                )
            kind = candidates[name]
            for fault in integrity.violations(connection, name, kind):
                raise ValueError(f"Cannot adopt '{name}': it {fault.problem} {_MEND}")
            if found is None:
                catalog.create_internal(connection)
            metadata = catalog.infer_metadata(connection, name, kind)
            catalog.register(connection, name, metadata)
            (info,) = [info for info in catalog.tables(connection) if info.name == name]
            load_history.adopt(connection, info, metadata)
            return info


def backup(path: str | Path, destination: str | Path) -> Path:
    """Copy a database that others may be reading, and check the copy by opening it.

    Raises:
        FileExistsError: *destination* is there.
    """
    source, copy = resolve_path(path), resolve_path(destination)
    for place in (copy, wal_path(copy)):
        if place.exists():
            raise FileExistsError(f"{place} is there already; choose another place for the backup.")
    with _opened(source, read_only=True) as database:
        copies.copy_file(source, copy)
        with copies.removed_on_error(copy, wal_path(copy)):
            # Commits that no checkpoint has brought into the file yet.
            if wal_path(source).exists():
                copies.copy_file(wal_path(source), wal_path(copy))
            with Database.open(copy) as copied:
                copied.root_connection.execute("CHECKPOINT")
                copies.check_same(database.root_connection, copied.root_connection, copy)
    return copy


def compact(path: str | Path) -> tuple[int, int]:
    """Rewrite a file without the space that nothing uses, and give its bytes before and after.

    DuckDB reuses the space of what was deleted, but hardly ever gives it back. The new file takes
    the old one's place at once, when it is whole.
    """
    path = resolve_path(path).resolve()
    new = path.with_name(f"{path.name}.compacting")
    before = path.stat().st_size if path.exists() else 0
    with _opened(path, exclusive=True) as database, query_errors(f"compact {path}"):
        # Left by a process that was killed.
        for left in (new, wal_path(new)):
            left.unlink(missing_ok=True)
        replaced = open_shared(path)
        database.root_connection.execute("CHECKPOINT")
        with copies.removed_on_error(new, wal_path(new)):
            copies.compact_into(database.root_connection, new)
            copies.atomic_replace(new, path)
    close_shared(replaced)
    return before, path.stat().st_size


def check(path: str | Path) -> list[Problem]:
    """Read every row of every table, and say what is wrong with keys, counts and JSON.

    Raises:
        QueryError: the catalogue itself cannot be read.
    """
    with _opened(path, read_only=True) as database:
        revisions.check(database.root_connection, database.path, read_only=True)
        with query_errors(f"check {path}"), database.engine.connect() as connection:
            found = list(integrity.problems(connection))
        for name, kind in revisions.unregistered(database.root_connection).items():
            remedy = f"`mixpanel-data db adopt {path} {name}`, or drop the table."
            found.append(
                Problem(name, f"has the columns of {kind.name}, but is not registered.", remedy)
            )
        return found


def _migrate(
    path: str | Path, target: str | None, backup: bool, progress: MigrationProgress | None
) -> Migration:
    with _opened(path) as database:
        before = revisions.check(database.root_connection, database.path, read_only=True)
        ahead = _steps(before, target)
        if before is None or not ahead:
            return Migration(before, before, None)
        copy = _set_aside(database, before) if backup else None
        try:
            _run(database, target, [before, *ahead], progress)
        except QueryError as error:
            if copy is not None:
                error.message += f" The file as it was before: {copy}."
                error.details["backup"] = str(copy)
            raise
        logger.info("Migrated %s from revision %s to %s", path, before, ahead[-1])
        try:
            database.root_connection.execute("CHECKPOINT")
        except duckdb.Error as error:
            # All is committed; the next opening, or the one after, brings it into the file.
            logger.warning("Could not checkpoint %s after its migration: %s", path, error)
        database.restrict_wal_permissions()
        return Migration(before, ahead[-1], copy)


def _run(
    database: Database, target: str | None, way: list[str], progress: MigrationProgress | None
) -> None:
    """Migrate along the *way*, from the revision that the database is at."""
    from mixpanel_data._internal.maintenance import migrate

    def applied(revision: str) -> None:
        # A file without a version table has its first revision already, and gets it again.
        del way[: way.index(revision)]

    def report(done: float) -> None:
        if progress is not None and len(way) > 1:
            progress(way[1], done)

    database.create_wal()
    # A key that a downgrade gives back to a large table needs all the memory there is.
    little = database.limit_memory() if target is None else nullcontext()
    with (
        query_errors(f"migrate {database.path}"),
        little,
        database.engine.connect() as connection,
    ):
        work = partial(migrate.migrate, connection, target, applied)
        run_interruptible(driver_of(connection), work, report)


def _steps(found: str | None, target: str | None) -> list[str]:
    """Return the revisions that the database comes to, one after the other."""
    known = revisions.revision_ids()
    if found is None:
        return []
    now = known.index(found)
    if target is None:
        return list(known[now + 1 :])
    if target not in known[:now]:
        raise ValueError(
            f"Cannot downgrade from {found} to {target!r}. Earlier revisions:"
            f" {', '.join(known[:now]) or 'none'}."
        )
    return list(known[known.index(target) : now][::-1])


def _set_aside(database: Database, revision: str | None) -> Path:
    """Write the backup of a database that is about to be changed."""
    assert database.path is not None
    path, number = database.path, 1
    copy = path.with_name(f"{path.name}.{revision}.bak")
    while copy.exists():
        number += 1
        copy = path.with_name(f"{path.name}.{revision}.bak{number}")
    database.root_connection.execute("CHECKPOINT")
    copies.copy_file(path, copy)
    with copies.removed_on_error(copy), Database.open(copy, read_only=True) as copied:
        copies.check_same(database.root_connection, copied.root_connection, copy)
    return copy


def _sql(path: str | Path, target: str | None) -> str:
    from mixpanel_data._internal.maintenance import migrate

    with _opened(path, read_only=True) as database:
        found = revisions.check(database.root_connection, database.path, read_only=True)
        if not _steps(found, target):
            return ""
        with query_errors(f"{path}"), database.engine.connect() as connection:
            return migrate.sql(connection, target)


def _opened(path: str | Path, *, read_only: bool = False, exclusive: bool = False) -> Database:
    path = resolve_path(path)
    if not path.exists():
        raise DatabaseNotFoundError(path)
    return Database.open(path, read_only=read_only, exclusive=exclusive)
