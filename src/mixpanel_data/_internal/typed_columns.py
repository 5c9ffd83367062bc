"""What the columns of typed rows are, apart from any database."""

from __future__ import annotations

from typing import NamedTuple

ODD = "_odd"
# Beyond 2**53 the fraction's zero stays.
DECIMAL = (
    "CASE WHEN floor({p}) = {p} AND abs({p}) < 9007199254740992.0"
    " THEN CAST(CAST({p} AS BIGINT) AS VARCHAR) ELSE CAST({p} AS VARCHAR) END"
)


class Column(NamedTuple):
    """One property as a column; *odd* where some row's value is not exact."""

    path: tuple[str, ...]
    name: str
    kind: str
    odd: bool = False
