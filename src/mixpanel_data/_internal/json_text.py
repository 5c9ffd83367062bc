"""JSON text, written and read without changing a value."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable

# orjson would write what these stand for.
_ONLY_PLAIN = (
    orjson.OPT_PASSTHROUGH_SUBCLASS
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
)

# A search for a run of equal bytes is many times faster than one for a pattern.
_DIGITS = bytes.maketrans(b"123456789", b"0" * 9)
_LONG_RUN = b"0" * 19


def encode(value: object) -> bytes:
    """Return the JSON text of a value, or refuse what JSON cannot hold.

    Raises:
        ValueError: it holds NaN, an infinity, a lone surrogate, a key that is no text or an object
            of another type, or is nested too deeply; says which and where in the value.
    """
    try:
        if _is_plain((value,)):
            try:
                return orjson.dumps(value, option=_ONLY_PLAIN)
            except TypeError:  # an integer beyond 64 bits, or what _check() names
                pass
        _check(value, "")
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError as error:
        raise ValueError("holds a lone surrogate, which is not Unicode text") from error
    except RecursionError as error:
        raise ValueError("is nested too deeply, or contains itself") from error


def decode(text: str) -> Any:
    """Return the value of a JSON text, integers of any length included.

    Raises:
        ValueError: it is not JSON; NaN, infinities and lone surrogates pass.
    """
    try:
        return json.loads(text) if has_long_digits(text.encode()) else orjson.loads(text)
    except ValueError:  # NaN, which orjson refuses
        return json.loads(text)


def is_json(text: str) -> bool:
    """Return whether a text is JSON to the letter, which NaN and infinities are not."""
    try:
        orjson.loads(text)
    except ValueError:
        try:
            json.loads(text, parse_constant=_refuse)
        except (ValueError, RecursionError):
            return False
    return True


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def has_long_digits(text: bytes) -> bool:
    """Return whether 19 digits stand in a row, which every integer beyond 64 bits needs."""
    return _LONG_RUN in text.translate(_DIGITS)


def _is_plain(values: Iterable[Any]) -> bool:
    """Return whether orjson writes *values* as they are.

    It writes NaN and the infinities as null, and enumerations and UUIDs as what they stand for.
    """
    for value in values:
        kind = type(value)
        if kind is str or kind is int or kind is bool or value is None:
            continue
        if kind is float:
            if not math.isfinite(value):
                return False
        elif kind is dict:
            if not _is_plain(value.values()):
                return False
        elif kind is list or kind is tuple:
            if not _is_plain(value):
                return False
        else:
            return False
    return True


def _check(value: object, path: str) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise ValueError(f"has the key {key!r}{_at(path)}: JSON keys are text")
            _check(item, f"{path}[{key!r}]")
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            _check(item, f"{path}[{index}]")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"holds {value}{_at(path)}, which JSON cannot hold")
    elif value is not None and not isinstance(value, (str, int)):
        raise ValueError(f"holds a {type(value).__name__}{_at(path)}, which JSON cannot hold")


def _at(path: str) -> str:
    return f" at {path}" if path else ""
