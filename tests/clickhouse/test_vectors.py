"""Every worked example of the reports over a table that is distributed over two servers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.clickhouse import needs_server
from tests.reports import test_vectors
from tests.reports.conftest import make as make
from tests.support import clickhouse_server
from tests.support.shards import Sharded

pytestmark = [pytest.mark.clickhouse, pytest.mark.slow, needs_server]

test_the_answer_is_the_documented_one = test_vectors.test_the_answer_is_the_documented_one


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Yield the engine on the first of two servers."""
    with clickhouse_server.shards(tmp_path_factory.mktemp("shards")) as servers:
        opened = Sharded(servers, "reports")
        yield opened
        opened.close()
