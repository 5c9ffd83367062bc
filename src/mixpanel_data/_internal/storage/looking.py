"""The looking part of StorageEngine: what is in the database."""

from __future__ import annotations

import sqlalchemy as sa

from mixpanel_data._internal import catalog, ledger
from mixpanel_data._internal.storage.base import Base
from mixpanel_data._internal.tables import quoted, user_table
from mixpanel_data.types import Coverage, LoadInfo, TableInfo, TableMetadata, TableSchema


class Looking(Base):
    """The calls that describe the database."""

    def table(self, name: str) -> sa.Table:
        """Give the SQLAlchemy table of this name, for ``select``.

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
        """Say whether a user's table or view of this name is there."""
        with self._begin(f"table {name}") as connection:
            return catalog.find(connection, name) is not None

    def list_tables(self) -> list[TableInfo]:
        """Give the tables of events and profiles, by name."""
        with self._begin("list tables") as connection:
            return catalog.tables(connection)

    def get_schema(self, name: str) -> TableSchema:
        """Give the columns of a table.

        Raises:
            TableNotFoundError: it is not there.
        """
        with self._begin(f"schema of {name}") as connection:
            return catalog.schema_of(connection, name)

    def get_metadata(self, name: str) -> TableMetadata:
        """Give what a table was loaded with: days, filters, and the last load's counts.

        Raises:
            TableNotFoundError: it is not there, or was not made by this library.
        """
        with self._begin(f"metadata of {name}") as connection:
            return catalog.metadata_of(connection, name)

    def loads(self, table: str | None = None) -> list[LoadInfo]:
        """Give the ledger: the finished loads of one table, or of all, in their order."""
        with self._begin("loads") as connection:
            return ledger.history(connection, table)

    def coverage(self, table: str) -> Coverage:
        """Say which days a table's loads brought, and which between them are missing.

        Raises:
            TableNotFoundError: it is not there.
        """
        with self._begin(f"coverage of {table}") as connection:
            return ledger.coverage(connection, catalog.require(connection, table))
