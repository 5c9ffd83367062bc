"""The write-ahead log: its entries, and where its last whole transaction ends."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mixpanel_data._internal.duckdb.blocks import checksum
from mixpanel_data._internal.duckdb.errors import RECOVER
from mixpanel_data._internal.duckdb.files import wal_path
from mixpanel_data.exceptions import DamagedDatabaseError

logger = logging.getLogger(__name__)

_VERSION, _FLUSH, _USE_TABLE, _INSERT = 98, 100, 25, 26
# Every entry begins with the field of its type, and is framed by its size and its checksum.
_TYPE = b"\x64\x00"
_FRAME = 16


class Entry(NamedTuple):
    """One entry of a log; a transaction ends with one that *is_commit*."""

    start: int
    end: int
    kind: int

    @property
    def is_commit(self) -> bool:
        """Whether the entry ends a transaction."""
        return self.kind == _FLUSH


class Log(NamedTuple):
    """What is in a log."""

    data: bytes
    header_end: int
    entries: list[Entry]
    """The entries up to the first that is damaged or cut short."""

    @property
    def commits(self) -> list[int]:
        """Where its whole transactions end, the last one first."""
        return [entry.end for entry in reversed(self.entries) if entry.is_commit]

    @property
    def whole(self) -> int:
        """How many of its bytes are whole transactions."""
        return next(iter(self.commits), self.header_end)

    def later_entries(self) -> Iterator[Entry]:
        """Yield the undamaged entries after the whole transactions."""
        at = self.whole
        while (at := self.data.find(_TYPE, at + _FRAME)) >= 0:
            at -= _FRAME
            entry = _entry(self.data, at)
            if entry is not None and _is_intact(self.data, entry):
                yield entry
                at = entry.end
            else:
                at += 1

    def with_inserts_into(self, table: str) -> bytes:
        """Return its whole transactions, and of the later ones only the rows of *table*."""
        kept = [self.data[: self.whole]]
        chosen = False
        for entry in self.later_entries():
            content = self.data[entry.start : entry.end]
            if entry.kind == _USE_TABLE:
                chosen = table.encode() in content
            if chosen and entry.kind in (_USE_TABLE, _INSERT):
                kept.append(content)
        # One commit for all of them, the unfinished transaction's too.
        commits = (self.data[e.start : e.end] for e in self.entries if e.is_commit)
        return b"".join([*kept, next(commits, b"")])


def read_log(path: Path, *, checksums: bool = True) -> Log | None:
    """Return what is in a log; None where there is none, or one of a kind that is not known."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    header_end = _header_end(data)
    if header_end is None or not data:
        return None
    at, entries = header_end, list[Entry]()
    if not header_end:
        return Log(data, 0, entries)
    while (entry := _entry(data, at)) is not None and (not checksums or _is_intact(data, entry)):
        entries.append(entry)
        at = entry.end
    return Log(data, header_end, entries)


def torn_bytes(path: Path) -> int:
    """Return how many bytes at the end of a log are no whole transaction.

    Raises:
        DamagedDatabaseError: there are whole transactions after them, which DuckDB would drop.
    """
    log = read_log(path, checksums=False)
    torn = len(log.data) - log.whole if log is not None else 0
    if log is not None and torn and any(entry.is_commit for entry in log.later_entries()):
        raise DamagedDatabaseError(
            f"The write-ahead log {path} is damaged at byte {log.whole:,}, and transactions follow."
            f" {RECOVER}",
            db_path=str(path),
        )
    return torn


def _entry(data: bytes, at: int) -> Entry | None:
    end = at + _FRAME + int.from_bytes(data[at : at + 8], "little")
    start = at + _FRAME
    if end > len(data) or end < start + 3 or data[start : start + 2] != _TYPE:
        return None
    return Entry(at, end, data[start + 2])


def _is_intact(data: bytes, entry: Entry) -> bool:
    stored = int.from_bytes(data[entry.start + 8 : entry.start + _FRAME], "little")
    return stored == checksum(data[entry.start + _FRAME : entry.end])


def _header_end(data: bytes) -> int | None:
    """Return where the first entry begins, 0 where the header is damaged, None in other logs."""
    at = 0

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    try:
        while (field := int.from_bytes(data[at : at + 2], "little")) != 0xFFFF:
            at += 2
            value = number()
            if field == 101 and value in (1, 3):
                # From before entries had checksums, and encrypted.
                return None
            if (field, value) not in ((100, _VERSION), (101, 2)) and field not in (102, 103):
                return 0
            # The identifier of the database is a list.
            for _ in range(value if field == 102 else 0):
                number()
    except IndexError:
        return 0
    return at + 2 if at > 2 else 0


def warn_of_torn_log(path: Path) -> None:
    """Log a warning when the log of a database ends with less than a whole transaction."""
    if torn := torn_bytes(wal_path(path)):
        logger.warning(
            "The log of %s ends with %d bytes that are no whole transaction, as after a kill or a"
            " full disk. They are ignored; all transactions before them are there.",
            *(path, torn),
        )
