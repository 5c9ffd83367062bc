"""ClickHouse on servers of its own: copies, kills, locks, readers and shards."""

import pytest

from tests.support import clickhouse_server

needs_server = pytest.mark.skipif(not clickhouse_server.IS_THERE, reason=clickhouse_server.WHY_NOT)
