"""Worked examples and random events over a table that is distributed over two servers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.clickhouse import needs_server
from tests.reports.conftest import make as make
from tests.reports.test_funnel_random import (
    test_every_kind_of_funnel_equals_the_reference as test_every_kind_of_funnel,
)
from tests.reports.test_retention_random import (
    test_every_kind_of_retention_equals_the_reference as test_every_kind_of_retention,
)
from tests.reports.test_segmentation_random import (
    test_active_users_equal_the_reference as test_active_users,
)
from tests.reports.test_segmentation_random import (
    test_every_measure_equals_the_reference as test_every_measure,
)
from tests.reports.test_segmentation_random import (
    test_frequency_equals_the_reference as test_frequency,
)
from tests.reports.test_sessions_random import test_flows_equal_the_reference as test_flows
from tests.reports.test_sessions_random import test_sessions_equal_the_reference as test_sessions
from tests.reports.test_vectors import (
    test_the_answer_is_the_documented_one as test_worked_examples,
)
from tests.support import clickhouse_server
from tests.support.shards import Sharded

__all__ = [
    "test_active_users",
    "test_every_kind_of_funnel",
    "test_every_kind_of_retention",
    "test_every_measure",
    "test_flows",
    "test_frequency",
    "test_sessions",
    "test_worked_examples",
]

pytestmark = [pytest.mark.clickhouse, pytest.mark.slow, needs_server]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Yield the engine on the first of two servers."""
    with clickhouse_server.shards(tmp_path_factory.mktemp("shards")) as servers:
        opened = Sharded(servers, "reports")
        yield opened
        opened.close()
