"""Lines to JSON objects, each with the place it comes from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import orjson

from mixpanel_data._internal.formats.lines import (
    Batch,
    Source,
    cut_short,
    invalid,
    join_pretty_printed,
    read_batches,
)
from mixpanel_data._internal.json_text import has_long_digits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mixpanel_data.exceptions import InvalidRecordError

Place = tuple[str, int]
Row = dict[str, Any]


def batches_of(
    sources: Iterable[Source], progress: Callable[[int], None] | None, pretty: bool = False
) -> Iterator[Batch]:
    """Yield the batches of all *sources*, and tell *progress* the bytes taken so far."""
    total = 0

    def consumed(count: int) -> None:
        nonlocal total
        total += count
        if progress and count:
            progress(total)

    for source in sources:
        batches = read_batches(source, consumed)
        yield from join_pretty_printed(batches) if pretty else batches


def rows_of(batch: Batch) -> Iterator[tuple[Place, Row]]:
    """Yield the JSON object of each line of *batch*, with the source and number of the line.

    Raises:
        InvalidRecordError: a line is not a JSON object.
    """
    loads = _loads_exactly if batch.long_digits else orjson.loads
    for number, line in enumerate(batch.lines, batch.first):
        try:
            row = loads(line)
        except (ValueError, RecursionError) as error:
            if not line.strip():
                continue
            raise _unreadable(batch, number, line, error) from error
        if not isinstance(row, dict):
            raise incorrect((batch.source, number), "it is not a JSON object")
        yield (batch.source, number), row


def _loads_exactly(line: bytes) -> Any:
    """Parse like orjson, which turns integers beyond 64 bits into floats, but keep those exact."""
    value = orjson.loads(line)
    # orjson goes first because json lets NaN, infinities and lone surrogates pass.
    return json.loads(line.decode()) if has_long_digits(line) else value


def _unreadable(batch: Batch, number: int, line: bytes, error: Exception) -> InvalidRecordError:
    if b"terminated early" in line[-200:].lower():
        return cut_short(batch.source, number, "export terminated early by Mixpanel")
    reason = str(error)
    if isinstance(error, json.JSONDecodeError):
        reason = f"{error.msg} at character {error.pos + 1}"
    if not batch.ended:
        return cut_short(batch.source, number, f"the text ends inside this line ({reason})")
    return incorrect((batch.source, number), f"it is not JSON ({reason})")


def incorrect(place: Place, problem: str) -> InvalidRecordError:
    """Return the error for a line that is no record."""
    return invalid(*place, problem, "Correct or remove this line, or fetch the file again.")


def expect_only(row: Row, *keys: str) -> None:
    """Refuse a row that has more than *keys*.

    Raises:
        ValueError: it has.
    """
    if len(row) > len(keys):
        stray = next(key for key in row if key not in keys)
        raise ValueError(f"{stray[:60]!r} stands beside {keys[-1]!r}, not in it")
