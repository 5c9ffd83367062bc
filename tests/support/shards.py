"""One repository over two servers: rows of a user are on one of them, and one table shows all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from zlib import crc32

from mixpanel_data import StorageEngine, TableMetadata
from mixpanel_data.reports import Reports
from tests.support.clickhouse_server import CLUSTER, Server


class Sharded:
    """Two engines, each on a server, and on the first one tables that are distributed over both.

    Whatever only asks is the first engine's own.
    """

    def __init__(self, servers: tuple[Server, Server], database: str) -> None:
        self.database = database
        self._servers = servers
        self._open()

    def _open(self) -> None:
        for server in self._servers:
            server.new_database(self.database)
        self.engines = [
            StorageEngine.connect(server.url(self.database)) for server in self._servers
        ]

    def revive(self) -> bool:
        """Start a server that has ended by itself again, with no table on either of them.

        The library that the servers are made of aborts, now and then, when the other server resets
        a connection. Returns whether one had.
        """
        ended = [server for server in self._servers if server.revive()]
        if not ended:
            return False
        self.close()
        for server in self._servers:
            server.ask(f"DROP DATABASE {self.database} SYNC")
        self._open()
        return True

    def create_events_table(
        self, name: str, records: Iterable[dict[str, Any]], metadata: TableMetadata
    ) -> None:
        """Make a table of events."""
        self._create(name, records, lambda engine: engine.create_events_table, metadata)

    def create_profiles_table(
        self, name: str, records: Iterable[dict[str, Any]], metadata: TableMetadata
    ) -> None:
        """Make a table of profiles."""
        self._create(name, records, lambda engine: engine.create_profiles_table, metadata)

    def _create(
        self,
        name: str,
        records: Iterable[dict[str, Any]],
        call: Callable[[StorageEngine], Callable[..., int]],
        metadata: TableMetadata,
    ) -> None:
        parts: list[list[dict[str, Any]]] = [[], []]
        for record in records:
            parts[crc32(record["distinct_id"].encode()) % 2].append(record)
        for engine, part in zip(self.engines, parts):
            call(engine)(f"{name}_shard", part, metadata)
        self.engines[0].execute_rows(
            f"CREATE TABLE {name} AS {name}_shard"
            f" ENGINE = Distributed({CLUSTER}, {self.database}, {name}_shard)"
        )

    def drop_table(self, name: str) -> None:
        """Drop a table and its parts."""
        self.engines[0].execute_rows(f"DROP TABLE {name} SYNC")
        for engine in self.engines:
            engine.drop_table(f"{name}_shard")

    def reports(self, name: str, **options: Any) -> Reports:
        """Return reports over a table."""
        return self.engines[0].reports(name, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engines[0], name)

    def close(self) -> None:
        """Close both engines."""
        for engine in self.engines:
            engine.close()
