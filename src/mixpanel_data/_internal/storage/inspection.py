"""The calls of StorageEngine that describe what is in the database."""

from __future__ import annotations

import sqlalchemy as sa

from mixpanel_data._internal.schema import catalog, load_history
from mixpanel_data._internal.schema.tables import quoted, user_table
from mixpanel_data._internal.storage.base import StorageBase
from mixpanel_data.types import Coverage, LoadInfo, TableInfo, TableMetadata, TableSchema


class InspectionMixin(StorageBase):
    """The calls that describe the database."""

    def table(self, name: str) -> sa.Table:
        """Return the SQLAlchemy table of this name, for ``select``.

        Raises:
            TableNotFoundError: it is not there.
        """
        with self._begin(f"table {name}") as connection:
            found = catalog.require(connection, name)
            kind = catalog.kind_of(connection, found)
            if kind is not None:
                return user_table(kind, found)
            return sa.Table(quoted(found), sa.MetaData(), autoload_with=connection)

    def table_exists(self, name: str) -> bool:
        """Return whether a user's table or view of this name is there."""
        with self._begin(f"table {name}") as connection:
            return catalog.find(connection, name) is not None

    def list_tables(self) -> list[TableInfo]:
        """Return the tables of events and profiles, by name."""
        with self._begin("list tables") as connection:
            return catalog.tables(connection)

    def get_schema(self, name: str) -> TableSchema:
        """Return the columns of a table.

        Raises:
            TableNotFoundError: it is not there.
        """
        with self._begin(f"schema of {name}") as connection:
            return catalog.schema_of(connection, name)

    def get_metadata(self, name: str) -> TableMetadata:
        """Return what a table was loaded with: days, filters, and the last load's counts.

        Raises:
            TableNotFoundError: it is not there, or was not made by this library.
        """
        with self._begin(f"metadata of {name}") as connection:
            return catalog.metadata_of(connection, name)

    def load_history(self, table: str | None = None) -> list[LoadInfo]:
        """Return the finished loads of one table, or of all, in their order."""
        with self._begin("load history") as connection:
            return load_history.history(connection, table)

    loads = load_history

    def coverage(self, table: str) -> Coverage:
        """Return which days a table's loads brought, and which between them are missing.

        Raises:
            TableNotFoundError: it is not there.
        """
        with self._begin(f"coverage of {table}") as connection:
            return load_history.coverage(connection, catalog.require(connection, table))
