"""Values as people see them: short text for terminals, tables for notebooks."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from typing import Any, TypeVar

__all__ = [
    *("RUN", "Listing", "Rows", "Shown"),
    *("brief", "html_table", "runs", "runs_text", "text_table"),
]

_Item = TypeVar("_Item")
_ROWS = 60
_CELL = 60
RUN = ("", "from", "to", "days")


def brief(value: object) -> str:
    """Return a value of a ``repr``: times as ISO 8601, and nothing longer than a line."""
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, (Mapping, list, tuple)) and len(value) > 3:
        return f"<{len(value)} {'keys' if isinstance(value, Mapping) else 'items'}>"
    text = repr(value)
    return text if len(text) <= _CELL else f"{text[: _CELL - 1]}…"


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}" + ("Z" if value.tzinfo else "")
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    text = value if isinstance(value, str) else brief(value)
    # A name out of the data may hold control characters and line breaks.
    text = text if text.isprintable() else text.encode("unicode_escape").decode()
    return text if len(text) <= _CELL else f"{text[: _CELL - 1]}…"


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def html_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "", more: int = 0
) -> str:
    """Return rows as an HTML table; *more* are the rows that are left out."""
    head = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
    lines = [
        "".join(
            f'<td style="text-align:{"right" if _is_number(cell) else "left"}">'
            f"{html.escape(_cell(cell))}</td>"
            for cell in row
        )
        for row in rows
    ]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    title = f"<p>{html.escape(caption)}</p>" if caption else ""
    rest = f"<p>… {more:,} more rows</p>" if more > 0 else ""
    table = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    return f'{title}<table border="1" class="dataframe">{table}</table>{rest}'


def text_table(columns: Sequence[str], rows: Iterable[Sequence[object]], more: int = 0) -> str:
    """Return rows as lines of aligned text; *more* are the rows that are left out."""
    values = [list(row) for row in rows]
    lines = [list(columns), *([_cell(cell) for cell in row] for row in values)]
    right = [all(map(_is_number, column)) for column in zip(*values)] or [False] * len(columns)
    widths = [max(map(len, column)) for column in zip(*lines)]
    text = [
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(line, widths, right)
        ).rstrip()
        for line in lines
    ]
    return "\n".join([*text, f"… {more:,} more rows"] if more > 0 else text)


def runs(loaded: Sequence[date], missing: Sequence[date]) -> list[list[Any]]:
    """Return the runs of days that are loaded or missing, in their order, by ``RUN``."""
    found: list[list[Any]] = []
    for day, what in sorted([*((d, "loaded") for d in loaded), *((d, "missing") for d in missing)]):
        if found and found[-1][0] == what:
            found[-1][2:] = [day, found[-1][3] + 1]
        else:
            found.append([what, day, day, 1])
    return found


def runs_text(loaded: Sequence[date], missing: Sequence[date]) -> list[str]:
    """Return the runs of days as text."""
    return [
        f"{what} {first} to {last} ({count:,} days)" if count > 1 else f"{what} {first}"
        for what, first, last, count in runs(loaded, missing)
    ]


class Shown:
    """A frozen dataclass whose ``repr`` has short values, and which a notebook shows as a row."""

    __slots__ = ()

    def __repr__(self) -> str:
        values = ((name, brief(getattr(self, name))) for name in _names(self))
        return f"{type(self).__name__}({', '.join(f'{name}={value}' for name, value in values)})"

    def _repr_html_(self) -> str:
        names = _names(self)
        return html_table(names, [[getattr(self, name) for name in names]])


class Rows(list[_Item]):
    """A list that a notebook shows as a table."""

    __slots__ = ()

    def _table(self) -> tuple[list[str], list[list[object]], int]:
        names = _names(self[0]) if self else []
        return names, [_values(item, names) for item in self[:_ROWS]], len(self) - _ROWS

    def _repr_html_(self) -> str:
        names, rows, more = self._table()
        if not names:
            return f"<p>{html.escape(repr(self))}</p>"
        return html_table(names, rows, more=more)


class Listing(Rows[_Item]):
    """A list that a terminal shows as aligned lines."""

    __slots__ = ()

    def __repr__(self) -> str:
        names, rows, more = self._table()
        return text_table(names, rows, more) if names else super().__repr__()


def _names(item: Any) -> list[str]:
    """Return the fields that tell most about a value: none of what is no dataclass and no row."""
    if shown := getattr(type(item), "_shown", None):
        return list(shown)
    if is_dataclass(item):
        return [field.name for field in fields(item)]
    return list(getattr(item, "_fields", ()))


def _values(item: Any, names: Sequence[str]) -> list[object]:
    # A row of SQLAlchemy's may have columns named as methods of a tuple are.
    if isinstance(item, Sequence):
        return list(item)
    return [getattr(item, name) for name in names]
