"""Decimals on their way into DuckDB and out of it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import types as sqltypes

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Dialect


class Numeric(sqltypes.Numeric[Any]):
    """NUMERIC and DECIMAL."""

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        return _without_exponent

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        # DuckDB divides decimals as DOUBLE.
        if self.asdecimal and coltype == "DOUBLE":
            return lambda value: value if value is None else Decimal(repr(value))
        return super().result_processor(dialect, coltype)


def _without_exponent(value: Any) -> Any:
    """Write 4E+2 as 400: DuckDB before 2.0 reads it as 4."""
    return Decimal(f"{value:f}") if isinstance(value, Decimal) else value
