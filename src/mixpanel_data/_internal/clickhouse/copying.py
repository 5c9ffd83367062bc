"""Tables of ClickHouse: read for a copy, and stored as one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

import sqlalchemy as sa

from mixpanel_data._internal.clickhouse import merge
from mixpanel_data._internal.clickhouse.catalog import Catalog, Entry, loads
from mixpanel_data._internal.clickhouse.database import Database, literal, quoted
from mixpanel_data._internal.clickhouse.errors import query_errors
from mixpanel_data._internal.clickhouse.load import Loader, sendable, warn_of_unreadable
from mixpanel_data._internal.clickhouse.locks import Lock, locked
from mixpanel_data._internal.clickhouse.queries import naive
from mixpanel_data._internal.loading.copy_job import DERIVED, CopyJob, Fingerprint
from mixpanel_data._internal.loading.job import LoadJob, LoadResult
from mixpanel_data._internal.schema.tables import KINDS, Kind, loads_table, user_table
from mixpanel_data.exceptions import TableExistsError
from mixpanel_data.types import LoadInfo

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS = 2048  # as others read, who need memory for some times as many
# Each statement makes a part of each month that it has rows of.
_SENT_ROWS = 500_000
_SENT_BYTES = 64 << 20


class Copies:
    """Reads tables for a copy, and stores them as one."""

    has_unique_keys = False

    database: Database
    _catalog: Catalog
    _loader: Loader

    def fingerprint(self, name: str) -> Fingerprint:
        """Return the fingerprint of a registered table."""
        return self._fingerprint(self._kind(name), name)

    @contextmanager
    def read(self, name: str, *, own_keys: bool) -> Iterator[Iterator[pa.RecordBatch]]:
        """Yield the rows of a registered table, by one query; events have their own keys."""
        names = ", ".join(quoted(c.name) for c in self._kind(name).template.columns)
        sql = f"SELECT {names} FROM {quoted(name)}"
        with (
            self.database.client() as client,
            query_errors(sql),
            client.query_arrow_stream(sql, use_strings=True) as blocks,
        ):
            yield (batch for block in blocks for batch in naive(block).to_batches(_ROWS))

    def store_copy(self, job: CopyJob, batches: Iterator[pa.RecordBatch]) -> None:
        """Make a table of *batches*, and publish it with its history as a load is."""
        what = f"copy {job.name}"
        if self._catalog.find(job.name) is not None:
            raise TableExistsError(job.name)
        with locked(self.database, job.name) as lock:
            with query_errors(what):
                merge.create_table(self.database, job.kind, lock)
            for table in sendable(batches, _SENT_ROWS, _SENT_BYTES):
                with query_errors(what), self.database.client() as client:
                    client.insert_arrow(quoted(lock.next), table, settings=merge.SETTINGS)
            job.check(self._fingerprint(job.kind, lock.next))
            with self.database.connect(what) as connection:
                warn_of_unreadable(connection, user_table(job.kind, lock.next), job.name)
            created = LoadJob(job.kind, job.name, job.metadata, "create", job.index_limit)
            self._loader.publish(created, lock, self._entered(job, lock))

    def _entered(self, job: CopyJob, lock: Lock) -> Entry:
        """Write the history of a table that is to be published, and return its entry.

        The rows of an earlier table of its name go: they would be taken for its own.
        """
        history = job.history or [self._adoption(job)]
        ids = [*(uuid4().hex[:12] for _ in history[1:]), lock.load_id]
        rows = [
            {"load_id": id_, **{c.name: getattr(load, c.name) for c in loads_table.columns}}
            for id_, load in zip(ids, history)
        ]
        with self.database.connect(f"load history of {job.name}") as connection:
            connection.execute(sa.delete(loads).where(loads.c.table_name == job.name))
            connection.execute(sa.insert(loads), rows)
        return Entry(job.metadata, history[-1], lock.load_id, job.fingerprint.rows)

    def _adoption(self, job: CopyJob) -> LoadInfo:
        """Return the first load of a table that is older than its history."""
        rows = job.fingerprint.rows
        adopt = LoadJob(job.kind, job.name, job.metadata, "adopt", job.index_limit)
        return LoadResult(rows, rows, 0).history_entry(adopt, job.name, self.database.version)

    def _kind(self, name: str) -> Kind:
        return KINDS[self._catalog.metadata(name).type]

    def _fingerprint(self, kind: Kind, name: str) -> Fingerprint:
        row = ", ".join(map(_as_text, kind.template.columns))
        hashed = f"reinterpretAsUInt64(substring(MD5(concat('', {row})), 9, 8))"
        sql = f"SELECT count(), toString(ifNull(sum(toUInt128({hashed})), 0)) FROM {quoted(name)}"
        with query_errors(f"checksum of {name}"):
            rows, total = self.database.one(sql)
        return Fingerprint(int(rows), int(total))


def _as_text(column: sa.Column[object]) -> str:
    name = quoted(column.name)
    if isinstance(column.type, sa.DateTime):
        text = f"toString(toUnixTimestamp64Micro({name}))"
    else:
        if column.name == "insert_id":
            name = f"replaceRegexpOne({name}, {literal(DERIVED)}, '')"
        text = f"concat(toString(length({name})), ':', {name})"
    return f"ifNull({text}, '-')"
