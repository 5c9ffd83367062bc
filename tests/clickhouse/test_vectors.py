"""Every worked example of the reports over a table that is distributed over two servers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.clickhouse import needs_server
from tests.reports.conftest import Make
from tests.reports.conftest import make as make
from tests.reports.test_vectors import VECTORS
from tests.reports.test_vectors import check_answer as ask
from tests.support import clickhouse_server
from tests.support.shards import Sharded

pytestmark = [pytest.mark.clickhouse, pytest.mark.slow, needs_server]


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["id"] for vector in VECTORS])
def test_the_answer_is_the_documented_one(
    make: Make, shared: Sharded, vector: dict[str, Any]
) -> None:
    """Asked again where a server ended by itself."""
    for _ in range(3):
        try:
            ask(make, shared, vector)  # type: ignore[arg-type]
        except Exception:
            if not shared.revive():
                raise
        else:
            return
    pytest.fail("A server ended by itself three times.")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Yield the engine on the first of two servers."""
    with clickhouse_server.shards(tmp_path_factory.mktemp("shards")) as servers:
        opened = Sharded(servers, "reports")
        yield opened
        opened.close()
