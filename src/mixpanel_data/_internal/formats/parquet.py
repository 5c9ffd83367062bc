"""Parquet files, as ``query --output events.parquet`` writes them -> rows."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from mixpanel_data._internal.deferral import Package
from mixpanel_data._internal.formats.content import EVENT_COLUMNS, ID_COLUMNS
from mixpanel_data._internal.formats.refusals import Place, cut_short, wrong_content
from mixpanel_data._internal.formats.text import Text, seekable

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from mixpanel_data._internal.formats.rows import Row
else:
    pa = Package("pyarrow")

_ROWS_AT_ONCE = 1000


def rows(text: Text) -> Iterator[tuple[Place, Row]]:
    """Yield the rows of a Parquet file, some at a time.

    Raises:
        InvalidRecordError: it is damaged or cut short, or its columns are not those of a table.
    """
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(seekable(text))
        names = file.schema_arrow.names
        if not {*EVENT_COLUMNS, *ID_COLUMNS} & set(names):
            raise wrong_content(
                text.name,
                f"a table of the columns {', '.join(names)[:200]}",
                "Name the columns event_name, event_time, distinct_id, insert_id and properties.",
            )
        batches = (batch.to_pylist() for batch in file.iter_batches(_ROWS_AT_ONCE))
        for number, row in enumerate(chain.from_iterable(batches), 1):
            yield (text.name, number, "row"), row
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        problem = f"the Parquet file is cut short, damaged or encrypted ({error})"
        raise cut_short(text.name, 1, problem, unit="row") from error
