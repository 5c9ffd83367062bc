"""Export files that DuckDB reads by itself."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from mixpanel_data._internal.deferral import Package
from mixpanel_data._internal.duckdb import export_query
from mixpanel_data._internal.duckdb.errors import Failure
from mixpanel_data._internal.formats.content import Content, content_of
from mixpanel_data._internal.formats.lines import has_long_lines
from mixpanel_data._internal.formats.readers import READERS
from mixpanel_data._internal.formats.text import check_whole, start_of
from mixpanel_data._internal.formats.values import is_page
from mixpanel_data._internal.loading.job import Progress
from mixpanel_data._internal.loading.records import batches
from mixpanel_data._internal.schema.tables import EVENTS, Kind, user_table
from mixpanel_data._internal.zones import WallClock
from mixpanel_data.exceptions import InvalidRecordError, QueryError

if TYPE_CHECKING:
    import pyarrow as pa
else:
    pa = Package("pyarrow")

_LINES = (Content.LINES, Content.PRETTY)
# What each thread of DuckDB needs, in MiB: most of it for the rows of events. Profiles come in
# pages of many, too, and the reader of those takes 64.
_THREAD_MEMORY = {"events": 136, "profiles": 512}


class UnsupportedExport(Exception):  # noqa: N818 - a reason to read line by line, never seen outside
    """The files are better read line by line: DuckDB cannot, or too much is out of the ordinary."""


class ExportSource:
    """Export files that DuckDB reads by itself; regular lines never pass through Python."""

    def __init__(self, files: Sequence[Path], kind: Kind, progress: Progress | None = None) -> None:
        self._files = files
        self._kind = kind
        self._progress = progress
        self.thread_memory = _THREAD_MEMORY[kind.name]

    def write_to(self, connection: sa.Connection, target: sa.Table, clock: WallClock | None) -> int:
        """Read the files with one INSERT … SELECT, and the irregular lines as records.

        Raises:
            UnsupportedExport: DuckDB's parser refuses a file, a compressed one is damaged, too many
                lines are irregular, or one of them is no record.
        """
        whole = chain.from_iterable(map(check_whole, self._files))
        try:
            newline = _common_newline(self._files, self._kind)
            export_query.insert(
                *(connection, target, self._kind.name, self._files),
                *(newline, whole, self._progress, clock),
            )
            export_query.hold_repeated_keys(connection, target, self._kind.name, self._kind.key)
            if clock is not None:
                clock.ambiguous += export_query.count_ambiguous(connection, target, clock)
            self._fill_placeholders(connection, target, clock)
        except InvalidRecordError as error:
            # Read line by line, it says which line is to blame.
            raise UnsupportedExport(str(error)) from error
        except QueryError as error:
            if error.details.get("failure") == Failure.UNREADABLE_INPUT.value:
                raise UnsupportedExport(str(error)) from error
            raise
        return connection.scalar(sa.select(sa.func.count()).select_from(target)) or 0

    def _fill_placeholders(
        self, connection: sa.Connection, target: sa.Table, clock: WallClock | None
    ) -> None:
        """Read the lines that stand in for records, and put the records in their place."""
        lines = export_query.placeholder_lines(connection, target, self._kind.key)
        if lines is None:
            raise UnsupportedExport("too many lines are out of the ordinary")
        if not lines:
            return
        if not all(line.lstrip().startswith("{") for line in lines.values()) or (
            self._kind is not EVENTS and any(is_page(line.encode()) for line in lines.values())
        ):
            # Of those the reader would take the records, also where they are within a page.
            raise UnsupportedExport("a line is a list or page")
        template = user_table(self._kind, str(target.name))
        records = READERS[self._kind.name](BytesIO("\n".join(lines.values()).encode()))
        packed = pa.Table.from_batches(batches(records, template, clock))
        if packed.num_rows != len(lines):
            raise UnsupportedExport("a line out of the ordinary holds more or less than one record")
        export_query.fill_placeholders(connection, target, list(lines), packed)


def _common_newline(files: Sequence[Path], kind: Kind) -> str:
    """Return what ends all lines of *files*, by their first bytes, as DuckDB spells it.

    Raises:
        UnsupportedExport: a file is nothing for DuckDB's reader of lines, or they differ.
    """
    found = set()
    for file in files:
        start = start_of(file)
        if start and content_of(start, str(file)) not in _LINES:
            raise UnsupportedExport(f"{file} does not hold JSON Lines")
        # Each thread that parses them would need memory for many documents.
        if kind is EVENTS and has_long_lines(start):
            raise UnsupportedExport("its lines are long")
        found.add(r"\r\n" if start.partition(b"\n")[0].endswith(b"\r") else r"\n")
    if len(found) > 1:
        raise UnsupportedExport("their lines end in two ways")
    return found.pop()
