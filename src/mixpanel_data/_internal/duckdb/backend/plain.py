"""What keeps a statement from being rewritten: SQL in it that may read more than it says."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnClause, TableValuedColumn

# Names of what a rewritten statement has no more, or has otherwise.
_READS_MORE = re.compile(r"properties|\*|\browid\b|\bcolumns\b", re.IGNORECASE)
_USUAL = (sa.String, sa.DateTime, sa.JSON)
_PACKAGES = ("sqlalchemy.", "duckdb_engine.", "mixpanel_data.")


def text_of(node: Any) -> str | None:
    """Return the text of a node that goes into the SQL as it is, None for other nodes."""
    if isinstance(node, sa.TextClause):
        return node.text
    # The star of count(*) is one, too.
    if isinstance(node, ColumnClause) and node.table is None and node.name != "*":
        return str(node.name)
    return None


def is_plain(nodes: Collection[Any], tables: Collection[str]) -> bool:
    """Return whether a statement of these nodes means the same when *tables* are replaced in it.

    Not where text names what they have no more, a table stands for its rows, or a CTE hides one.
    """
    existing = {
        getattr(node.element, "element", None) for node in nodes if isinstance(node, sa.Exists)
    }
    for node in nodes:
        text = text_of(node)
        if text is not None and _READS_MORE.search(text):
            return False
        if isinstance(node, sa.CTE) and node.name.lower() in tables:
            return False
        if isinstance(node, TableValuedColumn):
            return False
        is_select = isinstance(node, sa.Select) and node not in existing
        if is_select and not all(map(_is_replaceable, node._raw_columns)):
            return False
    return True


def _is_replaceable(column: Any) -> bool:
    """Return whether a column of a select is neither a star nor one that the ORM makes of others.

    To those it adds the table that they were made for.
    """
    if isinstance(column, sa.Column):
        return True
    annotations = getattr(column, "_annotations", {})
    is_made = not isinstance(column, sa.FromClause) and (
        "parententity" in annotations or "bundle" in annotations
    )
    return not is_made and not (isinstance(column, ColumnClause) and column.name == "*")


def has_usual_types(table: sa.Table, names: Collection[str]) -> bool:
    """Return whether the values of columns come as SQLAlchemy's own types give them."""
    return all(
        isinstance(column.type, _USUAL)
        and not isinstance(column.type, sa.Enum)
        and type(column.type).__module__.startswith(_PACKAGES)
        for column in table.columns
        if column.name in names
    )
