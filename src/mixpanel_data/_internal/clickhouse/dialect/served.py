"""Property columns of the tables that a statement asks, while it is compiled to be run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import sqlalchemy as sa

Path = tuple[str | int, ...]
Columns = Mapping[Path, str]

_columns_of: ContextVar[Callable[[str], Columns] | None] = ContextVar("columns_of", default=None)


@contextmanager
def serving(columns_of: Callable[[str], Columns]) -> Iterator[None]:
    """Read properties out of columns within the block; *columns_of* a table's name gives them."""
    token = _columns_of.set(columns_of)
    try:
        yield
    finally:
        _columns_of.reset(token)


def column_of(document: Any, path: Path) -> str | None:
    """Return the column that has the JSON text of a property, None where there is none."""
    columns_of = _columns_of.get()
    if columns_of is None or not isinstance(document, sa.Column) or document.name != "properties":
        return None
    table = getattr(document.table, "element", document.table)
    return columns_of(str(table.name)).get(path) if isinstance(table, sa.Table) else None
