"""The records of a load that come from an iterable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mixpanel_data._internal.loading.records import batches
from mixpanel_data._internal.schema.tables import Kind, user_table

if TYPE_CHECKING:
    import pyarrow as pa

    from mixpanel_data._internal.loading.job import Progress
    from mixpanel_data._internal.zones import WallClock


class RecordSource:
    """Records of an iterable, pulled once and lazily on the caller's thread.

    What the iterable or *progress* raises leaves as it is: it is the caller's own.
    """

    def __init__(
        self,
        records: Iterable[Mapping[str, Any]],
        kind: Kind,
        table: str,
        progress: Progress | None = None,
        batch_size: int = 1000,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size must be 1 or more, not {batch_size}.")
        self._records = records
        self._template = user_table(kind, table)
        self._progress = progress
        self._batch_size = batch_size
        self._read = self._reported = 0

    def batches(self, clock: WallClock | None) -> Iterator[pa.RecordBatch]:
        """Check the records and yield them as Arrow batches; *clock* reads times without an offset.

        Who takes them calls ``report`` after each.

        Raises:
            InvalidRecordError: a field is missing or wrong; names the field and the record.
        """
        return batches(self._records, self._template, clock)

    def stored(self, rows: int) -> None:
        """Report the last batch, with the number of rows stored."""
        if self._progress is not None and self._read:
            self._progress(rows)

    def report(self, read: int) -> None:
        """Report every full batch that is not the last, when *read* records were read."""
        while self._progress is not None and self._reported + self._batch_size < read:
            self._reported += self._batch_size
            self._progress(self._reported)
        self._read = read
