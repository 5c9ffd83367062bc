"""The result of a query as text, as JSON or as Arrow: exact, and a few thousand rows at a time.

DuckDB itself writes every cell: passed through Python or Arrow its values lose digits,
months or whole eras, depending on the type and on the version.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import orjson

from mixpanel_data.cli.views.arrow_result import ArrowResult
from mixpanel_data.exceptions import QueryError
from mixpanel_data.types import distinct_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from mixpanel_data import StorageEngine

Row = tuple["str | None", ...]
Cell = Callable[[str, str, str], str]

_SIGNED = ("tinyint", "smallint", "integer", "bigint", "hugeint", "bignum")
_UNSIGNED = ("utinyint", "usmallint", "uinteger", "ubigint", "uhugeint")
_NUMBERS = frozenset([*_SIGNED, *_UNSIGNED, "decimal", "float", "double"])
_NESTED = frozenset(["list", "array", "struct", "tuple", "map", "union"])
# Arrow has no type for these, or one that Parquet does not know.
_TEXT_IN_PARQUET = frozenset(["interval", "time with time zone", "bit", "bignum"])

_ROWS_AT_ONCE = 4096
_ROW_GROUP = 65_536

# A string, or one of the numbers that DuckDB writes and JSON does not have.
_STRING_OR_NOT_A_NUMBER = re.compile(r'"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Inf(?:inity)?)\b', re.I)


def result_of(
    storage: StorageEngine,
    sql: str,
    params: Mapping[str, Any] | None = None,
    limit: int | None = None,
) -> Result | ArrowResult:
    """Return what a statement gives, of the first *limit* rows."""
    kind = Result if is_duckdb(storage) else ArrowResult
    return kind(storage, sql, params, limit)


def is_duckdb(storage: StorageEngine) -> bool:
    """Return whether a database is a DuckDB file."""
    return storage.engine.dialect.name == "duckdb"


class Result:
    """What a statement gives; it runs, once, when its rows are asked for."""

    def __init__(
        self,
        storage: StorageEngine,
        sql: str,
        params: Mapping[str, Any] | None = None,
        limit: int | None = None,
    ) -> None:
        self._storage = storage
        self._connection = storage.connection
        self._sql = sql
        self._params = params
        relation = storage.execute(sql, params)
        if relation is None:
            raise QueryError(
                "The statement gives no rows; ask for something with SELECT.", query=sql
            )
        self._relation = relation if limit is None else relation.limit(limit)
        self._types = [(kind.id, str(kind)) for kind in relation.types]
        self.columns = distinct_names(relation.columns)
        self._worker = ThreadPoolExecutor(1)

    @property
    def numbers(self) -> list[bool]:
        """Which columns hold numbers."""
        return [kind in _NUMBERS for kind, _ in self._types]

    def text_rows(self) -> Iterator[list[Row]]:
        """Yield the rows in lists of some thousand, every cell as its text."""
        return self._texts(_as_text)

    def json_rows(self) -> Iterator[list[Row]]:
        """Yield the rows in lists of some thousand, every cell as JSON."""
        documents = [position for position, (_, name) in enumerate(self._types) if name == "JSON"]
        return self._texts(_as_json, dict.fromkeys(documents, _valid_document))

    def arrow(self) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        """Yield the rows as Arrow, in types that Parquet can hold."""
        projected = self._projected(_as_arrow)
        # duckdb 2 has only the first name, 1.4 only the second.
        start = getattr(projected, "to_arrow_reader", None) or projected.fetch_record_batch
        reader = self._wait(lambda: start(_ROW_GROUP))
        return reader.schema, iter(lambda: self._wait(lambda: next(reader, None)), None)

    def _texts(
        self, cell: Cell, valid: Mapping[int, Callable[[str], str]] = MappingProxyType({})
    ) -> Iterator[list[Row]]:
        nested = [position for position, (kind, _) in enumerate(self._types) if kind in _NESTED]
        valid = {**dict.fromkeys(nested, _valid_json), **valid}
        more = self._wait(partial(self._start, self._projected(cell)))
        while rows := self._wait(more):
            yield [_with_valid(row, valid) for row in rows] if valid else rows

    def _start(self, projected: Any) -> Callable[[], list[Row]]:
        """Run the query; the function returns its next rows, none at the end."""
        if hasattr(projected, "fetchmany"):
            # duckdb 1 would hold the whole result in memory, but for Arrow; and a relation with
            # parameters has no SQL there.
            reader = projected.fetch_record_batch(_ROWS_AT_ONCE)
            return lambda: _rows_of(next(reader, None))
        started = self._connection.execute(projected.sql_query(), self._params)
        return partial(started.fetchmany, _ROWS_AT_ONCE)

    def _projected(self, cell: Cell) -> Any:
        expressions = (
            f"{cell(f'#{position}', *kind)} AS {_quoted(name)}"
            for position, (name, kind) in enumerate(zip(self.columns, self._types), 1)
        )
        return self._relation.project(", ".join(expressions))

    def _wait(self, step: Callable[[], Any]) -> Any:
        """Run a step of the query on a thread: DuckDB would not notice a Ctrl-C, waiting does."""
        try:
            with self._storage.query_errors(self._sql):
                return self._worker.submit(step).result()
        except OSError as error:
            # Arrow's name for an error of the database in the middle of the result.
            raise QueryError(str(error), query=self._sql) from error
        except KeyboardInterrupt:
            self._connection.interrupt()
            raise


def _as_text(cell: str, kind: str, name: str) -> str:
    if kind in _NESTED:
        return f"to_json({cell})::VARCHAR"
    if kind == "blob":
        return f"base64({cell})"
    if kind == "timestamp with time zone":
        iso = f"replace(({cell} AT TIME ZONE 'UTC')::VARCHAR, ' ', 'T') || '+00:00'"
        return f"CASE WHEN isfinite({cell}) THEN {iso} ELSE {cell}::VARCHAR END"
    if kind.startswith("timestamp"):
        return f"replace({cell}::VARCHAR, ' ', 'T')"
    return f"{cell}::VARCHAR"


def _as_json(cell: str, kind: str, name: str) -> str:
    if kind in ("float", "double"):
        return f"CASE WHEN isfinite({cell}) THEN {cell}::VARCHAR END"
    if kind in _NUMBERS or kind == "boolean":
        return f"{cell}::VARCHAR"
    if name == "JSON":
        # As it is, for its digits, but on one line; within strings JSON has no line breaks.
        return f"translate({cell}::VARCHAR, chr(10) || chr(13), '  ')"
    text = _as_text(cell, kind, name)
    return text if kind in _NESTED else f"to_json({text})::VARCHAR"


def _as_arrow(cell: str, kind: str, name: str) -> str:
    if kind in ("hugeint", "uhugeint"):
        # Arrow's name for both is decimal(38), where the largest of them do not fit: an error then.
        return f"{cell}::DECIMAL(38, 0)"
    if kind in _TEXT_IN_PARQUET:
        return f"{cell}::VARCHAR"
    return f"to_json({cell})::VARCHAR" if kind == "union" else cell


def _valid_json(text: str) -> str:
    return _STRING_OR_NOT_A_NUMBER.sub(lambda found: _null_or(found[0]), text)


def _rows_of(batch: pa.RecordBatch | None) -> list[Row]:
    return [] if batch is None else list(zip(*(column.to_pylist() for column in batch.columns)))


def _with_valid(row: Row, valid: Mapping[int, Callable[[str], str]]) -> Row:
    cells = list(row)
    for position, correct in valid.items():
        if (cell := cells[position]) is not None:
            cells[position] = correct(cell)
    return tuple(cells)


def _valid_document(text: str) -> str:
    """Return a JSON document that DuckDB holds, which may not be one, as valid JSON."""
    for candidate in (text, _valid_json(text)):
        with suppress(ValueError, RecursionError):
            orjson.loads(candidate)
            return candidate
    return json.dumps(text, ensure_ascii=False)


def _null_or(token: str) -> str:
    return token if token.startswith('"') else "null"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
