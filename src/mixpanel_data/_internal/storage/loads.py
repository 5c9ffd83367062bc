"""The calls of StorageEngine that write: loads and drops, each of them whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mixpanel_data._internal.formats.detection import detect_kind
from mixpanel_data._internal.formats.paths import Sources, expand, is_empty, names_of
from mixpanel_data._internal.formats.readers import READERS
from mixpanel_data._internal.formats.text import BinaryStream
from mixpanel_data._internal.loading.job import (
    IfMissing,
    LoadJob,
    OnConflict,
    Progress,
    check_metadata,
)
from mixpanel_data._internal.loading.sources import RecordSource
from mixpanel_data._internal.progress import with_bar
from mixpanel_data._internal.schema.tables import EVENTS, KINDS, PROFILES
from mixpanel_data._internal.storage.base import StorageBase, library_edge
from mixpanel_data.types import (
    EventRecord,
    LoadAction,
    ProfileRecord,
    check_table_name,
    utc_now,
)

if TYPE_CHECKING:
    from mixpanel_data.types import TableMetadata


class LoadMixin(StorageBase):
    """The calls that change the database."""

    index_limit: int = 1_000_000

    @library_edge
    def create_events_table(
        self,
        name: str,
        data: Iterable[EventRecord],
        metadata: TableMetadata,
        progress_callback: Progress | None = None,
        batch_size: int = 1000,
        *,
        progress: bool = False,
    ) -> int:
        """Make a table of events from an iterable, lazily and atomically, and count what it stored.

        *progress_callback* gets the running number of records after every *batch_size* of them,
        and for the last batch the number of rows stored; *progress* draws it in a terminal or a
        notebook.

        Raises:
            ValueError: a name, batch size or metadata that cannot be.
            TypeError: *metadata* is no TableMetadata.
            TableExistsError: the name is taken; the iterable was not started.
            InvalidRecordError: a record is missing a field, or a field is wrong.
            QueryError: the database failed.
        """
        job = LoadJob(EVENTS, name, metadata, "create", self.index_limit)
        return self._load_data(job, data, progress_callback, batch_size, draw=progress)

    @library_edge
    def create_profiles_table(
        self,
        name: str,
        data: Iterable[ProfileRecord],
        metadata: TableMetadata,
        progress_callback: Progress | None = None,
        batch_size: int = 1000,
        *,
        progress: bool = False,
    ) -> int:
        """Make a table of profiles; all else as ``create_events_table``."""
        job = LoadJob(PROFILES, name, metadata, "create", self.index_limit)
        return self._load_data(job, data, progress_callback, batch_size, draw=progress)

    @library_edge
    def append_events_table(
        self,
        name: str,
        data: Iterable[EventRecord],
        metadata: TableMetadata,
        progress_callback: Progress | None = None,
        batch_size: int = 1000,
        *,
        replace: bool = False,
        allow_empty: bool = False,
        progress: bool = False,
    ) -> int:
        """Add events to a table, skipping those it holds; all else as ``create_events_table``.

        With *replace*, the events from ``metadata.from_date`` to ``to_date`` (both inclusive), of
        ``filter_events`` where that is given, are replaced by the new ones in the same transaction.
        No record at all is taken for a mistake then, unless *allow_empty*.

        Raises:
            TableNotFoundError: the table is not there.
            ValueError: it is not a table of events, or *replace* without both dates.
            EmptyLoadError: *replace* by nothing; the table is as it was.
            InvalidRecordError: *replace*, and a record is of another day or event.
        """
        job = LoadJob(
            EVENTS,
            name,
            metadata,
            "replace" if replace else "append",
            self.index_limit,
            needs_records=replace and not allow_empty,
            needs_window=replace,
        )
        return self._load_data(job, data, progress_callback, batch_size, draw=progress)

    @library_edge
    def append_profiles_table(
        self,
        name: str,
        data: Iterable[ProfileRecord],
        metadata: TableMetadata,
        progress_callback: Progress | None = None,
        batch_size: int = 1000,
        *,
        on_conflict: OnConflict = "ignore",
        progress: bool = False,
    ) -> int:
        """Add profiles to a table; all else as ``append_events_table``.

        *on_conflict* says what becomes of a profile that the table holds: "ignore" keeps the one
        that is there, "update" the one with the later ``last_seen`` (the new one, if they are
        equal), "replace" always the new one.
        """
        job = LoadJob(PROFILES, name, metadata, "append", self.index_limit, on_conflict)
        return self._load_data(job, data, progress_callback, batch_size, draw=progress)

    @library_edge
    def load_export(
        self,
        name: str,
        paths: Sources,
        metadata: TableMetadata | None = None,
        *,
        append: bool = False,
        replace: bool = False,
        on_conflict: OnConflict = "ignore",
        if_missing: IfMissing = "error",
        allow_empty: bool = False,
        progress: Progress | bool | None = None,
    ) -> int:
        """Load Mixpanel's raw files (see ``formats``) into a table, and count the rows stored.

        *paths* are files, glob patterns or binary streams, all of them one load, each file once.
        Without *metadata* their content tells their kind and days, and ``fetched_at`` is now.
        *append*, *replace* and *on_conflict* are those of the append calls; with *if_missing*
        "create" they make a missing table. Files without a single record are taken for a failed
        download, unless *allow_empty*. *progress* gets the bytes read so far; True draws them.

        Raises:
            FileNotFoundError: a path is not there, or a pattern matches none.
            InvalidRecordError: a line is no record, a file is cut short or something else.
            EmptyLoadError: there is no record, and *allow_empty* was not said.
            ValueError, TableExistsError, TableNotFoundError, QueryError: as for the other loads.
        """
        sources = expand(paths)
        source, undated = names_of(sources), metadata is None
        if metadata is None:
            metadata, sources = self._detected(name, sources, allow_empty)
        check_metadata(metadata)
        action: LoadAction = "replace" if replace else "append" if append else "create"
        job = LoadJob(
            *(KINDS[metadata.type], name, metadata, action, self.index_limit, on_conflict),
            *(source, if_missing, not allow_empty),
            is_export=True,
            dates_from_records=undated,
            needs_window=replace,
        )
        return self._load_files(job, sources, progress)

    def _load_data(
        self,
        job: LoadJob,
        data: Iterable[Mapping[str, Any]],
        callback: Progress | None,
        batch_size: int,
        *,
        draw: bool,
    ) -> int:
        def work(call: Progress | None) -> int:
            return self._load_records(job, data, call, batch_size)

        return with_bar(job.table, None, draw, callback, work)

    def _detected(
        self, name: str, sources: list[Path | BinaryStream], allow_empty: bool
    ) -> tuple[TableMetadata, list[Path | BinaryStream]]:
        """Return metadata by what *sources* hold, and the sources to read after that."""
        kind, sources = detect_kind(sources)
        if kind is None and allow_empty:
            known = self._backend.kind_of(name)
            if known is None:
                raise ValueError(
                    f"No record tells whether {name!r} is for events or profiles: give metadata"
                    " with its type."
                )
            kind = known.name
        from mixpanel_data.types import TableMetadata

        return TableMetadata(type=kind or "events", fetched_at=utc_now()), sources

    def _load_files(
        self, job: LoadJob, sources: list[Path | BinaryStream], progress: Progress | bool | None
    ) -> int:
        draw, call = progress is True, progress if callable(progress) else None
        files = [source for source in sources if isinstance(source, Path)]
        # A stream has no size.
        total = sum(file.stat().st_size for file in files) if draw and files == sources else 0
        return with_bar(job.table, total, draw, call, lambda call: self._read(job, sources, call))

    def _read(
        self, job: LoadJob, sources: list[Path | BinaryStream], progress: Progress | None
    ) -> int:
        if not job.needs_records:
            # A file of no bytes is no damaged one then, whatever its name.
            sources = [s for s in sources if not (isinstance(s, Path) and is_empty(s))]
        files = [source for source in sources if isinstance(source, Path)]
        if files == sources and files:
            stored = self._backend.load_files(job, files, progress)
            if stored is not None:
                return stored
        if not sources:
            return self._load_records(job, ())
        # Refused as a load without a record, and not where others have some.
        records = READERS[job.kind.name](*sources, progress=progress, allow_empty=True)
        return self._load_records(job, records)

    def _load_records(
        self,
        job: LoadJob,
        records: Iterable[Mapping[str, Any]],
        progress: Progress | None = None,
        batch_size: int = 1000,
    ) -> int:
        source = RecordSource(records, job.kind, job.table, progress, batch_size)
        return self._backend.load(job, source)

    @library_edge
    def drop_table(self, name: str) -> None:
        """Drop a table and its catalogue entry.

        Raises:
            ValueError: users may not have a table of this name.
            TableNotFoundError: it is not there.
        """
        check_table_name(name)
        self._backend.drop(name)
