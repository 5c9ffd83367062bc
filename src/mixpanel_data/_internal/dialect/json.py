"""JSON keys and paths in DuckDB's spelling."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sqlalchemy import types as sqltypes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy.engine import Dialect

_SPECIAL = re.compile(r'(["\\])')


def path(steps: Sequence[str | int]) -> str:
    """Spell a path of keys and list positions, as a JSONPath where that can say it.

    A JSONPath has no empty key, and its ``"*"`` matches every key; a JSON Pointer has both, but
    cannot tell the position 0 from the key "0" and knows no negative position.
    """
    if "" not in steps and "*" not in steps:
        return "$" + "".join(map(_jsonpath_step, steps))
    if any(isinstance(step, int) and step < 0 for step in steps):
        raise ValueError(f'DuckDB cannot take a negative position together with "" or "*": {steps}')
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def _jsonpath_step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return '."' + _SPECIAL.sub(r"\\\1", step) + '"'


class _PathType:
    """Binds and renders what is inside the brackets of ``column[...]`` as a DuckDB path."""

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], str]:
        return _path_of

    def literal_processor(self, dialect: Dialect) -> Callable[[Any], str]:
        quote = sqltypes.String().literal_processor(dialect)
        assert quote is not None
        return lambda value: quote(_path_of(value))


def _path_of(value: Any) -> str:
    return path([value] if isinstance(value, (str, int)) else list(value))


class JSONIndexType(_PathType, sqltypes.JSON.JSONIndexType):
    """A key or a position."""


class JSONIntIndexType(_PathType, sqltypes.JSON.JSONIntIndexType):
    """A position."""


class JSONStrIndexType(_PathType, sqltypes.JSON.JSONStrIndexType):
    """A key."""


class JSONPathType(_PathType, sqltypes.JSON.JSONPathType):
    """A sequence of keys and positions."""
