"""The calls of StorageEngine that keep properties as columns, for speed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mixpanel_data._internal.storage.base import PropertyPath, StorageBase, library_edge
from mixpanel_data.types import ColumnInfo


class OptimizeMixin(StorageBase):
    """The calls about properties that are columns."""

    @library_edge
    def optimize(
        self,
        name: str,
        properties: Sequence[PropertyPath] | None = None,
        limit: int = 64,
        progress: Callable[[float], object] | None = None,
    ) -> list[PropertyPath]:
        """Keep properties of a table as typed columns beside it, and return which.

        Queries of these properties then take a small part of the time; their answers are the same.
        They are the *limit* commonest ones, of the values of which a sample of the table has some,
        or *properties*: names, and tuples of names for values within objects. With none, or a
        *limit* of 0, the typed rows are dropped. Loads keep them up. A change of the table by SQL
        puts them out of use until the next call. *progress* gets the part that is done, 0 to 1.

        Raises:
            ValueError: *limit* is negative, or the table was not made by this library.
            TableNotFoundError: the table is not there.
            UnsupportedError: DuckDB is older than 2.0, or the file in the format of an older one.
            QueryError: the database failed; the table has the typed rows that it had before.
        """
        if limit < 0:
            raise ValueError(f"limit must be 0 or more, not {limit}.")
        if isinstance(properties, str):
            properties = [properties]
        return self._backend.optimize(name, properties if limit else (), limit, progress)

    def typed_columns(self, name: str) -> list[ColumnInfo]:
        """Return the columns of the view ``typed.<name>``; none where typed rows are out of date.

        Raises:
            TableNotFoundError: the table is not there.
        """
        return self._backend.typed_columns(name)
