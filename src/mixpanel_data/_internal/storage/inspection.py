"""The calls of StorageEngine that describe what is in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from mixpanel_data._internal.display import Listing
from mixpanel_data._internal.duckdb.dialect import system_functions
from mixpanel_data._internal.duckdb.errors import query_errors
from mixpanel_data._internal.schema import catalog, load_history
from mixpanel_data._internal.storage.base import StorageBase
from mixpanel_data.types import Coverage, LoadInfo, TableInfo, TableSchema

if TYPE_CHECKING:
    from mixpanel_data.types import TableMetadata


class InspectionMixin(StorageBase):
    """The calls that describe the database."""

    def table(self, name: str) -> sa.Table:
        """Return the SQLAlchemy table or view of this name, for ``select``.

        Temporary ones of the calling thread come first.

        Raises:
            TableNotFoundError: it is not there.
        """
        engine = self._database.thread_connection().statements
        with (
            query_errors(f"table {name}"),
            engine.connect() as connection,
            system_functions(connection),
        ):
            return catalog.table(connection, name)

    def table_exists(self, name: str) -> bool:
        """Return whether a table or view of this name is there, an internal one included."""
        with self._begin(f"table {name}") as connection:
            return catalog.find(connection, name, internal=True) is not None

    def list_tables(self) -> list[TableInfo]:
        """Return the tables of events and profiles, by name."""
        with self._begin("list tables") as connection:
            return Listing(catalog.tables(connection))

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
            return Listing(load_history.history(connection, table))

    loads = load_history

    def coverage(self, table: str) -> Coverage:
        """Return which days a table's loads cover, and which between them are missing.

        Raises:
            TableNotFoundError: it is not there.
        """
        with self._begin(f"coverage of {table}") as connection:
            return load_history.coverage(connection, catalog.require(connection, table))
