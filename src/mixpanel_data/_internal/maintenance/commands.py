"""The functions of ``mixpanel_data.maintenance``, which says what holds for all of them."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

from mixpanel_data._internal.duckdb import blocks
from mixpanel_data._internal.duckdb import copy as whole
from mixpanel_data._internal.duckdb.database import Database
from mixpanel_data._internal.duckdb.dialect import driver_of, system_functions
from mixpanel_data._internal.duckdb.errors import query_errors
from mixpanel_data._internal.duckdb.files import (
    HAS_DIRECTORIES,
    close_shared,
    open_shared,
    resolve_path,
    wal_path,
)
from mixpanel_data._internal.duckdb.interrupt import run_interruptible
from mixpanel_data._internal.maintenance import backup as copies
from mixpanel_data._internal.maintenance import integrity, typed_rows
from mixpanel_data._internal.maintenance.recovery import recover
from mixpanel_data._internal.schema import catalog, load_history, revisions, versions
from mixpanel_data.exceptions import DamagedDatabaseError, DatabaseNotFoundError, QueryError
from mixpanel_data.types import DatabaseStatus, Migration, Problem, Revision, TableInfo

__all__ = [
    "adopt",
    "backup",
    "check",
    "compact",
    "downgrade",
    "downgrade_sql",
    "history",
    "recover",
    "status",
    "upgrade",
    "upgrade_sql",
]

logger = logging.getLogger(__name__)

MigrationProgress = Callable[[str, float], object]
"""Gets the revision that is being applied, and the progress of its current statement, 0 to 1."""


def history() -> list[Revision]:
    """Return all revisions of the schema, the oldest first."""
    # Alembic loads slowly, and few programs need it.
    from mixpanel_data._internal.maintenance import migrate

    return migrate.history()


def status(path: str | Path) -> DatabaseStatus:
    """Return what this library knows of a DuckDB file, which is only read."""
    path = resolve_path(path)
    with _opened(path, read_only=True) as database, database.begin() as connection:
        found, known = revisions.current_revision(connection), versions.revision_ids()
        pending = known[known.index(found) + 1 :] if found in known else ()
        tables = catalog.tables(connection)
        ours = {table.name for table in tables}
        unregistered = {
            name: kind.name for name, kind in revisions.unregistered(connection).items()
        }
        others = sorted(set(catalog.names(connection)) - ours - unregistered.keys())
        return DatabaseStatus(
            path=path,
            size=path.stat().st_size,
            storage_version=whole.storage_version(database.root_connection),
            revision=found,
            head=versions.head(),
            pending=[revision for revision in history() if revision.id in pending],
            tables=tables,
            unregistered=unregistered,
            others=others,
            time_zones=catalog.time_zones(connection),
            typed={rows.table: len(rows.columns) for rows in typed_rows.current(connection)},
        )


def upgrade(
    path: str | Path, *, backup: bool = True, progress: MigrationProgress | None = None
) -> Migration:
    """Upgrade a file to the current schema, each revision in a transaction of its own.

    A *backup* is written beside the file first, and checked. Where there is nothing to
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
    """Downgrade a file to an earlier revision, each step in a transaction of its own.

    What the earlier revision cannot hold stays in the backup only. All else is as for
    ``upgrade``.

    Raises:
        ValueError: *revision* is unknown or not an earlier one.
    """
    return _migrate(path, revision, backup, progress)


def upgrade_sql(path: str | Path) -> str:
    """Return the SQL that ``upgrade`` would run on this very file."""
    return _sql(path, None)


def downgrade_sql(path: str | Path, revision: str) -> str:
    """Return the SQL that ``downgrade`` would run on this very file."""
    return _sql(path, revision)


def adopt(path: str | Path, table: str) -> TableInfo:
    """Register a table that has the columns of events or profiles, as it is.

    Raises:
        TableNotFoundError: the table is not there.
        ValueError: it is registered already, has other columns, lacks values in required ones, or
            holds a key twice.
    """
    with _opened(path) as database, database.write(f"adopt {table}") as connection:
        found = revisions.check(connection, database.path, read_only=False)
        candidates = revisions.unregistered(connection)
        name = catalog.require(connection, table)
        if name not in candidates:
            raise ValueError(
                f"Cannot adopt '{name}': it is registered already, or it does not have the"
                " columns of events or of profiles."
            )
        kind = candidates[name]
        for fault in integrity.violations(connection, name, kind):
            raise ValueError(
                f"Cannot adopt '{name}': it {fault.problem} Correct or delete those rows first."
            )
        if found is None:
            catalog.create_internal(connection)
        metadata = catalog.infer_metadata(connection, name, kind)
        catalog.register(connection, name, metadata)
        (info,) = [info for info in catalog.tables(connection) if info.name == name]
        load_history.adopt(connection, info, metadata)
        return info


def backup(path: str | Path, destination: str | Path) -> Path:
    """Copy a database that others may be reading, and check all of the copy.

    Raises:
        FileExistsError: *destination* is there.
        DamagedDatabaseError: the file is damaged; nothing is left of the copy.
    """
    source, copy = resolve_path(path), resolve_path(destination)
    for place in (copy, wal_path(copy)):
        if place.exists():
            raise FileExistsError(f"{place} is there already; choose another place for the backup.")
    with _opened(source, read_only=True) as database, copies.written_beside(copy, source) as new:
        copies.copy_file(source, new)
        # What no checkpoint has written into the file yet.
        if wal_path(source).exists():
            copies.copy_file(wal_path(source), wal_path(new))
        _check_same(database, new)
    return copy


def compact(path: str | Path) -> tuple[int, int]:
    """Rewrite a file without the space that nothing uses, and return its bytes before and after.

    DuckDB reuses the space of what was deleted, but hardly ever gives it back. The new file takes
    the old one's place at once, when it is whole.
    """
    path = Path(os.path.realpath(resolve_path(path)))
    new = path.with_name(f"{path.name}.compacting")
    before = path.stat().st_size if path.exists() else 0
    with _opened(path, exclusive=True) as database:
        # Left by a process that was killed.
        for left in (new, wal_path(new)):
            left.unlink(missing_ok=True)
        replaced = open_shared(path)
        whole.checkpoint(database.root_connection)
        with copies.removed_on_error(new, wal_path(new)):
            whole.compact_into(database.root_connection, new)
            typed_rows.guard_copy(database, new)
            if HAS_DIRECTORIES:
                copies.atomic_replace(new, path)
    close_shared(replaced)
    if not HAS_DIRECTORIES:
        # Windows replaces no file that is open.
        copies.atomic_replace(new, path)
    return before, path.stat().st_size


def check(path: str | Path) -> list[Problem]:
    """Read every block of the file and every row of every table, and return what is wrong.

    Raises:
        QueryError: the catalogue itself cannot be read.
    """
    path = resolve_path(path)
    with _opened(path, read_only=True) as database:
        damage = "Keep the file, check the disk, and restore a backup or load the tables again."
        found = [Problem("", f"{path}: {what}.", damage) for what in blocks.damage(path)]
        try:
            found += integrity.problems(database)
        except (DamagedDatabaseError, QueryError) as error:
            if not found and isinstance(error, QueryError):
                raise
            found.append(Problem("", error.message, ""))
        return found


def _migrate(
    path: str | Path, target: str | None, backup: bool, progress: MigrationProgress | None
) -> Migration:
    with _opened(path) as database:
        with database.begin() as connection:
            before = revisions.check(connection, database.path, read_only=True)
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
            with query_errors(f"checkpoint {path}"):
                whole.checkpoint(database.root_connection)
        except QueryError as error:
            # All is committed, and the log holds it.
            logger.warning("Could not checkpoint %s after its migration: %s", path, error)
        return Migration(before, ahead[-1], copy)


def _run(
    database: Database, target: str | None, path: list[str], progress: MigrationProgress | None
) -> None:
    """Migrate along the revisions of *path*, the first of which the database is at."""
    from mixpanel_data._internal.maintenance import migrate

    def applied(revision: str) -> None:
        # A file without a version table is at its first revision already, which is applied again.
        del path[: path.index(revision)]

    def report(done: float) -> None:
        if progress is not None and len(path) > 1:
            progress(path[1], done)

    database.create_wal()
    # A downgrade builds the index of a large table, which needs all the memory there is.
    little = database.limit_memory() if target is None else nullcontext()
    with (
        query_errors(f"migrate {database.path}"),
        little,
        database.engine.connect() as connection,
        system_functions(connection),
    ):
        if target is None:
            work = partial(migrate.upgrade, connection, applied=applied)
        else:
            work = partial(migrate.downgrade, connection, target, applied=applied)
        run_interruptible(driver_of(connection), work, report)


def _steps(found: str | None, target: str | None) -> list[str]:
    """Return the revisions that the database will reach, in their order."""
    known = versions.revision_ids()
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
    whole.checkpoint(database.root_connection)
    with copies.written_beside(copy, path) as new:
        copies.copy_file(path, new)
        _check_same(database, new)
    return copy


def _check_same(database: Database, copy: Path) -> None:
    with Database.open(copy) as copied:
        whole.checkpoint(copied.root_connection)
        counts = [whole.row_counts(each.root_connection) for each in (database, copied)]
        whole.refuse_different(counts[0], counts[1], copy)


def _sql(path: str | Path, target: str | None) -> str:
    from mixpanel_data._internal.maintenance import migrate

    with (
        _opened(path, read_only=True) as database,
        database.engine.connect() as connection,
        system_functions(connection),
    ):
        found = revisions.check(connection, database.path, read_only=True)
        if not _steps(found, target):
            return ""
        if target is None:
            return migrate.upgrade(connection, sql=True)
        return migrate.downgrade(connection, target, sql=True)


@contextmanager
def _opened(
    path: str | Path, *, read_only: bool = False, exclusive: bool = False
) -> Iterator[Database]:
    """Open a file that is there; errors of the database in the block are QueryErrors."""
    path = resolve_path(path)
    if not path.exists():
        raise DatabaseNotFoundError(path)
    with (
        query_errors(f"maintenance of {path}"),
        Database.open(path, read_only=read_only, exclusive=exclusive) as database,
    ):
        yield database
