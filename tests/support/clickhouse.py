"""ClickHouse within the test process: one engine in memory, a new database for every test."""

from __future__ import annotations

import itertools
from functools import cache

from mixpanel_data import StorageEngine

_numbers = itertools.count(1)


def new_url() -> str:
    """Return the URL of a database that is not there yet."""
    _keep()
    return f"clickhousedb:///test{next(_numbers)}?interface=chdb"


def connect() -> StorageEngine:
    """Return an engine on a new database."""
    return StorageEngine.connect(new_url())


@cache
def _keep() -> StorageEngine:
    # What is in memory goes with the last connection.
    return StorageEngine.connect("clickhousedb:///kept?interface=chdb")
