"""The result of a query on a server as text, as JSON or as Arrow."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa

    from mixpanel_data import StorageEngine
    from mixpanel_data.cli.views.results import Row

_ROWS_AT_ONCE = 4096
# The documents of the library's own tables: ClickHouse has them as text.
_DOCUMENTS = "properties"


class ArrowResult:
    """What a statement gives, as ``results.Result``."""

    def __init__(
        self,
        storage: StorageEngine,
        sql: str,
        params: Mapping[str, Any] | None = None,
        limit: int | None = None,
    ) -> None:
        self._table = storage.execute_arrow(sql, params)
        if limit is not None:
            self._table = self._table.slice(0, limit)
        self.columns: list[str] = self._table.column_names

    @property
    def numbers(self) -> list[bool]:
        """Which columns hold numbers."""
        import pyarrow as pa

        kinds = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
        return [any(kind(each) for kind in kinds) for each in self._table.schema.types]

    def text_rows(self) -> Iterator[list[Row]]:
        """Yield the rows in lists of some thousand, every cell as its text."""
        return self._rows([_text] * len(self.columns))

    def json_rows(self) -> Iterator[list[Row]]:
        """Yield the rows in lists of some thousand, every cell as JSON."""
        return self._rows([_document if n == _DOCUMENTS else _json for n in self.columns])

    def arrow(self) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        """Yield the rows as Arrow."""
        return self._table.schema, iter(self._table.to_batches())

    def _rows(self, cells: list[Callable[[Any], str]]) -> Iterator[list[Row]]:
        for batch in self._table.to_batches(max_chunksize=_ROWS_AT_ONCE):
            columns = [
                [None if value is None else cell(value) for value in column.to_pylist()]
                for cell, column in zip(cells, batch.columns)
            ]
            yield list(zip(*columns))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, (list, tuple, dict)):
        options = orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATETIME
        return orjson.dumps(value, default=_text, option=options).decode()
    return str(value)


def _json(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return "null"
    if isinstance(value, (bool, int, float, list, tuple, dict)):
        return _text(value)
    return orjson.dumps(_text(value)).decode()


def _document(value: Any) -> str:
    """Return a document as it is, for its digits; any other text as a string."""
    try:
        orjson.loads(value)
    except (ValueError, TypeError):
        return _json(value)
    return str(value).replace("\n", " ").replace("\r", " ")
