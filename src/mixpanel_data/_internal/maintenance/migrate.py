"""Alembic over a given connection, for the library and for Alembic's own command line.

Importing this module loads Alembic, and registers the operations of ``operations``.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.operations import MigrationScript
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError

import mixpanel_data._internal.duckdb.dialect.alembic  # noqa: F401  # registers DuckDB with Alembic
from mixpanel_data._internal.duckdb.dialect import system_functions
from mixpanel_data._internal.maintenance.operations import registered
from mixpanel_data._internal.schema import revisions, versions
from mixpanel_data._internal.schema.tables import INTERNAL, KINDS, user_table
from mixpanel_data.exceptions import DamagedDatabaseError
from mixpanel_data.types import Revision

if TYPE_CHECKING:
    from alembic.runtime.migration import MigrationInfo

Applied = Callable[[str], object]


def _ignore(_revision: str) -> None:
    """Do nothing with a revision that was applied."""


def upgrade(connection: sa.Connection, *, sql: bool = False, applied: Applied = _ignore) -> str:
    """Upgrade the database to the head, each revision in a transaction of its own.

    *applied* gets the id of each revision that the database has reached. With *sql*, the
    statements are returned and none is run.
    """
    return _run(connection, None, sql, applied)


def downgrade(
    connection: sa.Connection, revision: str, *, sql: bool = False, applied: Applied = _ignore
) -> str:
    """Downgrade the database to *revision*; all else as for ``upgrade``."""
    return _run(connection, revision, sql, applied)


def _run(connection: sa.Connection, target: str | None, sql: bool, applied: Applied) -> str:
    text = io.StringIO()
    config = _config(connection, applied, text)
    revisions.refuse_view(connection)
    found = revisions.current_revision(connection)
    stamped = revisions.is_stamped(connection)
    # The original library's files need no stamp: revision 0001 takes their tables as they are.
    start = "" if not stamped and found == versions.revision_ids()[0] else found
    if start and not stamped:
        command.stamp(config, start, sql=sql)
    if target is None:
        command.upgrade(config, f"{start}:head" if sql and start else "head", sql=sql)
    else:
        command.downgrade(config, f"{found}:{target}" if sql else target, sql=sql)
    return text.getvalue()


def history() -> list[Revision]:
    """Return all revisions, the oldest first."""
    scripts = ScriptDirectory(str(versions.script_location())).walk_revisions()
    return [Revision(script.revision, script.doc) for script in scripts][::-1]


@contextmanager
def protected(connection: sa.Connection) -> Iterator[None]:
    """Keep macros and views of the file out of what Alembic asks it in the block.

    Raises:
        CommandError: there is a view in the place of the version table.
    """
    with system_functions(connection):
        try:
            revisions.refuse_view(connection)
        except DamagedDatabaseError as error:
            raise CommandError(error.message) from None
        yield


def options(config: Config, connection: sa.Connection) -> dict[str, Any]:
    """Return what ``env.py`` configures Alembic with."""
    target = _target(connection)
    # Alembic commits only what it began itself.
    connection.rollback()
    applied: Applied = config.attributes.get("applied", _ignore)
    return {
        "target_metadata": target,
        "version_table": versions.version_table.name,
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
    raise CommandError("No database is named. Use -x db=PATH, or sqlalchemy.url in alembic.ini.")


def _config(connection: sa.Connection, applied: Applied, output: io.StringIO) -> Config:
    config = Config(output_buffer=output)
    config.set_main_option("script_location", str(versions.script_location()).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["applied"] = applied
    return config


def _target(connection: sa.Connection) -> sa.MetaData:
    """Return the tables that the database should have: ours, and the users' under their names."""
    target = sa.MetaData()
    for table in INTERNAL:
        table.to_metadata(target)
    inspector = sa.inspect(connection)
    for name, kind in registered(connection):
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
        if len(script.rev_id or "") != len(versions.head()):
            script.rev_id = f"{int(versions.head()) + 1:04}"


def _reached(step: MigrationInfo) -> str:
    reached = [step.up_revision_id] if step.is_upgrade else step.down_revision_ids
    return str(next(iter(reached), "base"))


def _is_ours(item: Any, _name: str | None, kind: str, reflected: bool, compare_to: object) -> bool:
    """Leave what users made alone: their tables, and their columns and indexes on ours."""
    table = item if kind == "table" else item.table
    return not reflected or compare_to is not None or table.name.startswith("_")
