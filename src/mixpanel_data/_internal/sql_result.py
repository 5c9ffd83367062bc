"""The rows of a query with the names of their columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain, islice
from operator import index
from types import MappingProxyType
from typing import Any, SupportsIndex, overload

from mixpanel_data._internal.display import Rows


def distinct_names(names: Sequence[str]) -> list[str]:
    """Return the names with a number added to those that came before: ``a, a`` is ``a, a_1``."""
    taken: dict[str, None] = {}
    for name in names:
        number, candidate = 0, name
        while candidate in taken or (number and candidate in names):
            number += 1
            candidate = f"{name}_{number}"
        taken[candidate] = None
    return list(taken)


class _NamedRow(tuple[Any, ...]):
    """A row whose type has the columns' names in ``_fields``, where DataFrames look for them."""

    __slots__ = ()
    _fields: tuple[str, ...] = ()
    _field_defaults: Mapping[str, Any] = MappingProxyType({})

    def _asdict(self) -> dict[str, Any]:
        return dict(zip(self._fields, self))

    def _replace(self, **changes: Any) -> tuple[Any, ...]:
        return _named_row(self._fields, tuple({**self._asdict(), **changes}.values()))

    def __reduce__(self) -> tuple[Any, ...]:
        return _named_row, (self._fields, tuple(self))


def _named_row(names: tuple[str, ...], row: tuple[Any, ...]) -> _NamedRow:
    return _row_type(names)(row)


@lru_cache(maxsize=128)
def _row_type(names: tuple[str, ...]) -> type[_NamedRow]:
    # polars would take the annotations of the class for its columns.
    members = {"__slots__": (), "__annotations__": {}, "_fields": names}
    return type("Row", (_NamedRow,), members)


class SQLResult(Rows[tuple[Any, ...]]):
    """The rows of a query, as a list of tuples that knows its column names.

    Of equal names the later are numbered, as in a DataFrame. The first row that is taken out has
    the names too: pandas and polars look there, and call their columns by them. Without a row
    they look nowhere: ``pd.DataFrame(result, columns=result.columns)`` always has the names.
    """

    __slots__ = ("columns",)

    def __init__(self, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
        self.columns = distinct_names(columns)
        super().__init__(rows)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        plain = super().__iter__()
        return chain((_named_row(tuple(self.columns), row) for row in islice(plain, 1)), plain)

    @overload
    def __getitem__(self, key: SupportsIndex, /) -> tuple[Any, ...]: ...

    @overload
    def __getitem__(self, key: slice, /) -> SQLResult: ...

    def __getitem__(self, key: SupportsIndex | slice, /) -> tuple[Any, ...] | SQLResult:
        # The rows inside stay plain tuples, the only ones that orjson knows.
        if isinstance(key, slice):
            return SQLResult(self.columns, super().__getitem__(key))
        row = super().__getitem__(key)
        return row if index(key) else _named_row(tuple(self.columns), row)

    def __reduce__(self) -> tuple[Any, ...]:
        return SQLResult, (self.columns, super().__getitem__(slice(None)))

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        """The rows, which the result itself is a list of."""
        return self

    def _table(self) -> tuple[list[str], list[list[object]], int]:
        return self.columns, *super()._table()[1:]

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return each row as a dict by column name."""
        return [dict(zip(self.columns, row)) for row in self]

    def to_dict(self) -> dict[str, Any]:
        """Return ``columns``, ``rows`` (as lists) and ``row_count``."""
        return {
            "columns": self.columns,
            "rows": [list(row) for row in self],
            "row_count": len(self),
        }
