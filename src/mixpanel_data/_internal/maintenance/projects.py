"""Alembic in projects whose tables share a database with this library's."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

import sqlalchemy as sa

from mixpanel_data._internal.duckdb.dialect.alembic import DuckDBImpl
from mixpanel_data._internal.maintenance.operations import registered

# The last that was configured: Alembic calls the filters below without saying what for.
_configured: ContextVar[Callable[[], ProjectImpl | None]] = ContextVar("configured")


class ProjectImpl(DuckDBImpl):
    """DuckDB for Alembic; autogenerate leaves this library's tables out, if nothing else is said.

    That is, where ``configure()`` is given no ``include_name`` or ``include_object``.
    """

    __dialect__ = "duckdb"

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # The environment of the library's own revisions is about nothing but its tables.
        if "live_connection" not in self.context_opts:
            _configured.set(weakref.ref(self))
            for name, ours in (("include_name", include_name), ("include_object", include_object)):
                self.context_opts[name] = self.context_opts.get(name) or ours

    def leaves_out(self, name: str) -> bool:
        """Return whether a table is one of this library's."""
        if self.connection is None:
            return False
        if "managed" not in self.memo:
            self.memo["managed"] = {table.lower() for table, _ in registered(self.connection)}
        targets = self.context_opts.get("target_metadata") or []
        wanted = {
            table.name.lower()
            for metadata in (targets if isinstance(targets, (list, tuple)) else [targets])
            for table in metadata.tables.values()
        }
        managed = self.memo["managed"]
        return name.lower() in managed or (
            bool(managed) and name.startswith("_") and name.lower() not in wanted
        )


def include_name(name: str | None, type_: str, parent_names: Mapping[str, str | None]) -> bool:
    """Return whether something in the database is for autogenerate to look at.

    All but this library's tables are: those of events and profiles, whatever their names, and the
    internal ones. For ``context.configure(include_name=…)``, and for a function of your own there.
    """
    own_schema = parent_names.get("schema_name") is None
    return not (type_ == "table" and own_schema and name is not None and _is_managed(name))


def include_object(
    item: Any, name: str | None, type_: str, reflected: bool, compare_to: object
) -> bool:
    """Return whether a table, or a part of it, is for autogenerate to compare.

    As ``include_name``, and also for the tables of ``target_metadata``: classes over events that
    share the project's ``MetaData`` are no tables to create.
    """
    table = item if type_ == "table" else getattr(item, "table", None)
    if not isinstance(table, sa.Table) or table.schema is not None:
        return True
    return not ("mixpanel_data" in table.info or _is_managed(table.name))


def _is_managed(name: str) -> bool:
    configured = _configured.get(lambda: None)()
    return configured is not None and configured.leaves_out(name)
