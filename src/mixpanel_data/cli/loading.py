"""One load from the command line: files by DuckDB's own reader, pipes line by line."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mixpanel_data import LoadInfo, StorageEngine, TableMetadata
from mixpanel_data.cli.progress import LoadProgress, load_progress
from mixpanel_data.cli.terminal import count
from mixpanel_data.formats import read_export, read_profiles
from mixpanel_data.types import TableKind

STDIN = Path("-")

_READERS: dict[TableKind, Callable[..., Any]] = {"events": read_export, "profiles": read_profiles}
_STORE: dict[tuple[TableKind, bool], Callable[..., int]] = {
    ("events", False): StorageEngine.create_events_table,
    ("events", True): StorageEngine.append_events_table,
    ("profiles", False): StorageEngine.create_profiles_table,
    ("profiles", True): StorageEngine.append_profiles_table,
}


@dataclass(frozen=True)
class Request:
    """What to load, and what becomes of the rows that are there.

    With *replace* or *append* the table has to be there, without them it must not be.
    """

    files: list[Path]
    table: str
    metadata: TableMetadata
    append: bool = False
    replace: bool = False
    on_conflict: Literal["ignore", "update"] = "ignore"


def load_files(storage: StorageEngine, request: Request, *, quiet: bool = False) -> str:
    """Load files into one table, showing the progress, and give a line that sums it up."""
    # Only a file can be opened by DuckDB, as often as it likes, and has a size.
    whole = all(file != STDIN and file.is_file() for file in request.files)
    total = sum(file.stat().st_size for file in request.files) if whole else None
    before = len(storage.loads(request.table))
    with load_progress(total, quiet=quiet) as progress:
        try:
            (_load_whole if whole else _stream)(storage, request, progress)
        except (KeyboardInterrupt, RuntimeError):
            # Ctrl-C may come too late, while the load commits; DuckDB has an error of its own then.
            if len(storage.loads(request.table)) == before:
                raise
        done = storage.loads(request.table)[-1]
        progress.finished(done.records)
    return _summary(request, done)


def _load_whole(storage: StorageEngine, request: Request, progress: LoadProgress) -> None:
    storage.load_export(
        request.table,
        request.files,
        request.metadata,
        append=request.append,
        replace=request.replace,
        on_conflict=request.on_conflict,
        progress=progress.bytes_read,
    )


def _stream(storage: StorageEngine, request: Request, progress: LoadProgress) -> None:
    kind = request.metadata.type
    sources = [sys.stdin.buffer if file == STDIN else file for file in request.files]
    records = _READERS[kind](*sources, progress=progress.bytes_read)
    adding = request.append or request.replace
    options: dict[str, Any] = {}
    if adding and kind == "events":
        options["replace"] = request.replace
    elif adding:
        options["on_conflict"] = request.on_conflict
    store = _STORE[kind, adding]
    store(storage, request.table, records, request.metadata, progress.rows_read, **options)


def _summary(request: Request, done: LoadInfo) -> str:
    parts = [f"{count(done.stored, 'row')} stored"]
    if request.replace or request.on_conflict == "update":
        parts.append(f"{count(done.replaced, 'row')} replaced")
    parts.append(f"{count(done.duplicates, 'duplicate')} skipped")
    if done.type == "events":
        parts.append(f"{count(done.collisions, 'collision')} kept")
    return f"{request.table}: {', '.join(parts)}"
