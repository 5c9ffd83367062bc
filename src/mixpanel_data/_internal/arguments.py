"""Arguments whose wrong type would go unnoticed, or be noticed far from the call."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, TypeVar

_Value = TypeVar("_Value")


def several(
    name: str, values: Iterable[_Value], kinds: tuple[type[Any], ...] = (str,)
) -> tuple[_Value, ...]:
    """Return the values of an argument that takes several, each of one of these *kinds*.

    Raises:
        TypeError: it is one text, which would be taken for its letters, or holds something else.
    """
    wanted = " or ".join(kind.__name__ for kind in kinds)
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise TypeError(f"{name} must be a list of {wanted}, not {values!r}.")
    found = tuple(values)
    for number, value in enumerate(found, 1):
        if not isinstance(value, kinds):
            raise TypeError(f"{name} must be a list of {wanted}; number {number} is {value!r}.")
    return found


def whole(**values: int | None) -> None:
    """Check arguments, by name, that are whole numbers where they are given.

    Raises:
        TypeError: one is none.
    """
    for name, value in values.items():
        if value is not None and not hasattr(value, "__index__"):
            raise TypeError(f"{name} must be a whole number, not {value!r}.")


def duration(name: str, value: timedelta) -> timedelta:
    """Return an argument that is a stretch of time.

    Raises:
        TypeError: it is no timedelta.
    """
    if not isinstance(value, timedelta):
        raise TypeError(f"{name} must be a timedelta, such as timedelta(days=7), not {value!r}.")
    return value
