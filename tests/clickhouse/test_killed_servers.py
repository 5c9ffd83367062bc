"""A server that is killed during a load has the table as it was, or as it is to be."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clickhouse import needs_server
from tests.clickhouse.server_kills import outcomes
from tests.support.clickhouse_server import running
from tests.support.effort import tries

pytestmark = [pytest.mark.clickhouse, pytest.mark.slow, needs_server]


def test_a_killed_server_has_old_or_new(tmp_path: Path) -> None:
    kills = tries(6, 40)
    with running(tmp_path / "data") as server:
        found = outcomes(server, kills)
    assert found["between"] == 0
    assert sum(found.values()) == kills
