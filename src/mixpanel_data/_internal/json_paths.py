"""Paths into JSON documents, as DuckDB spells them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

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


def path_of(value: Any) -> str:
    """Return the path of what is inside the brackets of ``column[...]``: one step, or several."""
    return path([value] if isinstance(value, (str, int)) else list(value))


def path_literal(value: Any, quote: Callable[[str], str]) -> str:
    """Return such a path as a literal of SQL; *quote* makes one of text."""
    # SQL text ends at a NUL for DuckDB before 2.0.
    literal = quote(path_of(value)).replace("\0", "' || chr(0) || '")
    return f"({literal})" if "chr(0)" in literal else literal
