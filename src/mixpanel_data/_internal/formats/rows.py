"""Lines to JSON objects, each with the place it comes from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import orjson

from mixpanel_data._internal.formats.lines import Batch
from mixpanel_data._internal.formats.refusals import (
    Place,
    WrongContentError,
    cut_short,
    incorrect,
)
from mixpanel_data._internal.json_text import has_long_digits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mixpanel_data.exceptions import InvalidRecordError

Row = dict[str, Any]

_SHOWN = 100


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
            raise incorrect(_place(batch, number), _not_an_object(row))
        yield (batch.source, number) if batch.unit == "line" else _place(batch, number), row


def _not_an_object(value: Any) -> str | ValueError:
    problem = "it is not a JSON object"
    if value == []:
        return WrongContentError(
            f"{problem}, but an empty list",
            "A failed download may leave that, too: check the source. If there is nothing for this"
            " day, say so with allow_empty=True (--allow-empty).",
        )
    return problem


def _place(batch: Batch, number: int) -> Place:
    return (batch.source, number, batch.unit)


def _loads_exactly(line: bytes) -> Any:
    """Parse like orjson, which turns integers beyond 64 bits into floats, but keep those exact."""
    value = orjson.loads(line)
    # orjson goes first because json lets NaN, infinities and lone surrogates pass.
    return json.loads(line.decode()) if has_long_digits(line) else value


def _unreadable(batch: Batch, number: int, line: bytes, error: Exception) -> InvalidRecordError:
    if b"terminated early" in line[-200:].lower():
        return cut_short(batch.source, number, "export terminated early by Mixpanel", batch.unit)
    reason = str(error)
    if isinstance(error, json.JSONDecodeError):
        reason = f"{error.msg} at character {error.pos + 1}"
    begins_json = line.lstrip()[:1] in (b"{", b"[")
    if not batch.ended and (begins_json or number > 1):
        problem = f"the text ends inside this line ({reason})"
        return cut_short(batch.source, number, problem, batch.unit)
    problem = f"it is not JSON ({reason})"
    if number == 1 and not begins_json:
        # The whole file is something else, often what the server had to say.
        problem += f": {line.strip()[:_SHOWN].decode(errors='replace')!r}"
        suggestion = (
            "An export holds one JSON object a line: check what this is, and fetch the export."
        )
        return incorrect(_place(batch, number), WrongContentError(problem, suggestion))
    return incorrect(_place(batch, number), problem)


def expect_only(row: Row, *keys: str) -> None:
    """Refuse a row that has more than *keys*.

    Raises:
        ValueError: it has.
    """
    if len(row) > len(keys):
        stray = next(key for key in row if key not in keys)
        raise ValueError(f"{stray[:60]!r} stands beside {keys[-1]!r}, not in it")
