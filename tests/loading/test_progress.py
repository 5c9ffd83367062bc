"""The callback hears of every batch, and with the last one of the rows stored."""

from __future__ import annotations

import pytest

from mixpanel_data import StorageEngine
from tests.support.factories import Kind

pytestmark = [pytest.mark.slow, pytest.mark.both_engines]

CASES = [
    (0, 1000, []),
    (1, 1000, [1]),
    (999, 1000, [999]),
    (1000, 1000, [1000]),
    (1001, 1000, [1000, 1001]),
    (2000, 1000, [1000, 2000]),
    (2500, 1000, [1000, 2000, 2500]),
    (3, 1, [1, 2, 3]),
    (7, 3, [3, 6, 7]),
    (6, 3, [3, 6]),
    (12_000, 5_000, [5_000, 10_000, 12_000]),
    (12_000, 100_000, [12_000]),
]


@pytest.mark.parametrize(("count", "batch_size", "expected"), CASES)
def test_the_running_totals(
    count: int, batch_size: int, expected: list[int], memory: StorageEngine, kind: Kind
) -> None:
    created: list[int] = []
    kind.create(
        memory, kind.records(count), progress_callback=created.append, batch_size=batch_size
    )
    appended: list[int] = []
    kind.append(
        memory,
        kind.records(count, start=count),
        progress_callback=appended.append,
        batch_size=batch_size,
    )
    assert created == appended == expected


def test_a_batch_is_a_thousand_by_default(memory: StorageEngine, kind: Kind) -> None:
    totals: list[int] = []
    kind.create(memory, kind.records(2_500), progress_callback=totals.append)
    assert totals == [1000, 2000, 2500]


@pytest.mark.parametrize(("count", "expected"), [(25, [10, 20, 20]), (20, [10, 15])])
def test_the_last_call_carries_the_rows_stored(
    count: int, expected: list[int], memory: StorageEngine, kind: Kind
) -> None:
    totals: list[int] = []
    records = [*kind.records(count - 5), *kind.records(5)]
    stored = kind.create(memory, records, progress_callback=totals.append, batch_size=10)
    assert totals == expected
    assert stored == expected[-1]


def test_an_append_of_nothing_new_reports_zero(loaded: StorageEngine, kind: Kind) -> None:
    totals: list[int] = []
    kind.append(loaded, kind.records(10), progress_callback=totals.append, batch_size=4)
    assert totals == [4, 8, 0]


def test_the_callbacks_answer_is_ignored(memory: StorageEngine, kind: Kind) -> None:
    assert kind.create(memory, kind.records(10), progress_callback=lambda rows: False) == 10
