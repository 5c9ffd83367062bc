"""The calls of StorageEngine that describe what is in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mixpanel_data._internal.display import Listing
from mixpanel_data._internal.loading.coverage import coverage_of
from mixpanel_data._internal.storage.base import StorageBase

if TYPE_CHECKING:
    import sqlalchemy as sa

    from mixpanel_data.types import Coverage, LoadInfo, TableInfo, TableMetadata, TableSchema


class InspectionMixin(StorageBase):
    """The calls that describe the database."""

    def table(self, name: str) -> sa.Table:
        """Return the SQLAlchemy table or view of this name, for ``select``.

        Temporary ones of the calling thread come first.

        Raises:
            TableNotFoundError: it is not there.
        """
        return self._backend.table(name)

    def table_exists(self, name: str) -> bool:
        """Return whether a table or view of this name is there, an internal one included."""
        return self._backend.find(name) is not None

    def list_tables(self) -> list[TableInfo]:
        """Return the tables of events and profiles, by name."""
        return Listing(self._backend.tables())

    def get_schema(self, name: str) -> TableSchema:
        """Return the columns of a table.

        Raises:
            TableNotFoundError: it is not there.
        """
        return self._backend.schema(name)

    def get_metadata(self, name: str) -> TableMetadata:
        """Return what a table was loaded with: days, filters, and the last load's counts.

        Raises:
            TableNotFoundError: it is not there, or was not made by this library.
        """
        return self._backend.metadata(name)

    def load_history(self, table: str | None = None) -> list[LoadInfo]:
        """Return the finished loads of one table, or of all, in their order."""
        return Listing(self._backend.history(table))

    loads = load_history

    def coverage(self, table: str) -> Coverage:
        """Return which days a table's loads cover, and which between them are missing.

        Raises:
            TableNotFoundError: it is not there.
        """
        found = self._backend.require(table)
        return coverage_of(found, self._backend.history(found))
