"""The call of StorageEngine that copies tables into another database."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from mixpanel_data._internal.display import Listing
from mixpanel_data._internal.loading.copy_job import CopyJob, Fingerprint
from mixpanel_data._internal.storage.base import Backend, library_edge
from mixpanel_data._internal.storage.inspection import InspectionMixin
from mixpanel_data._internal.storage.loads import LoadMixin
from mixpanel_data.exceptions import CopyMismatchError
from mixpanel_data.types import CopiedTable

if TYPE_CHECKING:
    import pyarrow as pa

logger = logging.getLogger(__name__)

CopyProgress = Callable[[str, int, int], object]
"""Gets the table that is being copied, how many of its rows are over, and how many it has."""


class CopyMixin(LoadMixin, InspectionMixin):
    """The call that copies tables."""

    @library_edge
    def copy_to(
        self,
        target: CopyMixin,
        tables: Iterable[str] | None = None,
        *,
        progress: CopyProgress | None = None,
    ) -> list[CopiedTable]:
        """Copy *tables*, or all of events and profiles, into another database, each as a whole.

        Rows, metadata and load history come over as they are; they pass in batches, and little
        memory is needed. Each table is stored in one step, after the count and the checksum of its
        rows were compared with those of the source. A table that *target* has already with the
        same rows is left as it is, so that a copy that was interrupted goes on from there. The
        history of an earlier table of the name is replaced. Typed rows and tables that this
        library did not make are not copied. *progress* gets the table, the rows that are over, and
        how many there are.

        Raises:
            ValueError: *target* is this database, or only read, or a table was not made by this
                library.
            TableNotFoundError: one of *tables* is not here.
            CopyMismatchError: *target* has a table of this name with other rows, and nothing was
                copied; or the rows of a table did not all arrive, and it was not stored.
            QueryError: one of the databases failed; the tables before were copied.
        """
        self._check_target(target)
        names = [info.name for info in self.list_tables()]
        if tables is not None:
            names = list(dict.fromkeys(map(self._registered, tables)))
        prints = {
            name: self._backend.fingerprint(name) for name in names if target.table_exists(name)
        }
        there = {name for name, found in prints.items() if _is_same(target, name, found)}
        return Listing(
            self._copied(target, name, prints[name], copied=False)
            if name in there
            else self._copy(target, name, progress)
            for name in names
        )

    def _check_target(self, target: CopyMixin) -> None:
        if _are_same(self._backend, target._backend):
            raise ValueError("The target of a copy is the source itself; name another database.")
        if target._backend.read_only:
            raise ValueError("The target of a copy is open for reading only; open it for writing.")

    def _registered(self, name: str) -> str:
        found = self.get_schema(name).table_name
        if found not in {info.name for info in self.list_tables()}:
            raise ValueError(f"Cannot copy table '{found}': it was not made by this library.")
        return found

    def _copy(self, target: CopyMixin, name: str, progress: CopyProgress | None) -> CopiedTable:
        found = self._backend.fingerprint(name)
        job = CopyJob(
            name, self.get_metadata(name), self.load_history(name), found, target.index_limit
        )

        own_keys = not target._backend.has_unique_keys
        with self._backend.read(name, own_keys=own_keys) as batches:
            target._backend.store_copy(job, _reported(batches, job, progress))
        return self._copied(target, name, found, copied=True)

    def _copied(
        self, target: CopyMixin, name: str, found: Fingerprint, *, copied: bool
    ) -> CopiedTable:
        done = "Copied %s into %s: %s" if copied else "Left %s in %s as it is: the same %s"
        logger.info(done, name, target._backend.place, found)
        return CopiedTable(name, self.get_metadata(name).type, found.rows, found.digits, copied)


def _reported(
    batches: Iterable[pa.RecordBatch], job: CopyJob, progress: CopyProgress | None
) -> Iterator[pa.RecordBatch]:
    rows = 0
    for batch in batches:
        yield batch
        rows += batch.num_rows
        if progress is not None:
            progress(job.name, rows, job.fingerprint.rows)


def _are_same(one: Backend, other: Backend) -> bool:
    """Return whether two are open on one database."""
    if one.path is not None and other.path is not None:
        return one.path.samefile(other.path)
    # All that are in memory have one URL.
    return one is other or (one.path is other.path and one.place == other.place != "in memory")


def _is_same(target: CopyMixin, name: str, found: Fingerprint) -> bool:
    """Return whether the target has the same rows under this name.

    Raises:
        CopyMismatchError: it has others.
    """
    spelled = target.get_schema(name).table_name
    rows = {info.name: info.row_count for info in target.list_tables()}.get(spelled)
    stored = target._backend.fingerprint(spelled) if rows == found.rows else None
    if stored == found:
        return True
    there = "something that this library did not make" if rows is None else f"{rows:,} rows"
    raise CopyMismatchError(
        f"Table '{name}' is in the target already, and is another one: {stored or there} there,"
        f" {found} in the source. Nothing was copied. Drop it from the target, or copy into another"
        " database.",
        table_name=name,
        source=str(found),
        target=str(stored or there),
    )
