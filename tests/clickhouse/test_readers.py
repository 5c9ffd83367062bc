"""Readers beside a writer see the table before or after a load, never between."""

from __future__ import annotations

import threading

import pytest

from mixpanel_data import StorageEngine
from tests.support.factories import EVENTS
from tests.support.processes import start

pytestmark = [pytest.mark.clickhouse, pytest.mark.slow]

ROWS, LOADS = 500, 20

_WRITER = f"""
import sys
from mixpanel_data import StorageEngine
from tests.support.factories import EVENTS

with StorageEngine.connect(sys.argv[1]) as engine:
    for n in range(1, {LOADS} + 1):
        EVENTS.append(engine, EVENTS.records({ROWS}, n * {ROWS}))
"""
_COUNT = f"SELECT count(), uniqExact(insert_id), max(insert_id) FROM data HAVING count() % {ROWS}"


def test_no_read_is_torn(url: str) -> None:
    with StorageEngine.connect(url) as engine:
        EVENTS.create(engine, EVENTS.records(ROWS))
    writer = start(_WRITER, url)
    torn: list[object] = []
    reads = [0, 0, 0]

    def read(number: int) -> None:
        with StorageEngine.connect(url, read_only=True) as reader:
            while not reads[number] or writer.poll() is None:
                try:
                    torn.extend(reader.execute_rows(_COUNT))
                    reads[number] += 1
                except Exception as error:
                    torn.append(error)

    readers = [threading.Thread(target=read, args=(n,)) for n in range(len(reads))]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    _, errors = writer.communicate()
    assert writer.returncode == 0, errors
    assert torn == []
    assert min(reads) > 0
    with StorageEngine.connect(url) as engine:
        assert engine.execute_scalar("SELECT count() FROM data") == ROWS * (LOADS + 1)
        assert len(engine.load_history("data")) == LOADS + 1
