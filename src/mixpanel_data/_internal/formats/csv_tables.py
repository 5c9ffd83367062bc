"""CSV, as Mixpanel's own tool, its reports and ``query --output`` write it -> rows."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Any

from mixpanel_data._internal import json_text
from mixpanel_data._internal.formats.content import EVENT_COLUMNS, separator_of
from mixpanel_data._internal.formats.lines import split_lines
from mixpanel_data._internal.formats.refusals import Place, cut_short, incorrect, invalid
from mixpanel_data._internal.formats.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mixpanel_data._internal.formats.rows import Row

# The names that Mixpanel's reports show, and those of the export.
_SHOWN = {
    "event": "event",
    "event name": "event",
    "time": "time",
    "distinct id": "distinct_id",
    "insert id": "$insert_id",
}
# Their values stay text: an id of digits alone is one, too.
_IDS = frozenset(
    [
        "event",
        "event_name",
        "event_time",
        *(
            f"{mark}{name}"
            for name in ("distinct_id", "insert_id", "user_id", "device_id")
            for mark in ("", "$")
        ),
    ]
)
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?(e[+-]?[0-9]+)?")
_WORDS = {"true": True, "True": True, "false": False, "False": False}


def rows(text: Text) -> Iterator[tuple[Place, Row]]:
    """Yield the rows of a table whose first line names the columns.

    Cells become what they would be in JSON: numbers, booleans, lists and objects where they are
    written as such, text otherwise, nothing where they are empty. Ids are always text.

    Raises:
        InvalidRecordError: a row has not as many cells as there are columns, or is no text.
    """
    separator = separator_of(text.start.removeprefix(b"\xef\xbb\xbf").lstrip()) or ","
    reader = csv.reader(_lines(text), delimiter=separator, strict=True)
    names: list[str] = []
    try:
        for cells in reader:
            place = (text.name, reader.line_num)
            if not any(cells):
                continue
            if not names:
                names = _names(cells)
            elif len(cells) != len(names):
                problem = f"it has {len(cells)} cells, and there are {len(names)} columns"
                raise incorrect(place, problem)
            else:
                yield place, _row(names, cells)
    except csv.Error as error:
        place = (text.name, reader.line_num)
        if "unexpected end" in str(error):
            raise cut_short(*place, "the text ends inside a quoted cell") from error
        if "field larger" in str(error):
            raise invalid(*place, str(error), "Raise csv.field_size_limit().") from error
        raise incorrect(place, f"it is not CSV ({error})") from error


def _lines(text: Text) -> Iterator[str]:
    for batch in split_lines(text):
        for number, line in enumerate(batch.lines, batch.first):
            try:
                yield line.decode().rstrip("\r") + "\n"
            except UnicodeDecodeError as error:
                problem = "it is not UTF-8: save the file as CSV UTF-8"
                raise incorrect((text.name, number), problem) from error


def _names(cells: list[str]) -> list[str]:
    """Return the columns by the names that the export has for them."""
    names = [cell.strip() for cell in cells]
    if not {"properties", "event_name", "PROPERTIES", "EVENT_NAME"}.isdisjoint(names):
        return names
    is_events = not {*EVENT_COLUMNS}.isdisjoint(names)
    names = [_SHOWN.get(name.lower(), name) for name in names]
    if not is_events and "$distinct_id" not in names:
        names = ["$distinct_id" if name == "distinct_id" else name for name in names]
    return names


def _row(names: list[str], cells: list[str]) -> Row:
    values = {
        name: cell if name.lower() in _IDS else typed(cell)
        for name, cell in zip(names, cells)
        if cell
    }
    if "$distinct_id" in names and "event" not in names:
        return {"$distinct_id": values.pop("$distinct_id", None), "$properties": values}
    if isinstance(values.get("time"), str) and "event" in values:
        values["event_name"] = values.pop("event")
    return values


def typed(cell: str) -> Any:
    """Return what a cell stands for.

    A number only where it is written as JSON would write it: 1.10 and 007 stay text.
    """
    if cell in _WORDS:
        return _WORDS[cell]
    if _NUMBER.fullmatch(cell):
        number = json_text.decode(cell)
        return number if repr(number) == cell else cell
    return json_text.decode(cell) if cell[0] in "{[" and json_text.is_json(cell) else cell
