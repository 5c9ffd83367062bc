"""How much a test tries: a sample in each run, all of it by ``make thorough``."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any, TypeVar

import pytest

THOROUGH = bool(os.environ.get("THOROUGH"))
SAMPLED = not THOROUGH and os.environ.get("VARIANTS") != "all"

_T = TypeVar("_T")

only_thorough = pytest.mark.skipif(
    not THOROUGH, reason="takes long and finds little that others do not: run by `make thorough`"
)


def tries(sample: int, every: int) -> int:
    """Return how many of something to try."""
    return every if THOROUGH else sample


def some(items: Sequence[_T], sample: int) -> list[_T]:
    """Return *sample* of the items, evenly spread from the first to the last; or all of them."""
    if THOROUGH or len(items) <= sample:
        return list(items)
    return [items[place * (len(items) - 1) // max(sample - 1, 1)] for place in range(sample)]


# So many variants of a slow test.
_SLOW = 2


class Sample:
    """A plugin of pytest that leaves out most variants of a test with many of them.

    Of a quick one each value of each parameter is tried at least once, the values of the others
    taking turns; of a slow one two of those variants, unless it is marked ``every_value``; all of
    one that is marked ``every_variant``.
    """

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Leave them out of what was chosen by name and by mark, and count them as deselected."""
        tests: defaultdict[tuple[str, str], list[pytest.Item]] = defaultdict(list)
        for item in items:
            tests[str(item.path), item.nodeid.partition("[")[0]].append(item)
        tried = {item for variants in tests.values() for item in _sample(variants)}
        config.hook.pytest_deselected(items=[item for item in items if item not in tried])
        items[:] = [item for item in items if item in tried]


def _sample(variants: list[pytest.Item]) -> list[pytest.Item]:
    if variants[0].get_closest_marker("every_variant") is not None:
        return variants
    covering = _covering(variants)
    marks = {mark.name for mark in variants[0].iter_markers()}
    return some(covering, _SLOW) if "slow" in marks and "every_value" not in marks else covering


def _covering(variants: list[pytest.Item]) -> list[pytest.Item]:
    """Return some variants of a test in which every value of every parameter is."""
    values = {item: set(enumerate(_ids(item))) for item in variants}
    unseen = set().union(*values.values())
    used: Counter[frozenset[tuple[int, str]]] = Counter()
    chosen: list[pytest.Item] = []
    while unseen:
        new = {item: len(unseen & values[item]) for item in variants}
        most = max(new.values())
        best = min(
            (item for item in variants if new[item] == most),
            key=lambda item: sum(used[pair] for pair in _pairs(values[item])),
        )
        chosen.append(best)
        used.update(_pairs(values[best]))
        unseen -= values[best]
    return chosen


def _pairs(values: set[tuple[int, str]]) -> Iterator[frozenset[tuple[int, str]]]:
    return map(frozenset, combinations(values, min(2, len(values))))


def _ids(item: Any) -> Sequence[str]:
    # Pytest tells only all of them joined, and an id may hold what joins them.
    call = getattr(item, "callspec", None)
    return getattr(call, "_idlist", [call.id]) if call is not None else [item.nodeid]
