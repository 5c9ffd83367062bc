"""Alembic over a given connection, for the library and for Alembic's own command line.

Importing this module loads Alembic, and registers the operations that revisions may use beside
Alembic's own: ``op.managed_tables`` and ``op.rebuild_table``.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.operations import BatchOperations, MigrateOperation, MigrationScript, Operations
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError

import mixpanel_data._internal.duckdb.dialect.alembic  # noqa: F401  # registers DuckDB with Alembic
from mixpanel_data._internal.duckdb.dialect import driver_of
from mixpanel_data._internal.schema import revisions
from mixpanel_data._internal.schema.tables import INTERNAL, KINDS, metadata_table, user_table
from mixpanel_data.types import Revision

if TYPE_CHECKING:
    from alembic.runtime.migration import MigrationInfo

Applied = Callable[[str], object]


def migrate(
    connection: sa.Connection, target: str | None = None, applied: Applied = lambda _: None
) -> None:
    """Bring the database to the head, or down to *target*, each step in a transaction of its own.

    *applied* gets the id of each revision that the database has come to.
    """
    config = _config(connection, applied)
    raw = driver_of(connection)
    found = revisions.current_revision(raw)
    # Files from before there was a version table. The original library's need no stamp: revision
    # 0001 takes its tables as they are.
    if found not in (None, revisions.revision_ids()[0]) and not revisions.is_stamped(raw):
        command.stamp(config, found)
    if target is None:
        command.upgrade(config, "head")
    else:
        command.downgrade(config, target)


def sql(connection: sa.Connection, revision: str | None = None) -> str:
    """Return the statements that an upgrade, or a downgrade to *revision*, would run; run none."""
    text = io.StringIO()
    config = _config(connection, output=text)
    raw = driver_of(connection)
    found = revisions.current_revision(raw)
    if found == revisions.revision_ids()[0] and not revisions.is_stamped(raw):
        command.upgrade(config, "head", sql=True)
        return text.getvalue()
    if found is not None and not revisions.is_stamped(raw):
        command.stamp(config, found, sql=True)
    if revision is not None:
        command.downgrade(config, f"{found}:{revision}", sql=True)
    else:
        command.upgrade(config, f"{found}:head", sql=True)
    return text.getvalue()


def history() -> list[Revision]:
    """Return all revisions, the oldest first."""
    scripts = ScriptDirectory(str(revisions.script_location())).walk_revisions()
    return [Revision(script.revision, script.doc) for script in scripts][::-1]


def options(config: Config, connection: sa.Connection) -> dict[str, Any]:
    """Return what ``env.py`` configures Alembic with."""
    target = _target(connection)
    # Alembic commits only what it began itself.
    connection.rollback()
    applied: Applied = config.attributes.get("applied", lambda _: None)
    return {
        "target_metadata": target,
        "version_table": revisions.version_table.name,
        "transaction_per_migration": True,
        "include_object": _is_ours,
        "process_revision_directives": _number,
        "on_version_apply": lambda step, **_: applied(_reached(step)),
        # For operations that look at the database, when its statements are only to be printed.
        "live_connection": connection,
    }


def url(config: Config, arguments: Mapping[str, str]) -> sa.URL:
    """Return the URL of the database that ``-x db=PATH`` or the configuration names."""
    if path := arguments.get("db"):
        return sa.URL.create("duckdb+mixpanel_data", database=path)
    if named := config.get_main_option("sqlalchemy.url"):
        return sa.make_url(named)
    raise CommandError("Which database? Give -x db=PATH, or sqlalchemy.url in alembic.ini.")


def _config(
    connection: sa.Connection,
    applied: Applied = lambda _: None,
    output: io.StringIO | None = None,
) -> Config:
    config = Config(output_buffer=output)
    config.set_main_option("script_location", str(revisions.script_location()).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["applied"] = applied
    return config


def _registered(connection: sa.Connection) -> list[tuple[str, str]]:
    """Return the name and kind of every table in the catalogue that is there."""
    inspector = sa.inspect(connection)
    if not inspector.has_table(metadata_table.name):
        return []
    names = sa.select(metadata_table.c.table_name, metadata_table.c.type).order_by(
        metadata_table.c.table_name
    )
    there = set(inspector.get_table_names())
    return [(name, kind) for name, kind in connection.execute(names) if name in there]


def _target(connection: sa.Connection) -> sa.MetaData:
    """Return the tables that the database should have: ours, and the users' under their names."""
    target = sa.MetaData()
    for table in INTERNAL:
        table.to_metadata(target)
    inspector = sa.inspect(connection)
    for name, kind in _registered(connection):
        table = user_table(KINDS[kind], name).to_metadata(target)
        # The comments are the user's, whatever they say.
        table.comment = inspector.get_table_comment(name)["text"]
        for there in inspector.get_columns(name):
            if there["name"] in table.columns:
                table.columns[there["name"]].comment = there["comment"]
    return target


def _number(_context: object, _heads: object, scripts: list[MigrationScript]) -> None:
    """Replace Alembic's random ids of new revisions by numbers, which tell their order."""
    for script in scripts:
        if len(script.rev_id or "") != len(revisions.head()):
            script.rev_id = f"{int(revisions.head()) + 1:04}"


def _reached(step: MigrationInfo) -> str:
    reached = [step.up_revision_id] if step.is_upgrade else step.down_revision_ids
    return str(next(iter(reached), "base"))


def _is_ours(item: Any, _name: str | None, kind: str, reflected: bool, compare_to: object) -> bool:
    """Leave what users made alone: their tables, and their columns and indexes on ours."""
    table = item if kind == "table" else item.table
    return not reflected or compare_to is not None or table.name.startswith("_")


@Operations.register_operation("managed_tables")
class ManagedTables(MigrateOperation):
    """The users' tables, for revisions that change their shape."""

    @classmethod
    def managed_tables(cls, operations: Operations, kind: str | None = None) -> list[sa.Table]:
        """Return the tables in the catalogue, of *kind* or of both, as they are in the database.

        ``table.info`` holds the ``kind`` and the number of ``rows``.
        """
        live = operations.migration_context.opts["live_connection"]
        tables = []
        for name, its_kind in _registered(live):
            if kind in (None, its_kind):
                table = sa.Table(name, sa.MetaData(), autoload_with=live)
                rows = live.scalar(sa.select(sa.func.count()).select_from(table))
                table.info.update(kind=its_kind, rows=rows)
                tables.append(table)
        return tables


@Operations.register_operation("rebuild_table")
class RebuildTable(MigrateOperation):
    """A table built anew in the same transaction, where DuckDB cannot alter the one it has."""

    @classmethod
    def rebuild_table(
        cls, operations: Operations, table: sa.Table, *, primary_key: str | bool = True
    ) -> AbstractContextManager[BatchOperations]:
        """Build *table* anew with the changes that are made to the batch in the block.

        Rows, their order, key, indexes and comments stay. *primary_key* names the column of a new
        key, or is False for none.
        """
        wanted = table.to_metadata(sa.MetaData())
        if primary_key is not True:
            for column in wanted.columns:
                column.primary_key = column.name == primary_key
            wanted.append_constraint(sa.PrimaryKeyConstraint())
        return _batch(operations, wanted, table.comment)


@contextmanager
def _batch(
    operations: Operations, table: sa.Table, comment: str | None
) -> Iterator[BatchOperations]:
    try:
        with operations.batch_alter_table(
            table.name, recreate="always", copy_from=table, table_kwargs={"comment": comment}
        ) as batch:
            yield batch
    except sa.exc.DBAPIError as error:
        # After an error Alembic drops its new table, which the aborted transaction refuses: that
        # second error would hide the first.
        first: BaseException | None = error.__context__
        while first is not None and not isinstance(first, sa.exc.DBAPIError):
            first = first.__context__
        raise (first or error) from None
