"""The calls of StorageEngine that keep properties as columns, for speed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from numbers import Integral
from typing import Any

from mixpanel_data._internal.storage.base import PropertyPath, StorageBase, library_edge
from mixpanel_data.types import ColumnInfo

# With some 1,500 columns an append would need more memory than there is.
_MOST = 1_000


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
            ValueError: *limit* is none from 0 to 1,000, *properties* are no names or more than
                1,000, or the table was not made by this library.
            TableNotFoundError: the table is not there.
            UnsupportedError: DuckDB is older than 2.0, or the file in the format of an older one.
            QueryError: the database failed; the table has the typed rows that it had before.
        """
        if isinstance(limit, bool) or not isinstance(limit, Integral) or not 0 <= limit <= _MOST:
            raise ValueError(f"limit must be a whole number from 0 to {_MOST:,}, not {limit!r}.")
        paths = None if properties is None else _paths(properties)
        return self._backend.optimize(name, paths if limit else (), int(limit), progress)

    def typed_columns(self, name: str) -> list[ColumnInfo]:
        """Return the columns of the view ``typed.<name>``; none where typed rows are out of date.

        Raises:
            TableNotFoundError: the table is not there.
        """
        return self._backend.typed_columns(name)


def _paths(properties: Any) -> list[PropertyPath]:
    found = [properties] if isinstance(properties, str) else properties
    if not isinstance(found, Iterable):
        raise ValueError(f"properties must be names and tuples of names, not {properties!r}.")
    paths: list[PropertyPath] = []
    for path in found:
        steps = (path,) if isinstance(path, str) else path
        is_path = isinstance(steps, (tuple, list)) and steps
        if not is_path or not all(isinstance(step, str) for step in steps):
            raise ValueError(f"properties must be names and tuples of names, not {path!r}.")
        paths.append(path if isinstance(path, str) else tuple(path))
    if len(paths) > _MOST:
        raise ValueError(f"properties must be {_MOST:,} or fewer, not {len(paths):,}.")
    return paths
