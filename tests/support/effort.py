"""How much a test tries: a sample in each run, all of it by ``make thorough``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

import pytest

THOROUGH = bool(os.environ.get("THOROUGH"))

_T = TypeVar("_T")

only_thorough = pytest.mark.skipif(
    not THOROUGH, reason="takes long and finds little that others do not: run by `make thorough`"
)


def tries(sample: int, every: int) -> int:
    """Return how many of something to try."""
    return every if THOROUGH else sample


def some(items: Sequence[_T], sample: int) -> list[_T]:
    """Return *sample* of the items, evenly spread, with the first and the last; or all of them."""
    if THOROUGH or len(items) <= sample:
        return list(items)
    return [items[place * (len(items) - 1) // (sample - 1)] for place in range(sample)]
