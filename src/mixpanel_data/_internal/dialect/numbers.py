"""Decimals that DuckDB has computed as floating-point numbers."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import types as sqltypes

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Dialect


class Numeric(sqltypes.Numeric[Any]):
    """NUMERIC and DECIMAL; DuckDB divides them as DOUBLE."""

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        if self.asdecimal and coltype == "DOUBLE":
            return lambda value: value if value is None else Decimal(repr(value))
        return super().result_processor(dialect, coltype)
